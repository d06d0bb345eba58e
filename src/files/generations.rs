//! Generations on disk, written before the configuration they number is served.

use super::store::Saved;
use crate::generation::SavedLineage;

impl Saved for SavedLineage {
    const FILE: &'static str = "generations.json";
    const VERSION: u64 = 1;
    /// 32 MiB of content in base64, and the names of 10 000 files ten times.
    const MAX_BYTES: u64 = 64 * 1024 * 1024;
    const LOSS: &'static str =
        "there is no earlier generation to go back to, and the configuration directory is served as it is";
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::files::store::tests::check;
    use crate::generation::{ConfigContent, ContentFile, Generation, GenerationCause, GenerationRecord};
    use crate::moment::Moment;

    #[test]
    fn generations_are_read_as_they_were_saved_and_what_they_have_in_common_is_written_once() {
        let file = |name: &str, sha256: &str, octets: &[u8]| ContentFile {
            name: name.to_owned(),
            sha256: sha256.to_owned(),
            octets: octets.into(),
        };
        let record = |counter, cause, files: Option<Vec<ContentFile>>| GenerationRecord {
            generation: Generation { epoch: 7, counter, origin: "ns1".to_owned() },
            digest: format!("d{counter}"),
            at: Moment(8),
            cause,
            author: Some("jo".to_owned()),
            commit: None,
            earlier_commits: vec!["c1".to_owned()],
            changes: "a +1 -0".to_owned(),
            content: files.map(ConfigContent::new),
        };
        let [one, two] = [file("a", "s1", b"\xff\x00"), file("b", "s2", b"two")];
        let saved = SavedLineage {
            epoch: 7,
            records: vec![
                record(1, GenerationCause::Directory, None),
                record(2, GenerationCause::Rollback(1), Some(vec![one.clone()])),
                record(3, GenerationCause::Restore(2), Some(vec![one, two])),
            ],
            passed_over: Some("d9".to_owned()),
        };
        let form = |counter: u64, cause: serde_json::Value, files: serde_json::Value| {
            json!({
                "generation": { "epoch": 7, "counter": counter, "origin": "ns1" }, "digest": format!("d{counter}"),
                "at": 8, "cause": cause, "author": "jo", "commit": null, "earlier_commits": ["c1"],
                "changes": "a +1 -0", "files": files,
            })
        };
        let generations = [
            form(1, json!("directory"), json!(null)),
            form(2, json!({ "rollback": 1 }), json!({ "a": "s1" })),
            form(3, json!({ "restore": 2 }), json!({ "a": "s1", "b": "s2" })),
        ];
        let octets = json!({ "s1": "/wA=", "s2": "dHdv" });
        let form = json!({ "epoch": 7, "generations": generations, "passed_over": "d9", "octets": octets });
        check(&saved, form);
    }
}
