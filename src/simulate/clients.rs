//! The watched clients: what each gets from a snapshot, and how that changed.
//!
//! They ask as resolvers do, with a client subnet, A and AAAA, and get the engine's bytes. A client that is
//! larger than what belongs to a share as a whole (/24, /48) is many subnets, which may be led to different
//! regions: a sample of them, spread evenly, asks for all.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Distribution;
use super::scenario::Client;
use super::subnet::{self, AddressOwners, News, Subnet};
use crate::client::Prefix;
use crate::config::Config;
use crate::engine::{self, Transport};
use crate::moment::Moment;
use crate::region::Family;
use crate::snapshot::{Base, Snapshot};
use crate::zone::Name;

/// All watched clients.
#[derive(Debug)]
pub struct Clients {
    lookups: Vec<Lookup>,
    /// The world whose regions `regions` knows.
    base: Option<Arc<Base>>,
    /// By service: the name of the region of each address.
    regions: HashMap<String, HashMap<IpAddr, String>>,
    reply: Vec<u8>,
}

/// A client, and one name that it asks for.
#[derive(Debug)]
pub struct Lookup {
    /// The name of the client.
    pub client: String,
    /// The name that it asks for.
    pub name: Name,
    subnets: Vec<Subnet>,
    /// What all subnets get, by family; `None`: they never asked.
    splits: [Option<Distribution>; 2],
}

/// What changed for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMove {
    /// The name of the client.
    pub client: String,
    /// The name that it asks for.
    pub name: Name,
    /// Which answers: A, AAAA, or both alike.
    pub families: Vec<Family>,
    /// What it got; `None`: it asks for the first time.
    pub from: Option<Distribution>,
    pub to: Distribution,
    /// The subnets that are led elsewhere, and do not merely get another TTL or fewer addresses.
    pub elsewhere: Vec<(Prefix, Family)>,
}

impl Clients {
    /// Lets every client ask for every name.
    pub fn new(clients: &[Client], names: &[Name]) -> Self {
        let lookups = clients.iter().flat_map(|client| {
            names.iter().map(|name| Lookup {
                client: client.name.clone(),
                name: name.clone(),
                subnets: subnet::sample(client.prefix).map(|prefix| Subnet::new(prefix, name)).collect(),
                splits: [None, None],
            })
        });
        Self {
            lookups: lookups.collect(),
            base: None,
            regions: HashMap::new(),
            reply: vec![0; engine::max_reply(Transport::Tcp)],
        }
    }

    /// Asks for all clients, and returns what changed for which.
    pub fn ask(&mut self, snapshot: &Snapshot, now: Moment) -> Vec<ClientMove> {
        let is_same_world = self.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, &snapshot.base));
        if !is_same_world {
            self.base = Some(Arc::clone(&snapshot.base));
            self.regions = regions(&snapshot.base);
        }
        let mut moves = Vec::new();
        for lookup in &mut self.lookups {
            let Some(by_address) = self.regions.get(service_of(&lookup.name, &snapshot.base.config)) else {
                continue;
            };
            let regions = AddressOwners { by_address, are_others: !is_same_world };
            let changes = Family::BOTH.map(|family| {
                let (mut is_change, mut elsewhere) = (false, Vec::new());
                for subnet in &mut lookup.subnets {
                    let news = subnet.ask(family, snapshot, &regions, now, &mut self.reply);
                    is_change |= news.is_some();
                    elsewhere.extend((news == Some(News::Elsewhere)).then_some((subnet.prefix, family)));
                }
                is_change.then_some(elsewhere)
            });
            moves.extend(lookup.moves(changes));
        }
        moves
    }

    /// Returns the lookups of a client, for one name or for all.
    pub fn lookups_of<'a>(
        &'a self,
        client: &'a str,
        name: Option<&'a Name>,
    ) -> impl Iterator<Item = &'a Lookup> {
        self.lookups
            .iter()
            .filter(move |lookup| lookup.client == client && name.is_none_or(|name| *name == lookup.name))
    }

    /// Returns every client with every name that it asks for.
    pub fn lookups(&self) -> &[Lookup] {
        &self.lookups
    }

    /// Returns where the A answers of a client lead and the share of its subnets that is led there, all names
    /// counting alike; and the longest of their TTLs.
    pub fn shares_of(&self, client: &str) -> (BTreeMap<String, f64>, Duration) {
        let splits = || self.lookups_of(client, None).map(|lookup| lookup.split(Family::V4));
        let subnets: usize = splits().map(|split| split.subnets).sum();
        let mut shares = BTreeMap::new();
        for (to, count) in splits().flat_map(|split| &split.leads) {
            *shares.entry(to.clone()).or_insert(0.0) += *count as f64 / subnets as f64;
        }
        let longest = splits().filter_map(|split| split.ttls.last()).max();
        (shares, Duration::from_secs(longest.copied().unwrap_or_default().into()))
    }

    /// Returns to which parts of all clients a client belongs, by their places in `Base::demand`, and which fraction
    /// of its subnets to each.
    pub fn parts_of(&self, client: &str) -> BTreeMap<u16, f64> {
        let subnets = || self.lookups_of(client, None).flat_map(|lookup| &lookup.subnets);
        let count = subnets().count() as f64;
        let mut parts = BTreeMap::new();
        subnets()
            .filter_map(|subnet| subnet.part)
            .for_each(|part| *parts.entry(part).or_default() += 1.0 / count);
        parts
    }
}

