//! `rate_limit` in `server.yaml`: how many UDP replies the clients of one network get.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Deserialize;

use super::or_off::OrOff;
use crate::client::Prefix;
use crate::config::problem::Reporter;
use crate::config::values::{Checked, List, Value};
use crate::config::yaml::{Setting, Written};

/// The bounds of `answers`, `negative` and `errors`: with fewer no resolver could be served, and beyond a million replies
/// a second from one socket nothing is limited.
pub const PER_SECOND: RangeInclusive<u32> = 1..=1_000_000;

/// The bounds of `excess`: the account of two seconds must hold the largest reply.
pub const EXCESS: RangeInclusive<u32> = 1_000..=100_000_000;

/// The bounds of `slip`: an account counts up to 15.
pub const SLIP: RangeInclusive<u32> = 0..=10;

/// The most networks that are exempt: each is compared with every query over UDP.
pub const MAX_EXEMPT: usize = 64;

/// Limits of UDP replies to the clients of one /24 or /56, so that queries with forged senders cannot aim the server at
/// others. Clients with a valid DNS cookie have no limits, and TCP and TLS have none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitSpec {
    /// The most answers and referrals a second for one name: 1 to 1000000. Left out: 300.
    answers: Option<Value<u32>>,
    /// The most replies a second that a name, or a type of it, does not exist, for one zone: 1 to 1000000. Left out: 100.
    negative: Option<Value<u32>>,
    /// The most errors a second, REFUSED among them: 1 to 1000000. Left out: 100.
    errors: Option<Value<u32>>,
    /// The most octets a second that replies may have beyond their queries, for all names: 1000 to 100000000. It
    /// bounds amplification: replies over any 10 s have at most 12 times as many octets more than their queries.
    /// Left out: 10000.
    excess: Option<Value<u32>>,
    /// Of replies beyond a limit each so many-th is sent in short, so that a client of that network comes back over TCP
    /// or with a cookie; the others are not sent: 0 to 10, where 0 sends none and 1 all. Left out: 2.
    slip: Option<Value<u32>>,
    /// Networks without limits, for example those of a proxy in front of this server; at most 64. Left out:
    /// `["127.0.0.0/8", "::1/128"]`, from which nothing comes over a network.
    exempt: Option<List<Prefix>>,
}

/// How many UDP replies the clients of one network get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Answers and referrals of one name, a second.
    pub answers: u32,
    /// Negative answers of one zone, a second.
    pub negative: u32,
    /// Errors, a second.
    pub errors: u32,
    /// Octets of replies beyond those of their queries, a second.
    pub excess: u32,
    /// Which of the replies beyond a limit are sent in short: each so many-th; zero: none.
    pub slip: u32,
    /// Networks without limits.
    pub exempt: Vec<Prefix>,
}

impl Default for RateLimit {
    fn default() -> Self {
        let exempt = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
        Self {
            // A resolver asks for one name once a TTL and client subnet; its network may have a hundred of them.
            answers: 300,
            negative: 100,
            errors: 100,
            // With the account of two seconds, 120 000 octets in 10 s: half of what 1000 queries a second of 24 octets,
            // the shortest for a name here, bring in that time.
            excess: 10_000,
            slip: 2,
            exempt: exempt.to_vec(),
        }
    }
}

/// Lowers `rate_limit`; `None`: there are no limits.
pub(super) fn lower(
    spec: &Option<Setting<OrOff<RateLimitSpec>>>,
    report: &mut Reporter,
) -> Option<RateLimit> {
    let usual = RateLimit::default();
    let spec = match spec.get() {
        None => return Some(usual),
        Some(OrOff::Scalar(_)) => return None,
        Some(OrOff::Mapping(spec)) => spec,
    };
    let mut within = |value: &Option<Value<u32>>, key: &str, bounds, usual| {
        value.within(key, bounds, report).unwrap_or(usual)
    };
    let limits = RateLimit {
        answers: within(&spec.answers, "answers", &PER_SECOND, usual.answers),
        negative: within(&spec.negative, "negative", &PER_SECOND, usual.negative),
        errors: within(&spec.errors, "errors", &PER_SECOND, usual.errors),
        excess: within(&spec.excess, "excess", &EXCESS, usual.excess),
        slip: within(&spec.slip, "slip", &SLIP, usual.slip),
        exempt: usual.exempt,
    };
    let exempt = spec.exempt.at_most(MAX_EXEMPT, "networks", report);
    let exempt: Vec<Prefix> = exempt.into_iter().map(|(network, _)| *network).collect();
    Some(if spec.exempt.is_missing() { limits } else { RateLimit { exempt, ..limits } })
}
