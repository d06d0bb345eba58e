//! Why a client of a pin gets what it gets: the border alone decides.

use super::inquiry::Inquiry;
use super::reasons::{Reasons, RegionReason, removal};
use crate::client::Coordinates;
use crate::region::Site;
use crate::snapshot::Snapshot;
use crate::steering;
use crate::zone::{Name, PinId};

/// Returns the pin with this owner name.
pub(super) fn find(snapshot: &Snapshot, owner: &Name) -> Option<PinId> {
    let mut pins = (0u32..).map(PinId).zip(&snapshot.base.config.pins);
    pins.find(|(_, pin)| pin.owner == *owner).map(|(id, _)| id)
}

/// Completes the reasons of a pin with what became of its region; `from` is where the client is.
pub(super) fn complete(
    snapshot: &Snapshot,
    id: PinId,
    inquiry: &Inquiry,
    from: Option<Coordinates>,
    reasons: Reasons,
) -> Reasons {
    let base = &snapshot.base;
    let pin = &base.config.pins[id.0 as usize];
    let partition = base.pins.partition_of(id);
    let place = partition.find(&base.table, &inquiry.requester());
    let class = &base.table.classes()[base.table.class_of(place.client).0 as usize];
    let own = steering::plan(&partition.policy, class);
    let plan = own.within(partition.plans[place.part as usize].permitted());
    let regions = &base.config.regions;
    let region = regions.region(pin.site.region(regions));
    let name = match pin.site {
        Site::Region(_) => region.name.clone(),
        Site::Zone(zone) => format!("{}, zone {}", region.name, regions.zone(zone).name),
    };
    let (fate, outcome) = match plan.removed.first() {
        None => ("a pin answers its addresses, whatever their health".to_owned(), name),
        Some(removed) => {
            let outcome = format!("no region is permitted: {}", plan.refusal.as_str());
            (removal(&partition.policy, removed.by), outcome)
        }
    };
    let distance_km = from.map(|from| from.distance_km(region.location).round() as u32);
    let reason = RegionReason { region: region.name.clone(), distance_km, fates: [fate.clone(), fate] };
    Reasons {
        owner: pin.owner.to_string(),
        regions: vec![reason],
        outcome: [outcome.clone(), outcome],
        ..reasons
    }
}