impl Lookup {
    /// Returns what the client gets now.
    ///
    /// # Panics
    ///
    /// When the client was never asked.
    pub fn split(&self, family: Family) -> &Distribution {
        self.splits[family as usize].as_ref().expect("all clients ask when the first snapshot is there")
    }

    /// Returns the subnets that ask, and what each was last answered.
    pub fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    /// Returns when one of the client's subnets was last sent elsewhere; `None`: never.
    pub fn moved(&self, family: Family) -> Option<Moment> {
        self.subnets.iter().filter_map(|subnet| subnet.moved(family)).max()
    }

    /// Returns whether those subnets that are led to one of these regions all get this TTL.
    pub fn has_ttl(&self, family: Family, to: &[String], ttl: u32) -> bool {
        let answers = self.subnets.iter().filter_map(|subnet| subnet.answer(family));
        let mut meant = answers.filter(|answer| to.contains(&answer.leads));
        meant.all(|answer| answer.ttl == Some(ttl))
    }

    /// Takes what changed, by family: the subnets that are led elsewhere, or `None` if nothing did.
    fn moves(&mut self, changes: [Option<Vec<(Prefix, Family)>>; 2]) -> Vec<ClientMove> {
        let moves = Family::BOTH.into_iter().zip(changes).filter_map(|(family, elsewhere)| {
            let elsewhere = elsewhere?;
            let answers = self.subnets.iter().filter_map(|subnet| subnet.answer(family));
            let to = Distribution::of(answers);
            let from = self.splits[family as usize].replace(to.clone());
            let is_news = from.as_ref() != Some(&to) || !elsewhere.is_empty();
            let (client, name) = (self.client.clone(), self.name.clone());
            is_news.then(|| ClientMove { client, name, families: vec![family], from, to, elsewhere })
        });
        match <[ClientMove; 2]>::try_from(moves.collect::<Vec<_>>()) {
            Ok([one, other]) if one.is_like(&other) => vec![one.with(other)],
            Ok(both) => both.into(),
            Err(fewer) => fewer,
        }
    }
}

impl ClientMove {
    /// Returns whether another family of the same client moves from and to the same.
    fn is_like(&self, other: &Self) -> bool {
        let parts = |split: &Distribution| (split.leads.clone(), split.ttls.clone());
        parts(&self.to) == parts(&other.to) && self.from.as_ref().map(parts) == other.from.as_ref().map(parts)
    }

    /// Returns the move together with one of another family that is like it.
    fn with(mut self, other: Self) -> Self {
        self.families.extend(other.families);
        self.elsewhere.extend(other.elsewhere);
        self.to.addresses.extend(other.to.addresses);
        if let (Some(from), Some(other)) = (&mut self.from, other.from) {
            from.addresses.extend(other.addresses);
        }
        self
    }
}

/// Returns the region of every address, by service.
fn regions(base: &Base) -> HashMap<String, HashMap<IpAddr, String>> {
    let regions = &base.config.regions;
    let mut by_service: HashMap<String, HashMap<IpAddr, String>> = HashMap::new();
    // Names that are not steered are of none, whatever regions there are.
    by_service.entry(String::new()).or_default();
    for (_, address) in regions.addresses() {
        let region = regions.region(address.region);
        let service = region.service().unwrap_or_default().to_owned();
        by_service.entry(service).or_default().insert(address.ip, region.name.clone());
    }
    by_service
}

/// Returns the service that a name is for; empty: it is for none.
pub(super) fn service_of<'c>(name: &Name, config: &'c Config) -> &'c str {
    let steering = config.steered.iter().find(|steering| steering.owner == *name);
    steering.and_then(|steering| steering.policy.service(&config.regions)).unwrap_or_default()
}
