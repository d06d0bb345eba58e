//! The generations of one instance: what is in force, what was, and what the directory may become.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Checkout, ConfigContent, Generation, GenerationCause, GenerationRecord, PassedOver, SavedLineage, changes,
};
use crate::moment::Moment;

/// The generations of one instance.
///
/// Invariant: their numbers increase, the last of them is in force, and its content is the last that is let go.
#[derive(Clone, Debug)]
pub struct Lineage {
    origin: String,
    epoch: u64,
    /// The oldest first.
    pub(super) records: Vec<GenerationRecord>,
    /// The digest of what the directory held when an operator went back.
    pub(super) passed_over: Option<String>,
}

/// A content that the directory holds, and that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryContent {
    pub content: ConfigContent,
    /// The SHA-256 of its listing.
    pub digest: String,
    /// The commit that it is; `None`: the directory is in no work tree of git.
    pub checkout: Option<Checkout>,
}

/// Why there is no way back to a generation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RollbackRefusal {
    #[error("no generation {0} is known (known: {1})")]
    Unknown(u64, String),
    #[error("generation {0} is in force already")]
    InForce(u64),
    #[error("the content of generation {0} is not kept: all that are kept have at most 32 MiB")]
    Unkept(u64),
}

impl GenerationRecord {
    /// The most commits of one content that are known.
    const MAX_COMMITS: usize = 100;

    /// Returns whether this commit was checked out while it was in force.
    fn had(&self, commit: &str) -> bool {
        self.commit.as_deref() == Some(commit) || self.earlier_commits.iter().any(|earlier| earlier == commit)
    }

    /// Takes note of a commit that changes nothing of its content, and returns whether it is another one.
    fn note(&mut self, commit: String) -> bool {
        if self.had(&commit) {
            return false;
        }
        self.earlier_commits.extend(self.commit.replace(commit));
        let surplus = self.earlier_commits.len().saturating_sub(Self::MAX_COMMITS);
        self.earlier_commits.drain(..surplus);
        true
    }
}

impl Lineage {
    /// The most generations that are known: yesterday's state, also after a day of changes.
    pub const MAX_RECORDS: usize = 10;

    /// The most content that is kept, in octets; what generations have in common counts once. The file that has it is
    /// read at every start, and written at every change.
    pub const MAX_CONTENT: usize = 32 * 1024 * 1024;

    /// Goes on with what an earlier life knew, or begins anew.
    pub fn adopt(origin: &str, saved: Option<SavedLineage>, now: Moment) -> Self {
        let SavedLineage { epoch, records, passed_over } =
            saved.unwrap_or(SavedLineage { epoch: now.0, ..SavedLineage::default() });
        Self { origin: origin.to_owned(), epoch, records, passed_over }
    }

    /// Returns what outlives the process.
    pub fn saved(&self) -> SavedLineage {
        SavedLineage {
            epoch: self.epoch,
            records: self.records.clone(),
            passed_over: self.passed_over.clone(),
        }
    }

    /// Returns all generations that are known, the oldest first.
    pub fn records(&self) -> &[GenerationRecord] {
        &self.records
    }

    /// Returns the generation in force; `None`: there was none yet.
    pub fn head(&self) -> Option<&GenerationRecord> {
        self.records.last()
    }

    /// Returns whether what the directory held at a rollback is passed over.
    pub fn has_passed_over(&self) -> bool {
        self.passed_over.is_some()
    }

    /// Returns the content of the generation in force with its number; `None`: there is none, or it is not kept.
    pub fn kept_head(&self) -> Option<(u64, &ConfigContent)> {
        let head = self.head()?;
        Some((head.generation.counter, head.content.as_ref()?))
    }

    /// Returns why what the directory holds is not served, and the generation in force stays, whose content is kept then;
    /// `None`: it is served.
    pub fn passes_over(&self, arrival: &DirectoryContent) -> Option<PassedOver> {
        // Without its content the generation in force cannot stay there.
        let (head, (served, _)) = (self.head()?, self.kept_head()?);
        if head.digest == arrival.digest {
            return None;
        }
        if self.passed_over.as_ref() == Some(&arrival.digest) {
            return Some(PassedOver::RolledBack { served });
        }
        self.older(head, arrival).map(|found| PassedOver::Late { served, found })
    }

    /// Returns the generation that had this very commit before the present commit came. An edit that is undone by hand
    /// has no other commit, and is a change like any other.
    fn older(&self, head: &GenerationRecord, arrival: &DirectoryContent) -> Option<u64> {
        let commit = &arrival.checkout.as_ref()?.commit;
        let is_same = |record: &&GenerationRecord| record.had(commit) && record.digest == arrival.digest;
        let known = self.records.iter().rev().find(is_same)?;
        (head.commit.is_some() && head.commit.as_ref() != Some(commit)).then_some(known.generation.counter)
    }

