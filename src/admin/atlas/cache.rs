//! The last atlases that were made, because a hundred browsers ask for the same one.

use std::sync::{Arc, Mutex, PoisonError};

use crate::inspect::Atlas;
use crate::snapshot::Snapshot;
use crate::zone::SteeringId;

/// The most atlases that are kept: as many names as people look at in one moment.
const MAX_KEPT: usize = 8;

/// The last atlases that were made.
#[derive(Default)]
pub(in super::super) struct AtlasCache(Mutex<Vec<CachedAtlas>>);

struct CachedAtlas {
    snapshot: Arc<Snapshot>,
    name: SteeringId,
    atlas: Arc<Atlas>,
}

impl AtlasCache {
    /// Returns the atlas of a name, made now or before.
    pub(super) fn atlas(&self, snapshot: &Arc<Snapshot>, name: SteeringId) -> Arc<Atlas> {
        // The lock is held while one is made, so that those who ask for the same one wait for it.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |made: &&CachedAtlas| Arc::ptr_eq(&made.snapshot, snapshot) && made.name == name;
        if let Some(made) = kept.iter().find(is_this) {
            return Arc::clone(&made.atlas);
        }
        let atlas = Arc::new(Atlas::of(snapshot, name));
        kept.retain(|made| Arc::ptr_eq(&made.snapshot, snapshot));
        kept.truncate(MAX_KEPT - 1);
        kept.insert(0, CachedAtlas { snapshot: Arc::clone(snapshot), name, atlas: Arc::clone(&atlas) });
        atlas
    }
}
