//! The records of a choice: addresses for A and AAAA, and both as hints for HTTPS.
//!
//! Records do not hold their owner name, so that all names which answer in one manner and with one choice share
//! what is packed; the pool sees to that. It is why a thousand names fail over about as fast as ten.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet};
use hickory_proto::rr::rdata::svcb::{Alpn, IpHint, SVCB, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, AAAA, HTTPS};

use super::steered::SteeredAnswer;
use crate::answer::Packed;
use crate::health::View;
use crate::region::{AddressId, Family, RegionId, RegionSet, Regions};
use crate::steering::{self, Addresses, Destination, Https, Refusal, Selection, Steering};
use crate::zone::{Name, RData, RecordType, Ttl};

/// The types of a steered name whose answers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    A,
    Aaaa,
    Https,
}

impl Kind {
    /// Every kind, in the order in which tables hold them.
    pub const ALL: [Self; 3] = [Self::A, Self::Aaaa, Self::Https];

    /// Returns the family of the addresses in such answers; `None`: they have hints of both.
    pub fn family(self) -> Option<Family> {
        match self {
            Self::A => Some(Family::V4),
            Self::Aaaa => Some(Family::V6),
            Self::Https => None,
        }
    }
}

/// What makes two RRsets the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Recipe {
    ttl: Ttl,
    /// The service whose addresses they are.
    service: String,
    /// The addresses that become A or AAAA records, or hints when `https` is set.
    ips: Vec<IpAddr>,
    /// How many of them take turns at being the first record.
    leading: usize,
    https: Option<Https>,
    /// The next region in HTTPS records.
    next: Option<NextRegion>,
}

/// The region that clients try when the first does not answer, by its pin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct NextRegion {
    region: RegionId,
    pin: Name,
    /// The time to live of the pin.
    ttl: Ttl,
}

/// All that the answers of a steered name depend on besides the choice.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Manner<'a> {
    ttl: Ttl,
    short_ttl: Ttl,
    max_answers: u8,
    https: Option<&'a Https>,
    offered: Offered,
    /// By family: whether all answers are short.
    in_outage: [bool; 2],
}

/// The kinds of records that some answer of a name may hold, by [`Kind`]. The name has no others: all of its clients get
/// NODATA for them, also those to whom no region is permitted, so that resolvers need to ask once only.
pub(super) type Offered = [bool; 3];

/// Returns the kinds that a name offers: addresses of the families that its regions have, and HTTPS if it is set.
pub(super) fn offered(steering: &Steering, regions: &Regions) -> Offered {
    let has = |family| {
        let mut addresses = steering.policy.regions.iter().flat_map(|region| regions.addresses_of(*region));
        addresses.any(|(_, address)| Family::of(address.ip) == family)
    };
    [has(Family::V4), has(Family::V6), steering.https.is_some()]
}

/// An address of a service; the service is empty for those of the regions themselves.
pub type ServedAddress = (String, IpAddr);

/// The addresses that answers hold, each with the longest time to live with which any of them does.
pub type AnsweredAddresses = HashMap<ServedAddress, Ttl>;

/// Returns an address with its service.
pub fn served(regions: &Regions, id: AddressId) -> ServedAddress {
    let address = regions.address(id);
    (regions.region(address.region).service().unwrap_or_default().to_owned(), address.ip)
}

/// The answers of one steered name for one choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    /// By [`Kind`].
    pub by_kind: [Answer; 3],
    /// The region that IPv4 was sent to, or else IPv6.
    pub region: Option<RegionId>,
}

/// The answer of one steered name, kind and choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Records {
        packed: Arc<Packed>,
        /// Whether an address is among them that clients are sent away from.
        is_leaving: bool,
        /// Whether all regions are down, and these are addresses of the nearest.
        is_fail_open: bool,
    },
    Nodata(Ttl),
    Refuse,
    Servfail,
    Prohibited,
}

