//! The answers of pins: what a region or availability zone has, to every client who may be sent there.
//!
//! Neither health nor operators change them, so they are packed with the base, once for all of its snapshots. Nor are they
//! counted among the answers of a region: drains, loads and shares are about clients that are steered.

use foldhash::{HashMap, HashMapExt};

use super::partition::{Partition, Views};
use super::records::{Answer, Answers, Kind, Offered, Pool};
use super::steered::{Steered, SteeredAnswer};
use crate::client::{GroupId, Requester};
use crate::config::Config;
use crate::family::Family;
use crate::geo::Table;
use crate::health::View;
use crate::region::{RegionSet, Resolved, Site};
use crate::steering::{Destination, Pin, Refusal, Selection, Steering};
use crate::zone::PinId;

/// All pins of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    /// One for each distinct policy of a pin.
    pub partitions: Vec<Partition>,
    /// By `PinId`.
    answers: Vec<PinAnswers>,
}

/// What one pin answers.
#[derive(Debug)]
struct PinAnswers {
    /// The place of its policy in `Pins::partitions`.
    partition: usize,
    offered: Offered,
    permitted: Answers,
    forbidden: Answers,
}

impl Pins {
    pub(super) fn build(config: &Config, views: &mut Views<'_>) -> Self {
        let mut pins = Self::default();
        let mut known = HashMap::new();
        let all_up = View::all_up(&config.regions);
        let mut pool = Pool::new(&config.regions, &all_up, &[], [RegionSet::NONE; 2]);
        for pin in &config.pins {
            let steering = &config.steered[pin.of.0 as usize];
            let region = pin.site.region(&config.regions);
            let partition = *known.entry(steering.policy.pinned_to(region)).or_insert_with_key(|policy| {
                pins.partitions.push(Partition::new(policy, &config.regions, views));
                pins.partitions.len() - 1
            });
            let offered = offered(pin, steering, config);
            let mut answers = |destination| {
                let selection = selection(pin, destination);
                pool.answers(steering, offered, [selection; 2])
            };
            let permitted = answers(Destination::Healthy(region));
            let forbidden = answers(Destination::Forbidden(Refusal::Servfail));
            pins.answers.push(PinAnswers { partition, offered, permitted, forbidden });
        }
        pins
    }

    /// Returns the place of the clients of a pin.
    pub(crate) fn partition_of(&self, id: PinId) -> &Partition {
        &self.partitions[self.answers[id.0 as usize].partition]
    }

    /// Returns the first pin with the policy at this place.
    pub(crate) fn first_in(&self, partition: usize) -> Option<PinId> {
        let found = self.answers.iter().position(|pin| pin.partition == partition);
        found.map(|index| PinId(u32::try_from(index).expect("files are bounded")))
    }

    /// Returns what a pin answers.
    pub(super) fn answer(&self, id: PinId, kind: Kind, requester: &Requester, table: &Table) -> Steered<'_> {
        let PinAnswers { offered, permitted, forbidden, .. } = &self.answers[id.0 as usize];
        let partition = self.partition_of(id);
        let place = partition.find(table, requester);
        let is_permitted = !partition.plans[place.part as usize].order.is_empty();
        let answers = if is_permitted { permitted } else { forbidden };
        let is_shared = !offered[kind as usize] || partition.plans.len() == 1;
        Steered {
            choice: answers.by_kind[kind as usize].told(),
            scope: if is_shared { 0 } else { place.scope },
            region: None,
            part: None,
            is_leaving: false,
            is_fail_open: false,
        }
    }
}

impl Pins {
    /// Returns what a pin answers to the clients of a group of which nothing else is known, by kind.
    pub(super) fn given_to(&self, id: PinId, group: GroupId) -> [SteeredAnswer<'_>; 3] {
        let PinAnswers { permitted, forbidden, .. } = &self.answers[id.0 as usize];
        let partition = self.partition_of(id);
        let is_permitted = !partition.plans[partition.part_of_group(group) as usize].order.is_empty();
        let answers = if is_permitted { permitted } else { forbidden };
        answers.by_kind.each_ref().map(Answer::told)
    }
}

