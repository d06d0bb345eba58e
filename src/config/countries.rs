//! The one place that decides which texts are countries.

use crate::client::Country;
use crate::config::yaml::Wrong;

/// Codes that people write for a country that has another one.
const SLIPS: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

/// Returns the country with this ISO 3166-1 code.
///
/// Only the form is checked: a code that ISO never assigned passes.
pub fn find(text: &str) -> Result<Country, Wrong> {
    let wrong = || Wrong::new(format!("`{text}` is not an ISO 3166-1 country code"));
    if let Some((_, code)) = SLIPS.iter().find(|(slip, _)| *slip == text) {
        return Err(wrong().hint(format!("the code is `{code}`")));
    }
    let upper = text.to_ascii_uppercase();
    text.parse().map_err(|_| match upper.parse::<Country>() {
        Ok(_) => wrong().hint(format!("write it in capitals: `{upper}`")),
        Err(_) => wrong().hint("write two letters, for example `JP`"),
    })
}
