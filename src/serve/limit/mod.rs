//! Limits of UDP replies, so that queries with forged senders cannot aim this server at others.
//!
//! ```text
//!   reply ──▶ network exempt? cookie valid? ──▶ sent          asked by `serve::Serving`
//!     │
//!     ├── its subject's account: so many a second      of the network and the name, the zone, or for errors
//!     ├── its network's account: so many octets more   than the queries had, whatever they were about
//!     ▼
//!   paid: sent        over: each `slip`-th sender is asked to come back (`engine::put_off`), the others hear nothing;
//!                     what that has beyond the query is charged to the network as well
//! ```
//!
//! The first account keeps one name's flood from being answered; the second bounds amplification: over any 10 s the
//! replies to a network have at most 12 times `excess` octets more than its queries, however many names are asked for. The
//! clients of a /24 or /56 count together, for whoever forges one address of a network can forge all.

mod account;
mod floods;
mod table;

pub use floods::MOST_FLOODS;
pub use table::ACCOUNTS;

use std::net::IpAddr;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use self::account::{Charge, Rate, Tick};
use self::floods::{FloodBoard, NetworkCode};
use self::table::{AccountTable, Fee};
use crate::client::Prefix;
use crate::config::RateLimit;
use crate::engine::ReplySubject;
use crate::event::LimitedQueries;
use crate::metrics::ReplyLimit;
use crate::moment::Moment;

/// The seconds whose replies an account of a subject and one of a network hold.
const BURSTS: [u32; 2] = [1, 2];

/// The networks without limits, as masks: they are compared with every query.
#[derive(Debug, Default)]
struct Exemptions {
    /// Each as the mask of its length, and its address.
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Exemptions {
    fn of(networks: &[Prefix]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            let length = network.length().into();
            match network.address() {
                IpAddr::V4(address) => {
                    v4.push((!u32::MAX.checked_shr(length).unwrap_or(0), address.to_bits()));
                }
                IpAddr::V6(address) => {
                    v6.push((!u128::MAX.checked_shr(length).unwrap_or(0), address.to_bits()));
                }
            }
        }
        Self { v4: v4.into(), v6: v6.into() }
    }

    fn includes(&self, client: IpAddr) -> bool {
        match client {
            IpAddr::V4(v4) => self.v4.iter().any(|(mask, address)| v4.to_bits() & mask == *address),
            IpAddr::V6(v6) => self.v6.iter().any(|(mask, address)| v6.to_bits() & mask == *address),
        }
    }
}

/// A reply that may be limited.
#[derive(Clone, Copy, Debug)]
pub struct ReplyCost {
    pub client: IpAddr,
    pub subject: ReplySubject,
    /// The octets of the request and of the reply.
    pub octets: [usize; 2],
}

/// What is to become of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitJudgement {
    pub verdict: LimitVerdict,
    /// How many accounts lost their place to this one's.
    pub evicted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitVerdict {
    Send,
    /// It is over a limit; the client is asked to come back, or hears nothing.
    Limit {
        limit: ReplyLimit,
        is_told: bool,
    },
}

/// The accounts of all clients since the start of the process.
#[derive(Debug)]
struct Ledger {
    table: AccountTable,
    floods: FloodBoard,
    /// Unknown to clients, so that none can choose whose account it shares.
    key: [u8; 16],
}

impl Ledger {
    fn hash(&self, network: NetworkCode) -> u64 {
        SipHasher13::new_with_key(&self.key).hash(&network.0.to_le_bytes())
    }
}

/// The limits of a configuration, over the accounts of the process.
#[derive(Clone, Debug)]
pub struct Limiter {
    rules: Option<Arc<LimitRules>>,
    ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct LimitRules {
    /// Of answers, negative answers and errors.
    subjects: [Rate; 3],
    excess: Rate,
    slip: u32,
    exempt: Exemptions,
}

impl LimitRules {
    fn of(limits: &RateLimit) -> Self {
        let [of_subject, of_network] = BURSTS;
        Self {
            subjects: [limits.answers, limits.negative, limits.errors]
                .map(|rate| Rate::new(rate, of_subject)),
            excess: Rate::new(limits.excess, of_network),
            slip: limits.slip,
            exempt: Exemptions::of(&limits.exempt),
        }
    }
}

impl Limiter {
    /// Starts with empty accounts and a key of this process that no client can guess; `None`: there are no limits.
    pub fn new(limits: Option<&RateLimit>, key: [u8; 16]) -> Self {
        let ledger = Ledger { table: AccountTable::default(), floods: FloodBoard::default(), key };
        Self { rules: limits.map(LimitRules::of).map(Arc::new), ledger: Arc::new(ledger) }
    }

