//! The one place that decides which texts are countries.

use crate::client::Country;
use crate::config::problem::ValueError;
use crate::geo::countries;

/// Codes that people write for a country that has another one.
const SLIPS: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

/// Returns the country with this code of ISO 3166-1.
pub fn find(text: &str) -> Result<Country, ValueError> {
    let wrong = || ValueError::not(text, "an ISO 3166-1 country code");
    if let Some((_, code)) = SLIPS.iter().find(|(slip, _)| *slip == text) {
        return Err(wrong().hint(format!("the code is `{code}`")));
    }
    if let Some(entry) = countries::ALL.iter().find(|entry| entry.name.eq_ignore_ascii_case(text)) {
        return Err(wrong().hint(format!("the code of {} is `{}`", entry.name, entry.code)));
    }
    let upper = text.to_ascii_uppercase();
    match upper.parse().ok().and_then(countries::find) {
        Some(entry) if entry.code == text => Ok(text.parse().expect("the table holds codes")),
        Some(entry) => Err(wrong().hint(format!("write it in capitals: `{}`", entry.code))),
        None => Err(wrong().hint("write two letters, for example `JP`")),
    }
}
