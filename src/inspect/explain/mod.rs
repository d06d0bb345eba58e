//! Says why a client gets the answer it gets.
//!
//! Nothing is worked out anew here: the answer is the engine's own, decoded, and the reasons are
//! those that [`steering::decide`] returned. Only the location is looked up once more, because a
//! table of classes does not keep it; and since when a region is where it is, health knows ([`Bearing`]).

mod fate;
mod inquiry;
mod pin;
mod reasons;

use std::fmt::{self, Write as _};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::query;
use crate::client::{Coordinates, GroupId};
use crate::engine::{self, Arrival, Disposition, Transport};
use crate::geo::{Located, LocationOrigin};
use crate::moment::Moment;
use crate::region::{Family, RegionId};
use crate::snapshot::Snapshot;
use crate::steering::{self, Bucketing, Conditions, Decision, Destination, Plan, Selection, Steering};
use crate::wire::Rcode;
use crate::zone::SteeringId;
use crate::zone::{Name, RData};
pub use fate::Bearing;
pub use inquiry::{Inquiry, NoInquiry};
use reasons::removal;
pub use reasons::{Reasons, RegionReason};

/// Why a client gets the answer it gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The name that was asked for.
    pub name: String,
    /// The type that was asked for.
    pub rtype: String,
    /// The client subnet that was sent.
    pub client: String,
    /// The snapshot that answered.
    pub snapshot: u64,
    /// The apex of the zone that the name is in; `None`: of none that this server has.
    pub zone: Option<String>,
    /// The response code.
    pub rcode: String,
    /// The records of the answer section, as a master file has them.
    pub answer: Vec<String>,
    /// The scope prefix length that came back.
    pub scope: Option<u8>,
    /// How the answer was chosen; `None` when the name is not steered.
    pub steering: Option<Reasons>,
}

/// Explains what `snapshot` answers. `located` is where the databases and the operator's networks
/// put the client; `None` when they cannot be read. `bearings` are those of every region, by `RegionId` and
/// family; empty when they are not known.
pub fn explain(
    snapshot: &Snapshot,
    inquiry: &Inquiry,
    located: Option<&Located>,
    bearings: &[[Bearing; 2]],
) -> Explanation {
    let reply = ask(snapshot, inquiry);
    let owner = last_owner(inquiry, &reply);
    let client = || client_reasons(snapshot, inquiry, located);
    let steering = match pin::find(snapshot, &owner) {
        Some(id) => {
            let from = located.and_then(|located| located.location.coordinates);
            Some(pin::complete(snapshot, id, inquiry, from, client()))
        }
        None => steered_owner(snapshot, &owner).map(|index| {
            let steering = &snapshot.base.config.steered[index];
            let decision = decide(snapshot, index, inquiry);
            Reasons {
                owner: steering.owner.to_string(),
                regions: regions(snapshot, steering, &decision, located, bearings),
                outcome: Family::BOTH.map(|family| outcome_in(snapshot, &decision, family)),
                ..client()
            }
        }),
    };
    Explanation {
        name: inquiry.name.to_string(),
        rtype: inquiry.rtype.to_string(),
        client: inquiry.client.to_string(),
        snapshot: snapshot.number,
        zone: zone_of(snapshot, &inquiry.name),
        rcode: rcode(reply.metadata.response_code),
        answer: reply.answers.iter().map(ToString::to_string).collect(),
        scope: scope(&reply),
        steering,
    }
}

/// Returns what is known of the client, without what became of regions.
fn client_reasons(snapshot: &Snapshot, inquiry: &Inquiry, located: Option<&Located>) -> Reasons {
    let class = snapshot.base.table.class_of(inquiry.client.address());
    let class = &snapshot.base.table.classes()[class.0 as usize];
    let groups = class.groups.iter().map(|group| group_name(snapshot, group));
    Reasons {
        owner: String::new(),
        location: located.map_or_else(|| "not known: no database was read".to_owned(), place),
        network: located.map_or_else(String::new, network),
        groups: groups.collect(),
        regions: Vec::new(),
        outcome: [String::new(), String::new()],
    }
}

