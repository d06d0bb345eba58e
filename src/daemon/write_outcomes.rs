//! How the last write of each file of the state directory ended: for the writer, which tells of it, and for metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::metrics::Metrics;

/// By the name of a file that was written or tried: why that failed; `None`: it did not.
pub type ByFile = BTreeMap<&'static str, Option<String>>;

/// Takes the outcomes of writes. All clones are one.
#[derive(Clone, Debug)]
pub struct WriteOutcomes {
    latest: Arc<watch::Sender<ByFile>>,
    metrics: Arc<Metrics>,
}

impl WriteOutcomes {
    /// Starts with no file written, and returns where outcomes that differ from those before are seen.
    pub fn start(metrics: &Arc<Metrics>) -> (Self, watch::Receiver<ByFile>) {
        let (latest, seen) = watch::channel(ByFile::new());
        (Self { latest: Arc::new(latest), metrics: Arc::clone(metrics) }, seen)
    }

    /// Takes how the write of a file ended.
    pub fn note(&self, file: &'static str, why: Option<String>) {
        self.metrics.state_file(file, why.is_none());
        self.latest.send_if_modified(|latest| {
            let is_same = latest.get(file) == Some(&why);
            latest.insert(file, why);
            !is_same
        });
    }
}
