//! The serial numbers of zones that are transferred, and what has changed between them.
//!
//! Whenever what secondaries are given of a zone changes, its serial number becomes the highest one there was plus one,
//! or the time in seconds since 1970 if that is later: so a number is later than all before it though the state directory
//! is lost, and the later change has the later number on whichever instance of a pair it is made, as far as their clocks
//! agree. The operator's number in `soa` counts as one that there was. It never goes back.
//!
//! The disk is not waited for. What is saved while the server runs is a number some way ahead; only a server that stops
//! saves the number it has told last, with the digest of its data. After a crash the data counts as changed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::content::{Changes, ZoneContent};
use super::saved::{SavedSerial, SavedSerials};
use super::serial::Serial;
use crate::answer::{NameTree, Packed, wire_name};
use crate::config::{NotifyTarget, ZoneTransfers};
use crate::moment::Moment;
use crate::snapshot::{Base, Snapshot};
use crate::zone::Name;

/// The most differences of a zone that are kept: an hour in which something changes every half minute.
pub const MAX_DIFFERENCES: usize = 120;

/// The most octets of the differences of a zone that are kept: they are in memory, and a secondary that lacks more than that
/// gets the zone as fast.
pub const MAX_DIFFERENCE_OCTETS: usize = 1 << 20;

/// How far a saved number is ahead while the server runs: so many changes may come before the disk has taken another.
const RESERVED: u32 = 1000;

/// The most zones whose numbers are kept though they are not transferred any more.
const MAX_FORMER: usize = 10_000;

/// One zone as secondaries are given it.
#[derive(Debug)]
pub struct TransferredZone {
    /// Its apex, in lower case on the wire.
    pub apex: Box<[u8]>,
    pub name: Name,
    pub serial: Serial,
    /// With this serial number.
    pub soa: Packed,
    pub content: ZoneContent,
    /// Those that lead to this serial number, the oldest first.
    pub differences: Vec<Arc<ZoneDifference>>,
    pub transfers: ZoneTransfers,
}

/// What a zone has changed by from one serial number to the next.
#[derive(Debug)]
pub struct ZoneDifference {
    /// The SOA record before.
    pub from: (Serial, Packed),
    /// The SOA record after.
    pub to: (Serial, Packed),
    pub changes: Changes,
}

impl TransferredZone {
    /// Returns the differences that lead from a serial number to the present one; `None`: they are not known.
    pub fn since(&self, serial: Serial) -> Option<&[Arc<ZoneDifference>]> {
        let first = self.differences.iter().rposition(|difference| difference.from.0 == serial)?;
        Some(&self.differences[first..])
    }

    /// Returns what its number is saved under.
    fn key(&self) -> String {
        self.name.to_lowercase().to_string()
    }

    /// Returns the name servers that are told of changes.
    pub fn notified(&self) -> &[NotifyTarget] {
        &self.transfers.notify
    }
}

/// Everything that secondaries are given at one moment.
#[derive(Debug)]
pub struct Transfers {
    /// All names, under these serial numbers.
    pub tree: NameTree,
    /// In the order of the configuration.
    pub zones: Vec<Arc<TransferredZone>>,
    /// Whether zone transfers and signed requests are answered at all.
    pub is_active: bool,
}

impl Transfers {
    /// Returns the transfers of a base that has none.
    pub fn none(base: &Base) -> Self {
        Self { tree: base.tree.clone(), zones: Vec::new(), is_active: !base.tsig_keys.is_empty() }
    }

    /// Returns a zone by its place in the configuration; `None`: it is not transferred.
    pub fn zone(&self, place: usize) -> Option<&Arc<TransferredZone>> {
        let index = self.zones.binary_search_by_key(&place, |zone| zone.transfers.zone).ok()?;
        Some(&self.zones[index])
    }
}

/// The serial numbers, and the last contents.
#[derive(Debug, Default)]
pub struct SerialBook {
    /// What was saved by the last run, and the zones that are no longer transferred; by apex.
    former: BTreeMap<String, SavedSerial>,
    latest: Option<Arc<Transfers>>,
}

impl SerialBook {
    /// Goes on after what was saved.
    pub fn after(saved: SavedSerials) -> Self {
        Self { former: saved.0, latest: None }
    }

    /// Returns what secondaries are given from now on. It is what was returned last when nothing has changed.
    pub fn take(&mut self, snapshot: &Snapshot, now: Moment) -> Arc<Transfers> {
        let config = &snapshot.base.config;
        let latest = self.latest.take();
        let zones = config.transfers.iter().map(|transfers| {
            let apex = wire_name(&config.zones[transfers.zone].apex);
            let before = latest.iter().flat_map(|latest| &latest.zones).find(|zone| zone.apex == apex);
            self.zone(snapshot, transfers, before, now)
        });
        let zones: Vec<Arc<TransferredZone>> = zones.collect();
        let is_same = |latest: &Arc<Transfers>| {
            latest.zones.len() == zones.len()
                && latest.zones.iter().zip(&zones).all(|(one, other)| Arc::ptr_eq(one, other))
                && latest.tree.is_of(&snapshot.base.tree)
        };
        let transfers = match latest {
            Some(latest) if is_same(&latest) => latest,
            latest => {
                // A zone that comes back goes on after what it was.
                let former = latest.iter().flat_map(|latest| &latest.zones);
                let is_gone =
                    |zone: &&Arc<TransferredZone>| !zones.iter().any(|other| other.apex == zone.apex);
                for zone in former.filter(is_gone) {
                    self.former.insert(zone.key(), SavedSerial { serial: zone.serial.0, digest: None });
                }
                Arc::new(transfers(&snapshot.base, zones))
            }
        };
        self.latest = Some(Arc::clone(&transfers));
        transfers
    }