/// Decides for one client of a steered name, with every reason.
fn decide(snapshot: &Snapshot, index: usize, inquiry: &Inquiry) -> Decision {
    let base = &snapshot.base;
    let number = base.partition_of[index];
    let partition = &base.partitions[number];
    let place = partition.find(&base.table, &inquiry.requester());
    let policy = &base.config.steered[index].policy;
    let class = &base.table.classes()[base.table.class_of(place.client).0 as usize];
    let plan = steering::plan(policy, class);
    // A prefix that the border cuts has a plan of its own, which holds less than that of its first address.
    let answered = &partition.plans[place.part as usize];
    let is_own = |own: &Plan| {
        own.order == answered.order && own.near == answered.near && own.withheld == answered.withheld
    };
    let plan = match is_own(&plan) {
        true => plan,
        false => Plan {
            order: answered.order.clone(),
            near: answered.near.clone(),
            withheld: answered.withheld,
            ..plan.within(answered.permitted())
        },
    };
    let bucketing = Bucketing::of(&base.config.regions, &snapshot.health);
    let splits = base.splits_of(number, place.part as usize, &snapshot.splits);
    let weights = snapshot.weights_of(SteeringId(index as u32));
    let view = snapshot.health.under(policy.terms);
    let situation = Conditions {
        view,
        bucketing: &bucketing,
        splits: &splits,
        weights,
        shedding: snapshot.splits.shedding(),
    };
    steering::decide(plan, policy, &situation, place.client)
}

/// Asks the engine as a resolver would, over a transport that never truncates.
fn ask(snapshot: &Snapshot, inquiry: &Inquiry) -> Message {
    let request = query::on_behalf_of(inquiry.client, 0, &inquiry.name, inquiry.rtype);
    let mut reply = vec![0; engine::MAX_REPLY];
    let client = inquiry.client.address();
    let arrival = Arrival { client, transport: Transport::Tcp, at: Moment(0) };
    match engine::answer(snapshot, &request, arrival, &mut reply) {
        Disposition::Reply { length, .. } => {
            Message::from_vec(&reply[..length]).expect("the engine's replies decode")
        }
        Disposition::Silence | Disposition::Transaction => unreachable!("a well-formed query is answered"),
    }
}

/// Returns the name that the question ended at: the name itself, or the end of its chain of aliases.
fn last_owner(inquiry: &Inquiry, reply: &Message) -> Name {
    let mut aliases = reply.answers.iter().filter_map(|record| match &record.data {
        RData::CNAME(target) => Some(&target.0),
        _ => None,
    });
    aliases.next_back().unwrap_or(&inquiry.name).clone()
}

/// Returns the steered name that decides about a name: itself, or the wildcard that stands for it.
fn steered_owner(snapshot: &Snapshot, end: &Name) -> Option<usize> {
    let steered = || snapshot.base.config.steered.iter().enumerate();
    let exact = steered().find(|(_, steering)| steering.owner == *end);
    let wildcard = || {
        let covering = steered().filter(|(_, steering)| {
            steering.owner.is_wildcard()
                && steering.owner.base_name().zone_of(end)
                && steering.owner.base_name() != *end
        });
        covering.max_by_key(|(_, steering)| steering.owner.num_labels())
    };
    exact.or_else(wildcard).map(|(index, _)| index)
}

/// Returns the innermost zone of this server that a name is in.
fn zone_of(snapshot: &Snapshot, name: &Name) -> Option<String> {
    let zones = snapshot.base.config.zones.iter().filter(|zone| zone.apex.zone_of(name));
    zones.max_by_key(|zone| zone.apex.num_labels()).map(|zone| zone.apex.to_string())
}

/// Returns the mnemonic that `dig` prints.
fn rcode(code: ResponseCode) -> String {
    let known = Rcode::ALL.into_iter().find(|rcode| rcode.code() == u16::from(code));
    known.map_or_else(|| code.to_string(), |rcode| rcode.as_str().to_owned())
}

fn scope(reply: &Message) -> Option<u8> {
    match reply.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
        _ => None,
    }
}

fn group_name(snapshot: &Snapshot, group: GroupId) -> String {
    match usize::from(group.0).checked_sub(1) {
        None => "unknown".to_owned(),
        Some(index) => snapshot.base.config.groups[index].name.clone(),
    }
}

