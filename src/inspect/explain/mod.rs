//! Says why a client gets the answer it gets.
//!
//! Nothing is worked out anew here: the answer is the engine's own, decoded, and the reasons are
//! those that [`steering::decide`] returned. Only the location is looked up once more, because a
//! table of classes does not keep it; and since when a region is where it is, health knows ([`Bearing`]).

mod fate;

use std::fmt::{self, Write as _};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::BinEncodable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::{Coordinates, GroupId, Prefix, PrefixError, Requester};
use crate::engine::{self, Arrival, Disposition, Transport};
use crate::geo::{Located, LocationOrigin};
use crate::moment::Moment;
use crate::region::{Family, RegionId};
use crate::snapshot::Snapshot;
use crate::steering::{
    self, Bucketing, Conditions, Decision, Destination, Plan, Remover, Selection, Steering,
};
use crate::wire::Rcode;
use crate::zone::SteeringId;
use crate::zone::{Name, RData, RecordType};
pub use fate::Bearing;

/// What is to be explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Inquiry {
    /// The name that is asked for.
    pub name: Name,
    pub rtype: RecordType,
    /// Who asks: sent as the client subnet, from its first address.
    pub client: Prefix,
}

impl Inquiry {
    /// Returns who asks, as the engine sees it.
    fn requester(&self) -> Requester {
        let subnet = Some(self.client).filter(|client| client.length() > 0);
        Requester { sender: self.client.address(), subnet }
    }
}

/// A question that cannot be explained.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInquiry {
    #[error("`{0}` is not a domain name")]
    Name(String),
    #[error("the client `{0}`: {1}; write an address, or a network such as 133.11.0.0/24")]
    Client(String, PrefixError),
    #[error("`{0}` is not a record type; A, AAAA and HTTPS are steered")]
    Type(String),
}

impl Inquiry {
    /// Reads the parts of an inquiry as operators write them.
    ///
    /// # Errors
    ///
    /// When a part of it is not what it should be.
    pub fn parse(name: &str, client: &str, rtype: &str) -> Result<Self, NoInquiry> {
        let mut owner = Name::from_ascii(name).map_err(|_| NoInquiry::Name(name.to_owned()))?;
        owner.set_fqdn(true);
        let network = client.parse().map_err(|error| NoInquiry::Client(client.to_owned(), error))?;
        let known = record_type(rtype).ok_or_else(|| NoInquiry::Type(rtype.to_owned()))?;
        Ok(Self { name: owner, rtype: known, client: network })
    }
}

/// Returns the type with this mnemonic, or with this number as in `TYPE65` (RFC 3597, section 5).
fn record_type(text: &str) -> Option<RecordType> {
    let text = text.to_ascii_uppercase();
    match text.strip_prefix("TYPE") {
        Some(number) => number.parse().ok().map(|number: u16| RecordType::from(number)),
        None => text.parse().ok(),
    }
}

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

/// How the answer of a steered name was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reasons {
    /// The steered name at the end of the chain.
    pub owner: String,
    /// Where the client is taken to be: `JP, 35.7 N 139.7 E`.
    pub location: String,
    /// The network that says so, and whose word it is.
    pub network: String,
    /// The groups that the client belongs to.
    pub groups: Vec<String>,
    /// Every region of the policy: those of the plan in their order, then those that a rule removed.
    pub regions: Vec<RegionReason>,
    /// What happens to the clients when no region of the plan is in service.
    pub outcome: [String; 2],
}

/// What became of one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegionReason {
    /// Its name.
    pub region: String,
    /// The great-circle distance to the client, when the client's coordinates are known.
    pub distance_km: Option<u32>,
    /// What became of it for IPv4 and for IPv6.
    pub fates: [String; 2],
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
    let steering = steered_owner(snapshot, inquiry, &reply).map(|index| {
        let steering = &snapshot.base.config.steered[index];
        let decision = decide(snapshot, index, inquiry);
        let class = snapshot.base.table.class_of(inquiry.client.address());
        let class = &snapshot.base.table.classes()[class.0 as usize];
        let groups = class.groups.iter().map(|group| group_name(snapshot, group));
        Reasons {
            owner: steering.owner.to_string(),
            location: located.map_or_else(|| "not known: no database was read".to_owned(), place),
            network: located.map_or_else(String::new, network),
            groups: groups.collect(),
            regions: regions(snapshot, steering, &decision, located, bearings),
            outcome: decision.choices.map(|choice| outcome(snapshot, choice.selection)),
        }
    });
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
    let plan = match plan.order == answered.order {
        true => plan,
        false => Plan { order: answered.order.clone(), ..plan.within(answered.permitted()) },
    };
    let bucketing = Bucketing::of(&base.config.regions, &snapshot.health);
    let split = base.demand_of(number, place.part as usize).and_then(|demand| snapshot.splits.of(demand));
    let weights = snapshot.weights_of(SteeringId(index as u32));
    let view = snapshot.health.under(policy.max_lag);
    let situation =
        Conditions { view, bucketing: &bucketing, split, weights, shedding: snapshot.splits.shedding() };
    steering::decide(plan, policy, &situation, place.client)
}