impl Answer {
    /// Returns what is told to clients.
    pub fn told(&self) -> SteeredAnswer<'_> {
        match self {
            Self::Records { packed, .. } => SteeredAnswer::Records(packed),
            Self::Nodata(ttl) => SteeredAnswer::Nodata(*ttl),
            Self::Refuse => SteeredAnswer::Refuse,
            Self::Servfail => SteeredAnswer::Servfail,
            Self::Prohibited => SteeredAnswer::Prohibited,
        }
    }

    /// Returns the answer to clients to whom no region is permitted.
    fn forbidden(refusal: Refusal, ttl: Ttl) -> Self {
        match refusal {
            Refusal::Servfail => Self::Prohibited,
            Refusal::Refuse => Self::Refuse,
            Refusal::Nodata => Self::Nodata(ttl),
        }
    }

    /// Returns the answer when all regions are down.
    fn refused(refusal: Refusal, ttl: Ttl) -> Self {
        match refusal {
            Refusal::Servfail => Self::Servfail,
            Refusal::Refuse => Self::Refuse,
            Refusal::Nodata => Self::Nodata(ttl),
        }
    }
}

/// Packs records, each distinct RRset once.
pub(super) struct Pool<'a> {
    regions: &'a Regions,
    health: &'a View,
    /// The addresses that clients are sent away from.
    leaving: HashSet<ServedAddress>,
    /// By family: the regions that are down and still have clients since all were.
    outage: [RegionSet; 2],
    answers: HashMap<(Manner<'a>, [Selection; 2]), Answers>,
    packed: HashMap<Recipe, Ready>,
}

/// An RRset, and whether an address is in it that clients are sent away from.
#[derive(Clone)]
struct Ready {
    packed: Arc<Packed>,
    is_leaving: bool,
}

impl<'a> Pool<'a> {
    /// Returns an empty pool for the addresses of `regions` as `health` has them, some of which clients are sent
    /// away from, while regions of `outage` have clients although they are down.
    pub fn new(
        regions: &'a Regions,
        health: &'a View,
        leaving: &[AddressId],
        outage: [RegionSet; 2],
    ) -> Self {
        let leaving = leaving.iter().map(|id| served(regions, *id)).collect();
        Self { regions, health, leaving, outage, answers: HashMap::new(), packed: HashMap::new() }
    }

    /// Returns the addresses in what was packed. It looks at each distinct RRset once, and those are few.
    pub fn given(&self) -> AnsweredAddresses {
        let mut given = AnsweredAddresses::new();
        for recipe in self.packed.keys() {
            for ip in &recipe.ips {
                let longest = given.entry((recipe.service.clone(), *ip)).or_insert(recipe.ttl);
                *longest = recipe.ttl.max(*longest);
            }
            // A resolver that has kept the record to its end may then look up the pin.
            let next = recipe.next.iter();
            for (_, address) in next.clone().flat_map(|next| self.regions.addresses_of(next.region)) {
                let longest = given.entry((recipe.service.clone(), address.ip)).or_insert(recipe.ttl);
                let ttl = next.clone().fold(recipe.ttl, |ttl, next| ttl.plus(next.ttl));
                *longest = ttl.max(*longest);
            }
        }
        given
    }

    /// Returns the answers of one name, which offers these kinds, for the selections of both families.
    pub fn answers(
        &mut self,
        steering: &'a Steering,
        offered: Offered,
        selections: [Selection; 2],
    ) -> Answers {
        let Steering { ttl, short_ttl, max_answers, ref https, .. } = *steering;
        let in_outage = self.in_outage(steering);
        let manner = Manner { ttl, short_ttl, max_answers, https: https.as_ref(), offered, in_outage };
        let key = (manner, selections);
        if let Some(known) = self.answers.get(&key) {
            return known.clone();
        }
        let by_kind = Kind::ALL.map(|kind| match offered[kind as usize] {
            false => Answer::Nodata(ttl),
            true => match self.records(steering, kind, selections) {
                Ok(Some(Ready { packed, is_leaving })) => {
                    Answer::Records { packed, is_leaving, is_fail_open: fails_open(kind, selections) }
                }
                Ok(None) => Answer::Nodata(ttl),
                Err(answer) => answer,
            },
        });
        let answers = Answers {
            by_kind,
            region: selections[0].destination.region().or(selections[1].destination.region()),
        };
        self.answers.insert(key, answers.clone());
        answers
    }

