//! Zones inside a zone: what the zone above has of their names is hidden.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::zone::Name;

/// The zones inside a zone.
#[derive(Clone, Copy)]
pub(super) struct InnerZones<'z> {
    apex: &'z Name,
    /// The apexes of all zones, with their places; `None`: there is none inside.
    apexes: Option<&'z BTreeMap<Name, String>>,
}

impl<'z> InnerZones<'z> {
    /// Returns those inside the zone with this apex, of all zones by their apexes.
    pub fn of(apex: &'z Name, apexes: &'z BTreeMap<Name, String>) -> Self {
        // In their order, a name comes right before those below it.
        let mut after = apexes.range((Bound::Excluded(apex), Bound::Unbounded));
        let has_inner = after.next().is_some_and(|(next, _)| apex.zone_of(next));
        Self { apex, apexes: has_inner.then_some(apexes) }
    }

    /// Returns the one that a name of the zone is in, with its place: the nearest above the name answers it.
    pub fn find(&self, name: &Name) -> Option<(&'z Name, &'z String)> {
        let apexes = self.apexes?;
        let above = std::iter::successors(Some(name.clone()), |name| Some(name.base_name()));
        let mut above = above.take_while(|name| name != self.apex);
        above.find_map(|name| apexes.get_key_value(&name))
    }
}
