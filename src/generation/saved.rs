//! The form in which generations outlive the process: what they have in common is written once.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ConfigContent, ContentFile, Generation, GenerationCause, GenerationRecord};
use crate::config::below;
use crate::moment::Moment;

/// All that is known of generations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedLineage {
    pub epoch: u64,
    /// The oldest first.
    pub records: Vec<GenerationRecord>,
    /// The digest of what the directory held when an operator went back.
    pub passed_over: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineageForm {
    epoch: u64,
    generations: Vec<RecordForm>,
    passed_over: Option<String>,
    /// The octets of files by their digests, in base64.
    octets: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordForm {
    generation: Generation,
    digest: String,
    at: Moment,
    cause: GenerationCause,
    author: Option<String>,
    commit: Option<String>,
    earlier_commits: Vec<String>,
    changes: String,
    /// The names of the files with their digests; `None`: they are not kept.
    files: Option<BTreeMap<String, String>>,
}

impl From<&GenerationRecord> for RecordForm {
    fn from(record: &GenerationRecord) -> Self {
        let names = |content: &ConfigContent| {
            content.files().iter().map(|file| (file.name.clone(), file.sha256.clone())).collect()
        };
        Self {
            generation: record.generation.clone(),
            digest: record.digest.clone(),
            at: record.at,
            cause: record.cause,
            author: record.author.clone(),
            commit: record.commit.clone(),
            earlier_commits: record.earlier_commits.clone(),
            changes: record.changes.clone(),
            files: record.content.as_ref().map(names),
        }
    }
}

impl RecordForm {
    /// Returns the record; `None`: octets that it needs are missing, or the name of a file leads out of the directory.
    fn into_record(self, octets: &BTreeMap<String, Arc<[u8]>>) -> Option<GenerationRecord> {
        let file = |(name, sha256): (String, String)| {
            // A restore writes it there.
            let name = below(&name).filter(|plain| *plain == name)?;
            let octets = octets.get(&sha256)?.clone();
            Some(ContentFile { name, sha256, octets })
        };
        let files: Option<Option<Vec<ContentFile>>> =
            self.files.map(|files| files.into_iter().map(file).collect());
        let content = match files {
            Some(files) => Some(ConfigContent::new(files?)),
            None => None,
        };
        Some(GenerationRecord {
            generation: self.generation,
            digest: self.digest,
            at: self.at,
            cause: self.cause,
            author: self.author,
            commit: self.commit,
            earlier_commits: self.earlier_commits,
            changes: self.changes,
            content,
        })
    }
}

impl Serialize for SavedLineage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let contents = self.records.iter().filter_map(|record| record.content.as_ref());
        let mut octets = BTreeMap::new();
        for file in contents.flat_map(ConfigContent::files) {
            octets.entry(file.sha256.clone()).or_insert_with(|| BASE64.encode(&file.octets));
        }
        LineageForm {
            epoch: self.epoch,
            generations: self.records.iter().map(RecordForm::from).collect(),
            passed_over: self.passed_over.clone(),
            octets,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SavedLineage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LineageForm { epoch, generations, passed_over, octets } = LineageForm::deserialize(deserializer)?;
        let decoded: Result<BTreeMap<String, Arc<[u8]>>, _> = octets
            .into_iter()
            .map(|(sha256, text)| Ok((sha256, Arc::from(BASE64.decode(text.as_bytes())?))))
            .collect();
        let octets =
            decoded.map_err(|error: data_encoding::DecodeError| de::Error::custom(error.to_string()))?;
        let records: Option<Vec<_>> =
            generations.into_iter().map(|record| record.into_record(&octets)).collect();
        let records = records.ok_or_else(|| {
            de::Error::custom("a file of a generation is missing, or leads out of the directory")
        })?;
        Ok(Self { epoch, records, passed_over })
    }
}
