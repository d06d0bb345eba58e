//! Zones below a name: what the zone above has of their names is hidden.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::zone::Name;

/// The zones below the apex of a zone, or below another name.
#[derive(Clone, Copy)]
pub(super) struct InnerZones<'z> {
    above: &'z Name,
    /// The apexes of all zones, with their places; `None`: there is none below.
    apexes: Option<&'z BTreeMap<Name, String>>,
}

impl<'z> InnerZones<'z> {
    /// Returns those below a name, of all zones by their apexes.
    pub fn of(above: &'z Name, apexes: &'z BTreeMap<Name, String>) -> Self {
        // In their order, a name comes right before those below it.
        let mut after = apexes.range((Bound::Excluded(above), Bound::Unbounded));
        let has_inner = after.next().is_some_and(|(next, _)| above.zone_of(next));
        Self { above, apexes: has_inner.then_some(apexes) }
    }

    /// Returns the one that a name is in, with its place: the nearest above the name answers it. `None`: it is in none of them.
    pub fn find(&self, name: &Name) -> Option<(&'z Name, &'z String)> {
        let apexes = self.apexes?;
        let lineage =
            std::iter::successors(Some(name.clone()), |name| (!name.is_root()).then(|| name.base_name()));
        let mut below = lineage.take_while(|name| name != self.above && self.above.zone_of(name));
        below.find_map(|name| apexes.get_key_value(&name))
    }
}