/// Asks the engine as a resolver would, over a transport that never truncates.
fn ask(snapshot: &Snapshot, inquiry: &Inquiry) -> Message {
    let mut query = Message::new(0, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(inquiry.name.clone(), inquiry.rtype));
    let mut edns = Edns::new();
    let subnet = ClientSubnet::new(inquiry.client.address(), inquiry.client.length(), 0);
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    query.set_edns(edns);
    let request = query.to_bytes().expect("a query of one question encodes");
    let mut reply = vec![0; engine::MAX_REPLY];
    let client = inquiry.client.address();
    let arrival = Arrival { client, transport: Transport::Tcp, at: Moment(0) };
    match engine::answer(snapshot, &request, arrival, &mut reply) {
        Disposition::Reply { length, .. } => {
            Message::from_vec(&reply[..length]).expect("the engine's replies decode")
        }
        Disposition::Silence => unreachable!("a well-formed query is answered"),
    }
}

/// Returns the steered name that the question ended at: the name itself, the end of its chain of
/// aliases, or the wildcard that stands for either.
fn steered_owner(snapshot: &Snapshot, inquiry: &Inquiry, reply: &Message) -> Option<usize> {
    let mut end = inquiry.name.clone();
    for record in &reply.answers {
        if let RData::CNAME(target) = &record.data {
            end = target.0.clone();
        }
    }
    let steered = || snapshot.base.config.steered.iter().enumerate();
    let exact = steered().find(|(_, steering)| steering.owner == end);
    let wildcard = || {
        let covering = steered().filter(|(_, steering)| {
            steering.owner.is_wildcard()
                && steering.owner.base_name().zone_of(&end)
                && steering.owner.base_name() != end
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
    let max_lag = steering.policy.max_lag;
    let planned = decision.plan.order.iter().enumerate().map(|(index, region)| {
        let fates = Family::BOTH.map(|family| {
            let choice = &decision.choices[family as usize];
            let told = fate::RegionFacts {
                region: &snapshot.base.config.regions.region(*region).name,
                fate: choice.fates[index].1,
                found: choice.selection.destination,
                view: snapshot.health.under(max_lag),
                is_lagging: snapshot.health.is_kept_by_lag(*region, family, max_lag),
                bearing: bearing(*region, family),
            };
            told.text(*region, family)
        });
        reason(*region, fates)
    });
    let removed = decision.plan.removed.iter().map(|removed| {
        let text = match removed.by {
            Remover::Rule(rule) => {
                let text = &steering.policy.residency[rule].text;
                format!("removed by residency rule {}: {text}", rule + 1)
            }
            Remover::Admission(place) => {
                format!("removed: {}, and this client is another one", steering.policy.admissions[place].text)
            }
            Remover::Neighbours => {
                "removed by residency: other clients of the prefix may not be sent there".to_owned()
            }
        };
        reason(removed.region, [text.clone(), text])
    });
    planned.chain(removed).collect()
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

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = if self.groups.is_empty() { "none".to_owned() } else { self.groups.join(", ") };
        writeln!(f, "\nsteered by  {}", self.owner)?;
        writeln!(f, "location    {}", self.location)?;
        writeln!(f, "network     {}", self.network)?;
        writeln!(f, "groups      {groups}")?;
        writeln!(f, "IPv4        {}", self.outcome[0])?;
        writeln!(f, "IPv6        {}\n", self.outcome[1])?;
        let width = |text: fn(&RegionReason) -> usize| self.regions.iter().map(text).max().unwrap_or(0);
        let name = width(|reason| reason.region.len()).max(6);
        let v4 = width(|reason| reason.fates[0].len()).max(4);
        writeln!(f, "{:name$}  {:>9}  {:v4$}  IPv6", "region", "distance", "IPv4")?;
        for RegionReason { region, distance_km, fates: [first, second] } in &self.regions {
            let distance = distance_km.map_or_else(|| "?".to_owned(), |km| format!("{km} km"));
            let second = if first == second { "the same" } else { second };
            writeln!(f, "{region:name$}  {distance:>9}  {first:v4$}  {second}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_by_its_name_and_by_its_number() {
        let check = |text: &str, expected: Option<RecordType>| {
            let found = Inquiry::parse("api.example.com", "192.0.2.1", text);
            assert_eq!(found.ok().map(|inquiry| inquiry.rtype), expected, "{text}");
        };
        check("aaaa", Some(RecordType::AAAA));
        check("TYPE65", Some(RecordType::HTTPS));
        check("type28", Some(RecordType::AAAA));
        check("TYPE65280", Some(RecordType::Unknown(65280)));
        check("TYPE65536", None);
        check("TYPE", None);
    }
}