    /// Returns the records of one kind; `None` when there are none of it where the clients are sent.
    fn records(
        &mut self,
        steering: &Steering,
        kind: Kind,
        selections: [Selection; 2],
    ) -> Result<Option<Ready>, Answer> {
        let [v4, v6] =
            Family::BOTH.map(|family| self.addresses(steering, selections[family as usize], family));
        let (LedAddresses { addresses, leading }, https) = match kind {
            Kind::A => (v4?, None),
            Kind::Aaaa => (v6?, None),
            Kind::Https => match &steering.https {
                None => return Ok(None),
                Some(https) => (both(v4, v6)?, Some(https)),
            },
        };
        let next = https.and_then(|https| next(https, selections));
        let next =
            next.map(|(region, pin)| NextRegion { region: *region, pin: pin.clone(), ttl: steering.ttl });
        // Names with the same addresses share their records, whatever their pins are called.
        let https = https.map(|https| Https { pins: Vec::new(), ..https.clone() });
        if addresses.ips.is_empty() {
            return Ok(None);
        }
        let [v4, v6] = self.in_outage(steering);
        let in_outage = match kind {
            Kind::A => v4,
            Kind::Aaaa => v6,
            Kind::Https => v4 || v6,
        };
        let ttl = if addresses.any_unsure || in_outage { steering.short_ttl } else { steering.ttl };
        let service = steering.policy.service(self.regions).unwrap_or_default().to_owned();
        Ok(Some(self.pack(Recipe { ttl, service, ips: addresses.ips, leading, https, next })))
    }

    /// Returns whether some clients of a name may still get a region that is down since all were: where the others are sent
    /// changes with each that returns.
    fn in_outage(&self, steering: &Steering) -> [bool; 2] {
        self.outage.map(|outage| steering.policy.regions.iter().any(|region| outage.contains(*region)))
    }

    fn addresses(
        &self,
        steering: &Steering,
        selection: Selection,
        family: Family,
    ) -> Result<LedAddresses, Answer> {
        let most = usize::from(steering.max_answers);
        let filter = selection.filter;
        let of = |region| {
            LedAddresses::of(steering::addresses_across_zones(
                self.regions,
                self.health,
                region,
                family,
                most,
                filter,
            ))
        };
        match selection.destination {
            Destination::Healthy(region) => Ok(self.followed(of(region), selection, family, most)),
            // Whatever is answered when everything is down is at least suspect.
            Destination::FailOpen(region) => {
                Ok(LedAddresses::of(Addresses { any_unsure: true, ..of(region).addresses }))
            }
            Destination::Refused(refusal) => Err(Answer::refused(refusal, steering.short_ttl)),
            Destination::Forbidden(refusal) => Err(Answer::forbidden(refusal, steering.short_ttl)),
        }
    }

    /// Adds the addresses of the regions that follow, as long as there is room.
    fn followed(
        &self,
        first: LedAddresses,
        selection: Selection,
        family: Family,
        most: usize,
    ) -> LedAddresses {
        selection.others().fold(first, |mut led, region| {
            let room = most.saturating_sub(led.addresses.ips.len());
            let more = steering::whole(self.regions, self.health, region, family, room);
            led.addresses.any_unsure |= more.any_unsure;
            led.addresses.ips.extend(more.ips);
            led
        })
    }

