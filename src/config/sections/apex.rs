//! What stands at a zone's apex whether it is written or not: SOA and NS records, with their defaults.

use hickory_proto::rr::rdata::{NS, SOA};
use schemars::JsonSchema;
use serde::Deserialize;

use super::draft::{RRsetDraft, ZoneLowering, add};
use crate::config::problem::Span;
use crate::config::records::{self, RecordTarget};
use crate::config::sources::SourceFiles;
use crate::config::values::{Leaf, List, Value, given, items};
use crate::config::yaml::Setting;
use crate::zone::{Name, RData, RecordType, Ttl};

/// What the SOA record says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoaSpec {
    /// The primary server. Left out: the first of `nameservers`.
    pub mname: Option<Value<String>>,
    /// The mailbox of who is responsible, as `hostmaster@example.com`. Left out: `hostmaster` at the
    /// zone.
    pub rname: Option<Value<String>>,
    /// The serial number. Left out: a number that is computed from the zone's files and changes with
    /// them, but does not always grow.
    pub serial: Option<Value<u32>>,
    /// Left out: 2 hours.
    pub refresh: Option<Value<Ttl>>,
    /// Left out: 15 minutes.
    pub retry: Option<Value<Ttl>>,
    /// Left out: 14 days.
    pub expire: Option<Value<Ttl>>,
    /// How long resolvers remember that a name does not exist (RFC 2308). Left out: 1 minute.
    pub minimum: Option<Value<Ttl>>,
    /// The TTL of the SOA record itself. Left out: that of the zone.
    pub ttl: Option<Value<Ttl>>,
}

impl ZoneLowering<'_> {
    /// Adds the NS records that `nameservers` says.
    pub(super) fn nameservers(&mut self, spec: &Option<List<String>>) {
        let Some(list) = spec else { return };
        let mut set = RRsetDraft {
            rtype: RecordType::NS,
            ttl: self.default_ttl,
            rdata: Vec::new(),
            targets: Vec::new(),
            span: list.span.unwrap_or_default(),
        };
        for (text, span) in items(list) {
            match records::parse_name(text, &Name::root()) {
                Ok(name) => {
                    let target = RecordTarget { name: name.clone(), relative: None };
                    add(&mut set, RData::NS(NS(name)), vec![(target, span)], span, self.report);
                }
                Err(wrong) => self.report.error(span, wrong.message).maybe_hint(wrong.hint),
            }
        }
        let node = self.nodes.entry(self.apex.clone()).or_default();
        if let Some(other) = node.rrset(RecordType::NS) {
            let there = format!("{}:{}", self.sources.display(other.span.source as usize), other.span.line);
            let draft = self.report.error(set.span, "the zone already has NS records at its apex");
            draft.hint(format!("they are at {there}; keep them in one place"));
            return;
        }
        if !set.rdata.is_empty() {
            node.rrsets.push(set);
        }
    }

    /// Adds the SOA record, unless the master file has one.
    pub(super) fn soa(&mut self, spec: &Option<Setting<SoaSpec>>, file: Span, master_file: Option<usize>) {
        let setting = spec.as_ref().and_then(|soa| soa.given());
        let span = setting.map_or(file, |(_, span)| span);
        if let Some(other) = self.nodes.get(&self.apex).and_then(|node| node.rrset(RecordType::SOA)) {
            if setting.is_some() {
                let there =
                    format!("{}:{}", self.sources.display(other.span.source as usize), other.span.line);
                let draft = self.report.error(span, "the zone already has a SOA record");
                draft.hint(format!("it is at {there}; keep it in one place"));
            }
            return;
        }
        let serial = serial(self.sources, file.source as usize, master_file);
        let (soa, ttl) = self.soa_record(setting.map(|(soa, _)| soa), serial);
        let set = RRsetDraft {
            rtype: RecordType::SOA,
            ttl,
            rdata: vec![RData::SOA(soa)],
            targets: Vec::new(),
            span,
        };
        self.nodes.entry(self.apex.clone()).or_default().rrsets.push(set);
    }

    fn soa_record(&mut self, spec: Option<&SoaSpec>, serial: u32) -> (SOA, Ttl) {
        let mname = self.soa_name(spec.and_then(|spec| given(&spec.mname)));
        let first = self.nodes.get(&self.apex).and_then(|node| node.rrset(RecordType::NS)?.targets.first());
        let mname = mname.or_else(|| Some(first?.0.name.clone())).unwrap_or_else(|| self.apex.clone());
        let rname = self.soa_name(spec.and_then(|spec| given(&spec.rname)));
        let hostmaster =
            || Name::from_labels([&b"hostmaster"[..]]).and_then(|name| name.append_domain(&self.apex));
        // A zone whose name is too long for that gets its own name as the mailbox.
        let rname = rname.unwrap_or_else(|| hostmaster().unwrap_or_else(|_| self.apex.clone()));
        let time = |setting: Option<&Value<Ttl>>, default: u32| {
            setting.and_then(|setting| setting.value.as_ref()).map_or(default, |Leaf(ttl)| ttl.seconds())
        };
        let signed = |seconds: u32| i32::try_from(seconds).expect("a TTL fits");
        let soa = SOA::new(
            mname,
            rname,
            spec.and_then(|spec| given(&spec.serial)).map_or(serial, |(serial, _)| *serial),
            signed(time(spec.and_then(|spec| spec.refresh.as_ref()), 7200)),
            signed(time(spec.and_then(|spec| spec.retry.as_ref()), 900)),
            signed(time(spec.and_then(|spec| spec.expire.as_ref()), 1_209_600)),
            time(spec.and_then(|spec| spec.minimum.as_ref()), 60),
        );
        let ttl = spec.and_then(|spec| given(&spec.ttl)).map_or(self.default_ttl, |(ttl, _)| *ttl);
        (soa, ttl)
    }

    /// Reads a name, or a mailbox whose part before the `@` is one label (RFC 1035, section 8).
    fn soa_name(&mut self, setting: Option<(&String, Span)>) -> Option<Name> {
        let (text, span) = setting?;
        let dotted = match text.split_once('@') {
            Some((local, domain)) if !local.is_empty() => format!("{}.{domain}", local.replace('.', "\\.")),
            _ => text.clone(),
        };
        match records::parse_name(&dotted, &Name::root()) {
            Ok(name) => Some(name),
            Err(wrong) => {
                self.report.error(span, wrong.message).maybe_hint(wrong.hint);
                None
            }
        }
    }
}

/// Computes a serial number from what the zone is made of, so that equal files give equal zones: FNV-1a
/// with its published 32-bit parameters.
fn serial(sources: &SourceFiles, file: usize, master_file: Option<usize>) -> u32 {
    let texts =
        [Some(file), master_file].into_iter().flatten().map(|index| sources.files[index].text.as_bytes());
    texts.flatten().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
