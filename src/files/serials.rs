//! The serial numbers of zones that are transferred.

use super::store::Saved;
use crate::transfer::SavedSerials;

impl Saved for SavedSerials {
    const FILE: &'static str = "serials.json";
    const VERSION: u64 = 1;
    /// As many zones as there may be files, with the longest names.
    const MAX_BYTES: u64 = 16 * 1024 * 1024;
    const LOSS: &'static str = "serial numbers of transferred zones begin with the time in seconds";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::store::tests::check;
    use crate::transfer::SavedSerial;

    #[test]
    fn serial_numbers_are_read_as_they_were_saved() {
        let saved = |serial, digest: Option<&str>| SavedSerial { serial, digest: digest.map(str::to_owned) };
        let serials =
            [("a.test.".to_owned(), saved(u32::MAX, None)), ("b.test.".to_owned(), saved(7, Some("00")))];
        check(
            &SavedSerials(serials.into()),
            serde_json::json!({"a.test.": {"serial": u32::MAX, "digest": null}, "b.test.": {"serial": 7, "digest": "00"}}),
        );
    }
}