    fn zone(
        &mut self,
        snapshot: &Snapshot,
        transfers: &ZoneTransfers,
        before: Option<&Arc<TransferredZone>>,
        now: Moment,
    ) -> Arc<TransferredZone> {
        let zone = &snapshot.base.config.zones[transfers.zone];
        let content = ZoneContent::of(snapshot, transfers);
        let written = transfers.written_serial.map(Serial);
        let is_later = |serial: Serial| written.is_some_and(|written| written.is_after(serial));
        let saved = self.former.remove(&zone.apex.to_lowercase().to_string());
        if let Some(before) = before
            && before.content.is_same(&content)
            && !is_later(before.serial)
        {
            let is_same_base = Arc::ptr_eq(&before.content.base, &content.base);
            return match is_same_base && before.transfers == *transfers {
                true => Arc::clone(before),
                false => Arc::new(TransferredZone {
                    apex: before.apex.clone(),
                    name: before.name.clone(),
                    serial: before.serial,
                    soa: before.soa.clone(),
                    content,
                    differences: before.differences.clone(),
                    transfers: transfers.clone(),
                }),
            };
        }
        let is_saved = |saved: &&SavedSerial| {
            saved.digest.as_deref() == Some(&HEXLOWER.encode(&content.digest()))
                && !is_later(Serial(saved.serial))
        };
        let serial = match (before, saved.as_ref()) {
            (Some(before), _) => next(Some(before.serial), written, now),
            (None, saved) => match saved.filter(is_saved) {
                Some(same) => Serial(same.serial),
                None => next(saved.map(|saved| Serial(saved.serial)), written, now),
            },
        };
        let soa = snapshot.base.tree.soa_of(transfers.zone).expect("its apex has the SOA record");
        let soa = soa.clone().with_serial(serial.0);
        let differences = before.map_or_else(Vec::new, |before| differences(before, &content, serial, &soa));
        Arc::new(TransferredZone {
            apex: wire_name(&zone.apex),
            name: zone.apex.clone(),
            serial,
            soa,
            content,
            differences,
            transfers: transfers.clone(),
        })
    }

    /// Returns what is to be saved while the server runs, or, when it stops, what it has told last.
    pub fn saved(&self, is_stopping: bool) -> SavedSerials {
        let former = self.former.iter().take(MAX_FORMER);
        let mut saved: BTreeMap<_, _> = former.map(|(apex, saved)| (apex.clone(), saved.clone())).collect();
        for zone in self.latest.iter().flat_map(|latest| &latest.zones) {
            let (serial, digest) = match is_stopping {
                true => (zone.serial, Some(HEXLOWER.encode(&zone.content.digest()))),
                false => (zone.serial.plus(RESERVED), None),
            };
            saved.insert(zone.key(), SavedSerial { serial: serial.0, digest });
        }
        SavedSerials(saved)
    }
}

fn transfers(base: &Base, zones: Vec<Arc<TransferredZone>>) -> Transfers {
    let serials: Vec<_> = zones.iter().map(|zone| (zone.transfers.zone, zone.serial.0)).collect();
    let tree = match serials.is_empty() {
        true => base.tree.clone(),
        false => base.tree.with_serials(&serials),
    };
    let is_active = !zones.is_empty() || !base.tsig_keys.is_empty();
    Transfers { tree, zones, is_active }
}

/// Returns the serial number after the highest one that there was.
fn next(highest: Option<Serial>, written: Option<Serial>, now: Moment) -> Serial {
    // Modulo 2^32, as serial numbers are.
    let clock = Serial((now.0 / 1000) as u32);
    let next = highest.map_or(clock, |highest| highest.plus(1).or_later(clock));
    written.map_or(next, |written| next.or_later(written))
}

/// Returns the differences that lead to a new content, as many as are kept.
fn differences(
    before: &TransferredZone,
    content: &ZoneContent,
    serial: Serial,
    soa: &Packed,
) -> Vec<Arc<ZoneDifference>> {
    let Some(changes) = content.since(&before.content, MAX_DIFFERENCE_OCTETS) else { return Vec::new() };
    let mut kept: VecDeque<_> = before.differences.iter().cloned().collect();
    kept.push_back(Arc::new(ZoneDifference {
        from: (before.serial, before.soa.clone()),
        to: (serial, soa.clone()),
        changes,
    }));
    let octets = |kept: &VecDeque<Arc<ZoneDifference>>| -> usize {
        kept.iter().map(|difference| difference.changes.octets()).sum()
    };
    while kept.len() > MAX_DIFFERENCES || octets(&kept) > MAX_DIFFERENCE_OCTETS {
        kept.pop_front();
    }
    kept.into()
}