fn place(located: &Located) -> String {
    let location = &located.location;
    let mut text = match (location.subdivision, location.country) {
        (Some(subdivision), _) => subdivision.to_string(),
        (None, Some(country)) => country.to_string(),
        (None, None) => "unknown".to_owned(),
    };
    if let Some(Coordinates { latitude, longitude }) = location.coordinates {
        let (north, east) = (if latitude < 0.0 { 'S' } else { 'N' }, if longitude < 0.0 { 'W' } else { 'E' });
        let _ = write!(text, ", {:.1} {north} {:.1} {east}", latitude.abs(), longitude.abs());
    }
    if let Some(asn) = location.asn {
        let _ = write!(text, ", AS{asn}");
    }
    text
}

fn network(located: &Located) -> String {
    let source = match located.origin {
        LocationOrigin::Operator => "the operator's networks",
        LocationOrigin::Database => "the database",
        LocationOrigin::Unknown => "unknown",
    };
    format!("{} ({source})", located.network)
}

fn regions(
    snapshot: &Snapshot,
    steering: &Steering,
    decision: &Decision,
    located: Option<&Located>,
    bearings: &[[Bearing; 2]],
) -> Vec<RegionReason> {
    let from = located.and_then(|located| located.location.coordinates);
    let reason = |region: RegionId, fates: [String; 2]| {
        let region = snapshot.base.config.regions.region(region);
        let distance = from.map(|from| from.distance_km(region.location).round() as u32);
        RegionReason { region: region.name.clone(), distance_km: distance, fates }
    };
    let bearing = |region: RegionId, family: Family| {
        // Where it has no address of the family, it stands as it does in the other one.
        let family = steering::family_of(&snapshot.health, region, family);
        bearings.get(usize::from(region.0)).map(|bearings| &bearings[family as usize])
    };
    let terms = steering.policy.terms;
    let planned = decision.plan.order.iter().enumerate().map(|(index, region)| {
        let fates = Family::BOTH.map(|family| {
            if decision.plan.withheld[family as usize] {
                return format!("no {family} address");
            }
            let choice = &decision.choices[family as usize];
            let told = fate::RegionFacts {
                region: &snapshot.base.config.regions.region(*region).name,
                fate: choice.fates[index].1,
                found: choice.selection.destination,
                view: snapshot.health.under(terms),
                terms,
                common: steering::status(&snapshot.health, *region, family).share,
                bearing: bearing(*region, family),
            };
            told.text(*region, family)
        });
        reason(*region, fates)
    });
    let removed = decision.plan.removed.iter().map(|removed| {
        let text = removal(&steering.policy, removed.by);
        reason(removed.region, [text.clone(), text])
    });
    planned.chain(removed).collect()
}

fn outcome_in(snapshot: &Snapshot, decision: &Decision, family: Family) -> String {
    match decision.plan.withheld[family as usize] {
        true => format!(
            "no region that all clients of this subnet may be sent to has an {family} address: {}",
            decision.plan.refusal.as_str()
        ),
        false => outcome(snapshot, decision.choices[family as usize].selection),
    }
}

fn outcome(snapshot: &Snapshot, selection: Selection) -> String {
    let regions = &snapshot.base.config.regions;
    let name = |region: RegionId| match selection.filter.zone {
        Some(zone) => format!("{}, zone {}", regions.region(region).name, regions.zone(zone).name),
        None => regions.region(region).name.clone(),
    };
    match selection.destination {
        Destination::Healthy(region) => name(region),
        Destination::FailOpen(region) => {
            format!("{} (fails open: every permitted region is down)", name(region))
        }
        Destination::Refused(refusal) => format!("no region: {}", refusal.as_str()),
        Destination::Forbidden(refusal) => format!("no region is permitted: {}", refusal.as_str()),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} for {}, snapshot {}", self.name, self.rtype, self.client, self.snapshot)?;
        match &self.steering {
            Some(reasons) => reasons.fmt(f)?,
            None => match &self.zone {
                Some(zone) => {
                    writeln!(
                        f,
                        "\nzone        {zone}\nThe name is not steered: all clients get this answer."
                    )?;
                }
                None => writeln!(f, "\nNo zone of this server has the name: all clients are refused.")?,
            },
        }
        writeln!(f, "\n{}", self.rcode)?;
        for record in &self.answer {
            writeln!(f, "  {record}")?;
        }
        if let Some(scope) = self.scope {
            let all = if scope == 0 { ": shared by all clients" } else { "" };
            writeln!(f, "  client subnet scope /{scope}{all}")?;
        }
        Ok(())
    }
}