/// Returns the kinds that a pin offers: addresses of the families that its site has, and HTTPS if the name does.
fn offered(pin: &Pin, steering: &Steering, config: &Config) -> Offered {
    let regions = &config.regions;
    let has = |family| {
        let mut addresses = Resolved::from(pin.site).addresses(regions);
        addresses.any(|id| Family::of(regions.address(id).ip) == family)
    };
    [has(Family::V4), has(Family::V6), steering.https.is_some()]
}

fn selection(pin: &Pin, destination: Destination) -> Selection {
    let zone = match pin.site {
        Site::Region(_) => None,
        Site::Zone(zone) => Some(zone),
    };
    Selection::only(destination, zone)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::health::Standing;
    use crate::moment::Moment;
    use crate::snapshot::{Snapshot, SteeredAnswer, fixture};
    use crate::steering::SteeringId;
    use crate::zone::Chooser;

    const REGIONS: &str = "\
regions:
  tokyo:
    location: { latitude: 35, longitude: 139 }
    jurisdiction: JP
    zones: { a: { addresses: [192.0.2.1] }, b: { addresses: [192.0.2.2, '2001:db8::2'] } }
  lyon: { location: { latitude: 46, longitude: 5 }, jurisdiction: FR, zones: { a: { addresses: [192.0.2.9] } } }
";

    /// Compiles a snapshot in which every address is down.
    fn down() -> Snapshot {
        let zone = "zone: example.com\nnameservers: [ns1.example.net]\n\
                    groups: { banks: { networks: [9.0.0.0/8] } }\nnames: { '@': { steer: { regions: [tokyo, lyon], \
                    order: listed, pins: true, all_down: nodata, residency: [{ clients: banks, jurisdictions: [FR], \
                    otherwise: nodata }] } } }\n";
        let base = Arc::new(fixture::base(REGIONS, zone));
        let down = vec![Standing::Down { since: Moment(0) }; 4];
        let view = View::counted(&base.config.regions, down);
        Snapshot::compile(base, view, 1)
    }

    /// Asks for a pin, and returns how many records there are with their scope, or why there are none.
    fn ask(snapshot: &Snapshot, owner: &str, kind: Kind, client: &str) -> String {
        let pins = &snapshot.base.config.pins;
        let owner = format!("{owner}.example.com.");
        let place = pins.iter().position(|pin| pin.owner.to_string() == owner).expect("a pin");
        let client: IpAddr = client.parse().expect("an address");
        let requester = Requester { sender: client, subnet: Some(crate::client::Prefix::around(client, 32)) };
        let Steered { choice, scope, .. } =
            snapshot.choose(Chooser::Pin(PinId(place as u32)), kind, &requester);
        match choice {
            SteeredAnswer::Records(packed) => format!("{} /{scope}", packed.records().count()),
            SteeredAnswer::Nodata(_) => format!("NODATA /{scope}"),
            SteeredAnswer::Prohibited => format!("prohibited /{scope}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_pin_answers_whatever_the_health_and_never_across_the_border() {
        let snapshot = down();
        for (owner, kind, client, expected) in [
            ("tokyo", Kind::A, "8.8.8.8", "2 /8"),
            ("tokyo", Kind::Aaaa, "8.8.8.8", "1 /8"),
            ("a.tokyo", Kind::A, "8.8.8.8", "1 /8"),
            ("a.tokyo", Kind::Aaaa, "8.8.8.8", "NODATA /0"),
            ("a.tokyo", Kind::Https, "8.8.8.8", "NODATA /0"),
            ("tokyo", Kind::A, "9.9.9.9", "prohibited /8"),
            ("b.tokyo", Kind::A, "9.9.9.9", "prohibited /8"),
            ("lyon", Kind::A, "9.9.9.9", "1 /0"),
        ] {
            assert_eq!(ask(&snapshot, owner, kind, client), expected, "{owner} {kind:?} for {client}");
        }
    }

    #[test]
    fn what_a_pin_answers_is_not_given_out_for_drains_that_wait_until_nothing_is() {
        let snapshot = down();
        let requester = Requester { sender: "8.8.8.8".parse().expect("an address"), subnet: None };
        let steered = snapshot.steer(SteeringId(0), Kind::A, &requester);
        assert!(matches!(steered.choice, SteeredAnswer::Nodata(_)), "{steered:?}");
        assert!(snapshot.given.is_empty(), "{:?}", snapshot.given);
    }
}