    fn pack(&mut self, recipe: Recipe) -> Ready {
        let leaving = &self.leaving;
        let packed = self.packed.entry(recipe);
        let packed = packed.or_insert_with_key(|recipe| {
            let (rtype, rdata) = match &recipe.https {
                None => (address_type(&recipe.ips), recipe.ips.iter().map(|ip| address(*ip)).collect()),
                Some(https) => (
                    RecordType::HTTPS,
                    services(https, &recipe.ips, recipe.next.as_ref().map(|next| &next.pin)),
                ),
            };
            let is_leaving = recipe.ips.iter().any(|ip| leaving.contains(&(recipe.service.clone(), *ip)));
            Ready {
                packed: Arc::new(Packed::new(rtype, recipe.ttl, &rdata).turning(recipe.leading)),
                is_leaving,
            }
        });
        packed.clone()
    }
}

/// Addresses, the first of which are those of the chosen region.
struct LedAddresses {
    addresses: Addresses,
    /// How many of them take turns at being the first.
    leading: usize,
}

impl LedAddresses {
    fn of(addresses: Addresses) -> Self {
        Self { leading: addresses.ips.len(), addresses }
    }
}

/// Returns whether the records of one kind lead to a region that is down, for all are.
fn fails_open(kind: Kind, selections: [Selection; 2]) -> bool {
    let [v4, v6] = selections.map(|selection| matches!(selection.destination, Destination::FailOpen(_)));
    match kind {
        Kind::A => v4,
        Kind::Aaaa => v6,
        Kind::Https => v4 || v6,
    }
}

/// Joins the hints of both families. One family may be refused without the other.
fn both(v4: Result<LedAddresses, Answer>, v6: Result<LedAddresses, Answer>) -> Result<LedAddresses, Answer> {
    match (v4, v6) {
        (Ok(LedAddresses { addresses: v4, .. }), Ok(LedAddresses { addresses: v6, .. })) => {
            let any_unsure = v4.any_unsure || v6.any_unsure;
            Ok(LedAddresses::of(Addresses { ips: [v4.ips, v6.ips].concat(), any_unsure }))
        }
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
        (Err(answer), Err(_)) => Err(answer),
    }
}

/// Returns the type of the records that hold `ips`, which are of one family.
fn address_type(ips: &[IpAddr]) -> RecordType {
    match ips {
        [IpAddr::V6(_), ..] => RecordType::AAAA,
        _ => RecordType::A,
    }
}

fn address(ip: IpAddr) -> RData {
    match ip {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    }
}

/// Returns the pin that HTTPS records name after these selections.
fn next(https: &Https, selections: [Selection; 2]) -> Option<&(RegionId, Name)> {
    let [v4, v6] = selections.map(|selection| selection.next);
    let region = v4.or(v6)?;
    https.pins.iter().find(|(pinned, _)| *pinned == region)
}

/// Returns the HTTPS records in service mode (RFC 9460, section 2.4.3): for the owner name itself, and then for the pin of
/// the next region, whose addresses clients look up.
fn services(https: &Https, ips: &[IpAddr], next: Option<&Name>) -> Vec<RData> {
    let own = service(1, Name::root(), https, ips);
    std::iter::once(own).chain(next.map(|next| service(2, next.clone(), https, &[]))).collect()
}

/// Returns an HTTPS record, its parameters in the order of their keys, as RFC 9460, section 2.2, asks.
fn service(priority: u16, target: Name, https: &Https, ips: &[IpAddr]) -> RData {
    let mut parameters = Vec::new();
    if !https.alpn.is_empty() {
        parameters.push((SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(https.alpn.clone()))));
    }
    if let Some(port) = https.port {
        parameters.push((SvcParamKey::Port, SvcParamValue::Port(port)));
    }
    let v4: Vec<A> =
        ips.iter().filter_map(|ip| if let IpAddr::V4(v4) = ip { Some(A(*v4)) } else { None }).collect();
    if !v4.is_empty() {
        parameters.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4))));
    }
    let v6: Vec<AAAA> =
        ips.iter().filter_map(|ip| if let IpAddr::V6(v6) = ip { Some(AAAA(*v6)) } else { None }).collect();
    if !v6.is_empty() {
        parameters.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6))));
    }
    RData::HTTPS(HTTPS(SVCB::new(priority, target, parameters)))
}
