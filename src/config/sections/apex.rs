//! The records of a zone's apex, written or not: SOA and NS, with their defaults.

use hickory_proto::rr::rdata::{NS, SOA};
use schemars::JsonSchema;
use serde::Deserialize;

use super::draft::{RRsetDraft, ZoneLowering};
use crate::config::problem::Span;
use crate::config::records::{self, RecordTarget};
use crate::config::sources::SourceFiles;
use crate::config::values::{List, Value};
use crate::config::yaml::{Setting, Written};
use crate::zone::{Name, RData, RecordType, Ttl};

/// What the SOA record says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoaSpec {
    /// The primary server. Left out: the first of `nameservers`.
    mname: Option<Value<String>>,
    /// The mailbox of the responsible person, as `hostmaster@example.com`. Left out: `hostmaster` at the
    /// zone.
    rname: Option<Value<String>>,
    /// The serial number. Left out: a number that is computed from the zone's files and changes with
    /// them, but does not always grow. With `transfer` it is the least that the server's own number may be.
    serial: Option<Value<u32>>,
    /// Left out: 2 hours.
    refresh: Option<Value<Ttl>>,
    /// Left out: 15 minutes.
    retry: Option<Value<Ttl>>,
    /// Left out: 14 days.
    expire: Option<Value<Ttl>>,
    /// How long resolvers remember that a name does not exist (RFC 2308). Left out: 1 minute.
    minimum: Option<Value<Ttl>>,
    /// The TTL of the SOA record itself. Left out: that of the zone.
    ttl: Option<Value<Ttl>>,
}

/// What is left out of a SOA record, in seconds.
const USUAL_REFRESH: u32 = 7200;
const USUAL_RETRY: u32 = 900;
const USUAL_EXPIRE: u32 = 1_209_600;
const USUAL_MINIMUM: u32 = 60;

impl ZoneLowering<'_> {
    /// Adds the NS records of `nameservers`.
    pub fn nameservers(&mut self, spec: &Option<List<String>>) {
        let Some(span) = spec.span() else { return };
        let mut set = RRsetDraft::new(RecordType::NS, self.default_ttl, span);
        for (text, span) in spec.items() {
            let name = self.report.ok(span, records::parse_name(text, &Name::root()));
            self.has_unread_servers |= name.is_none();
            if let Some(name) = name {
                let target = RecordTarget { name: name.clone(), relative: None, word: 0 };
                set.add(RData::NS(NS(name)), Some((target, span)), span, self.report);
            }
        }
        self.insert(&self.apex.clone(), set);
    }

    /// Adds the SOA record, unless the master file has one. Returns the serial number that the operator has written.
    pub fn soa(
        &mut self,
        spec: &Option<Setting<SoaSpec>>,
        file: Span,
        master_files: &[usize],
    ) -> Option<u32> {
        if let Some(other) = self.nodes.get(&self.apex).and_then(|node| node.rrset(RecordType::SOA)) {
            if let Some((_, span)) = spec.given() {
                let there = other.span.line_text(self.sources);
                let finding = self.report.error(span, "the zone already has a SOA record");
                finding.hint(format!("it is at {there}; keep it in one place"));
            }
            return other.rdata.first().and_then(|rdata| match rdata {
                RData::SOA(soa) => Some(soa.serial),
                _ => None,
            });
        }
        let nothing = SoaSpec::default();
        let (spec, span) = spec.given().unwrap_or((&nothing, file));
        let serial = serial(self.sources, file.source as usize, master_files);
        let mut set = RRsetDraft::new(RecordType::SOA, spec.ttl.get_or(self.default_ttl), span);
        set.rdata.push(RData::SOA(self.soa_record(spec, serial)));
        self.nodes.entry(self.apex.clone()).or_default().rrsets.push(set);
        spec.serial.get().copied()
    }

    fn soa_record(&mut self, spec: &SoaSpec, serial: u32) -> SOA {
        let mname = self.soa_name(&spec.mname);
        let first = self.nodes.get(&self.apex).and_then(|node| node.rrset(RecordType::NS)?.targets.first());
        let mname = mname.or_else(|| Some(first?.0.name.clone())).unwrap_or_else(|| self.apex.clone());
        let rname = self.soa_name(&spec.rname);
        let hostmaster =
            || Name::from_labels([&b"hostmaster"[..]]).and_then(|name| name.append_domain(&self.apex));
        // A zone whose name is too long for that gets its own name as the mailbox.
        let rname = rname.unwrap_or_else(|| hostmaster().unwrap_or_else(|_| self.apex.clone()));
        let seconds = |time: &Option<Value<Ttl>>, usual: u32| time.get().map_or(usual, |ttl| ttl.seconds());
        let signed = |time, usual| i32::try_from(seconds(time, usual)).expect("a TTL fits");
        SOA::new(
            mname,
            rname,
            spec.serial.get_or(serial),
            signed(&spec.refresh, USUAL_REFRESH),
            signed(&spec.retry, USUAL_RETRY),
            signed(&spec.expire, USUAL_EXPIRE),
            seconds(&spec.minimum, USUAL_MINIMUM),
        )
    }

    /// Reads a name, or a mailbox whose part before the `@` is one label (RFC 1035, section 8).
    fn soa_name(&mut self, spec: &Option<Value<String>>) -> Option<Name> {
        let (text, span) = spec.given()?;
        let dotted = match text.split_once('@') {
            Some((local, domain)) if !local.is_empty() => format!("{}.{domain}", local.replace('.', "\\.")),
            _ => text.clone(),
        };
        self.report.ok(span, records::parse_name(&dotted, &Name::root()))
    }
}

/// Computes a serial number of the zone's files, so that equal files give equal zones: FNV-1a with its published 32-bit parameters.
fn serial(sources: &SourceFiles, file: usize, master_files: &[usize]) -> u32 {
    let texts = std::iter::once(&file).chain(master_files).map(|index| &*sources.files[*index].octets);
    texts.flatten().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