    /// Returns the limits of another configuration over the same accounts.
    pub fn under(&self, limits: Option<&RateLimit>) -> Self {
        Self { rules: limits.map(LimitRules::of).map(Arc::new), ledger: Arc::clone(&self.ledger) }
    }

    /// Charges a reply to its accounts, at a moment by a clock that is never set. A reply that its subject's account does not
    /// pay costs its network nothing.
    pub fn judge(&self, reply: &ReplyCost, now: Moment) -> LimitJudgement {
        let nothing = LimitJudgement { verdict: LimitVerdict::Send, evicted: 0 };
        let Some(rules) = &self.rules else { return nothing };
        if rules.exempt.includes(reply.client) {
            return nothing;
        }
        let network = NetworkCode::of(reply.client);
        let hash = self.ledger.hash(network);
        let (limit, subject) = match reply.subject {
            ReplySubject::Name(None) => (ReplyLimit::Answers, 0),
            ReplySubject::Name(Some(id)) => (ReplyLimit::Answers, u64::from(id.number()) + 1),
            ReplySubject::Absence(zone) => (ReplyLimit::Negative, zone as u64),
            ReplySubject::Error => (ReplyLimit::Errors, 0),
        };
        let [request, octets] = reply.octets;
        let excess = u32::try_from(octets.saturating_sub(request)).unwrap_or(u32::MAX);
        let fee = Fee { units: 1, rate: rules.subjects[limit as usize], slip: rules.slip };
        let mut charge = self.charge(subject_hash(hash, limit, subject), fee, limit, now);
        if charge.verdict == LimitVerdict::Send && excess > 0 {
            let fee = Fee { units: excess, rate: rules.excess, slip: rules.slip };
            let second = self.charge(hash, fee, ReplyLimit::Excess, now);
            charge = LimitJudgement { evicted: charge.evicted + second.evicted, ..second };
        }
        if charge.verdict != LimitVerdict::Send {
            self.ledger.floods.note(network, hash);
        }
        charge
    }

    /// Charges the octets of a reply beyond those of its query to the client's network, when the reply is sent although an
    /// account is over its limit; returns whether they are paid.
    pub fn pays(&self, client: IpAddr, excess: usize, now: Moment) -> bool {
        let Some(rules) = self.rules.as_ref().filter(|_| excess > 0) else { return true };
        let fee = Fee { units: u32::try_from(excess).unwrap_or(u32::MAX), rate: rules.excess, slip: 0 };
        let hash = self.ledger.hash(NetworkCode::of(client));
        self.charge(hash, fee, ReplyLimit::Excess, now).verdict == LimitVerdict::Send
    }

    /// Returns which queries were limited since the last call. One thread calls it.
    pub fn floods(&self) -> LimitedQueries {
        self.ledger.floods.take()
    }

    fn charge(&self, hash: u64, fee: Fee, limit: ReplyLimit, now: Moment) -> LimitJudgement {
        let (charge, evicts) = self.ledger.table.charge(hash, fee, Tick::from(now));
        let verdict = match charge {
            Charge::Paid => LimitVerdict::Send,
            Charge::Told => LimitVerdict::Limit { limit, is_told: true },
            Charge::Silent => LimitVerdict::Limit { limit, is_told: false },
        };
        LimitJudgement { verdict, evicted: evicts.into() }
    }
}

/// Returns the hash of the account of a network and a subject. The network's own is a secret, so that one product spreads
/// subjects well enough, and a second SipHash would cost twice as much.
fn subject_hash(network: u64, limit: ReplyLimit, subject: u64) -> u64 {
    /// The golden ratio as a fraction of 2^64.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let subject = (subject << 2 | limit as u64).wrapping_add(1).wrapping_mul(ODD);
    let product = u128::from(network | 1) * u128::from(subject);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests;
