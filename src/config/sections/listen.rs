//! `listen`: where DNS is answered, and with how much of the machine.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::{Reporter, Span};
use crate::config::values::{Checked, List, Value};
use crate::config::yaml::{Setting, Written};

/// The bounds of `threads`: more than one for each core only take turns, and few machines have more cores.
pub const THREADS: RangeInclusive<u32> = 1..=256;

/// The way out when no address is given.
const HINT: &str = "write `listen: { dns: [\"192.0.2.53:53\"] }`";

/// Where the server listens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenSpec {
    /// Addresses with ports for DNS over UDP and TCP, for example `["192.0.2.53:53", "[::1]:53"]`. A reply leaves
    /// from the address that was asked, also when this is `0.0.0.0` or `[::]`. An address that no interface has
    /// yet is a warning, and is answered on as soon as one has it.
    dns: List<SocketAddr>,
    /// The threads for UDP of each address: 1 to 256. Left out: one for each core.
    threads: Option<Value<u32>>,
}

/// Where DNS is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// For UDP and TCP; never empty in a configuration that was accepted.
    pub dns: Vec<SocketAddr>,
    /// For UDP, of each address; `None`: one for each core.
    pub threads: Option<usize>,
}

/// Lowers `listen`, which must be in the file at `file`.
pub(super) fn lower(spec: &Setting<ListenSpec>, file: Span, report: &mut Reporter) -> Listen {
    let Some((spec, span)) = spec.required("listen", file, HINT, report) else { return Listen::default() };
    let threads = spec.threads.within("threads", &THREADS, report);
    Listen { dns: addresses(spec, span, report), threads: threads.and_then(|count| count.try_into().ok()) }
}

fn addresses(spec: &ListenSpec, parent: Span, report: &mut Reporter) -> Vec<SocketAddr> {
    spec.dns.required("listen.dns", parent, HINT, report);
    let mut addresses = Vec::new();
    for (address, span) in spec.dns.items() {
        if addresses.contains(address) {
            report.error(span, format!("`{address}` is listed twice"));
        }
        addresses.push(*address);
    }
    if spec.dns.get().is_some_and(Vec::is_empty) {
        report.error(parent, "the server listens nowhere").hint(HINT);
    }
    addresses
}