    /// Takes a content that is served from now on, and returns whether anything is new: the generation, or what is known of
    /// the one in force.
    pub fn accept(&mut self, arrival: DirectoryContent, now: Moment) -> bool {
        let DirectoryContent { content, digest, checkout } = arrival;
        // The directory holds something else than at the rollback, or what is in force anyway.
        let has_passed = self.passed_over.take().is_some();
        if let Some(head) = self.records.last_mut().filter(|head| head.digest == digest) {
            return checkout.is_some_and(|checkout| head.note(checkout.commit)) || has_passed;
        }
        let (commit, author) =
            checkout.map_or((None, None), |checkout| (Some(checkout.commit), checkout.author));
        self.push(content, digest, GenerationCause::Directory, author, commit, now);
        true
    }

    /// Makes a new generation of an older one. `held` is the digest of what the directory holds now, which does not come
    /// back by itself.
    ///
    /// # Errors
    ///
    /// When there is no way back; then nothing has changed.
    pub fn roll_back(
        &mut self,
        counter: u64,
        held: &str,
        author: &str,
        now: Moment,
    ) -> Result<(), RollbackRefusal> {
        let target = self.kept(counter)?;
        if self.head().is_some_and(|head| head.digest == target.digest) {
            return Err(RollbackRefusal::InForce(counter));
        }
        let (content, digest) = (target.content.clone(), target.digest.clone());
        let content = content.ok_or(RollbackRefusal::Unkept(counter))?;
        // Whoever goes back leaves the commit that was newer: it is no longer what others are older than.
        let commit = target.commit.clone();
        self.passed_over = (held != digest).then(|| held.to_owned());
        let cause = GenerationCause::Rollback(counter);
        self.push(content, digest, cause, Some(author.to_owned()), commit, now);
        Ok(())
    }

    /// Begins a new epoch with the generation in force, as on a machine that was restored.
    pub fn restore(&mut self, author: Option<String>, now: Moment) {
        self.epoch = now.0.max(self.epoch.saturating_add(1));
        let Some(head) = self.head().cloned() else { return };
        let Some(content) = head.content else { return };
        let cause = GenerationCause::Restore(head.generation.counter);
        self.push(content, head.digest, cause, author, head.commit, now);
    }

    /// Finds a generation whose content is kept.
    ///
    /// # Errors
    ///
    /// When it is not known, or its content is not kept.
    pub fn kept(&self, counter: u64) -> Result<&GenerationRecord, RollbackRefusal> {
        let known = |record: &GenerationRecord| record.generation.counter.to_string();
        let found = self.records.iter().find(|record| record.generation.counter == counter);
        let found = found.ok_or_else(|| {
            let known: Vec<_> = self.records.iter().map(known).collect();
            RollbackRefusal::Unknown(counter, known.join(", "))
        })?;
        found.content.as_ref().ok_or(RollbackRefusal::Unkept(counter))?;
        Ok(found)
    }

    fn push(
        &mut self,
        content: ConfigContent,
        digest: String,
        cause: GenerationCause,
        author: Option<String>,
        commit: Option<String>,
        at: Moment,
    ) {
        let last = self.head().map_or(0, |head| head.generation.counter);
        let before = self.head().and_then(|head| head.content.as_ref());
        let changes = match self.head() {
            Some(_) if before.is_none() => "the generation before is not kept".to_owned(),
            Some(_) | None => changes(before, &content),
        };
        let generation =
            Generation { epoch: self.epoch, counter: last.saturating_add(1), origin: self.origin.clone() };
        let content = Some(content.shared(&self.octets()));
        self.records.push(GenerationRecord {
            generation,
            digest,
            at,
            cause,
            author,
            commit,
            earlier_commits: Vec::new(),
            changes,
            content,
        });
        self.let_go();
    }

    /// Returns the octets of all files that are kept, by their digests.
    fn octets(&self) -> BTreeMap<String, Arc<[u8]>> {
        let contents = self.records.iter().filter_map(|record| record.content.as_ref());
        contents
            .flat_map(ConfigContent::files)
            .map(|file| (file.sha256.clone(), Arc::clone(&file.octets)))
            .collect()
    }

    /// Lets go of what is too old, and of the content of what is too much, the oldest first.
    fn let_go(&mut self) {
        let surplus = self.records.len().saturating_sub(Self::MAX_RECORDS);
        self.records.drain(..surplus);
        let (mut counted, mut total) = (BTreeSet::new(), 0);
        for record in self.records.iter_mut().rev() {
            let files = record.content.iter().flat_map(ConfigContent::files);
            for file in files {
                if counted.insert(file.sha256.clone()) {
                    total += file.octets.len();
                }
            }
            if total > Self::MAX_CONTENT {
                record.content = None;
            }
        }
    }
}
