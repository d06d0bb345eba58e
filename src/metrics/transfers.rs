//! Zone transfers and NOTIFY: counts, and what `/status` shows of them.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::moment::Moment;
use crate::transfer::{NotifySchedule, TransferKind, TransferRefusal, Transfers};

/// The most transfers of a zone that are remembered, the last one of each client.
const MAX_TAKEN: usize = 64;

/// The time between two lines in the log about refusals: what is refused costs its sender little.
const TOLD_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransferOf {
    zone: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedTransfer {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NotifyOf {
    zone: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SerialOf {
    zone: String,
}

/// Counts of transfers. A copy counts with the original.
#[derive(Clone, Debug, Default)]
pub struct TransferMetrics {
    transfers: Family<TransferOf, Counter>,
    refusals: Family<RefusedTransfer, Counter>,
    notifies: Family<NotifyOf, Counter>,
    serials: Family<SerialOf, Gauge>,
    board: Arc<Mutex<TransferBoard>>,
}

/// What is known of transfers beside their counts.
#[derive(Debug, Default)]
struct TransferBoard {
    zones: Vec<ZoneTransferReport>,
    /// By zone, the latest last.
    taken: BTreeMap<String, VecDeque<TakenTransfer>>,
    refused: u64,
    last_refusal: Option<LastRefusal>,
    told: Option<Instant>,
    /// The refusals since then that no line told.
    untold: u64,
}

/// Everything that `/status` shows of transfers.
#[derive(Clone, Debug, Default)]
pub struct TransferReport {
    pub zones: Vec<ZoneTransferReport>,
    /// The requests that were refused.
    pub refused: u64,
    pub last_refusal: Option<LastRefusal>,
}

/// A zone that is transferred.
#[derive(Clone, Debug)]
pub struct ZoneTransferReport {
    pub zone: String,
    pub serial: u32,
    /// The serial numbers from which differences are known.
    pub differences: usize,
    pub notified: Vec<NotifiedSecondary>,
    /// The last transfer of each client, the latest last.
    pub taken: Vec<TakenTransfer>,
}

/// A secondary that is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedSecondary {
    pub address: SocketAddr,
    pub acknowledged: Option<u32>,
    /// The messages that it has not acknowledged since.
    pub unanswered: u32,
}

/// A transfer that was done.
#[derive(Clone, Debug)]
pub struct TakenTransfer {
    pub client: IpAddr,
    pub serial: u32,
    pub kind: &'static str,
    /// By the wall clock.
    pub at: Moment,
}

/// The last request that was refused.
#[derive(Clone, Debug)]
pub struct LastRefusal {
    pub client: IpAddr,
    pub reason: TransferRefusal,
    /// By the wall clock.
    pub at: Moment,
}

impl TransferMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Zone transfers to secondaries, by what was given: axfr, ixfr, axfr_for_ixfr, serial";
        registry.register("transfers", help, self.transfers.clone());
        let help = "Zone transfers and signed requests that were refused, by why";
        registry.register("transfer_refusals", help, self.refusals.clone());
        let help = "NOTIFY messages: sent, acknowledged";
        registry.register("notifies", help, self.notifies.clone());
        let help = "The serial number of a zone that is transferred";
        registry.register("zone_serial", help, self.serials.clone());
    }

    /// Counts reasons from zero, so that the first refusal is a rise.
    pub(super) fn begin(&self) {
        for reason in TransferRefusal::ALL {
            drop(self.refusals.get_or_create(&RefusedTransfer { reason: reason.as_str() }));
        }
    }

    /// Counts a transfer that was done, or a serial number that was told.
    pub fn given(&self, zone: &str, kind: TransferKind, serial: u32, client: IpAddr, at: Moment) {
        self.transfers.get_or_create(&TransferOf { zone: zone.to_owned(), kind: kind.as_str() }).inc();
        if kind == TransferKind::Serial {
            return;
        }
        let mut board = self.board();
        let taken = board.taken.entry(zone.to_owned()).or_default();
        taken.retain(|before| before.client != client);
        taken.push_back(TakenTransfer { client, serial, kind: kind.as_str(), at });
        if taken.len() > MAX_TAKEN {
            taken.pop_front();
        }
    }

    /// Counts a request that was refused. Returns how many were refused since the last line of the log told of one, if another
    /// line is due.
    pub fn refused(&self, client: IpAddr, reason: TransferRefusal, at: Moment) -> Option<u64> {
        self.refusals.get_or_create(&RefusedTransfer { reason: reason.as_str() }).inc();
        let mut board = self.board();
        board.refused += 1;
        board.untold += 1;
        board.last_refusal = Some(LastRefusal { client, reason, at });
        if board.told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return None;
        }
        board.told = Some(Instant::now());
        Some(std::mem::take(&mut board.untold))
    }

    /// Counts messages that a secondary was sent, or has acknowledged.
    pub fn notified(&self, zone: &str, result: &'static str) {
        self.notifies.get_or_create(&NotifyOf { zone: zone.to_owned(), result }).inc();
    }

    /// Takes what is given now, and what secondaries have acknowledged.
    pub fn report(&self, transfers: &Transfers, schedule: &NotifySchedule) {
        let mut board = self.board();
        let zones = transfers.zones.iter().map(|zone| {
            let states = schedule.states().filter(|(apex, ..)| *apex == &*zone.apex);
            let notified = states.map(|(_, address, state)| NotifiedSecondary {
                address,
                acknowledged: state.acknowledged.map(|serial| serial.0),
                unanswered: state.unanswered,
            });
            ZoneTransferReport {
                zone: zone.name.to_string(),
                serial: zone.serial.0,
                differences: zone.differences.len(),
                notified: notified.collect(),
                taken: Vec::new(),
            }
        });
        board.zones = zones.collect();
        self.serials.clear();
        for zone in &board.zones {
            self.serials.get_or_create(&SerialOf { zone: zone.zone.clone() }).set(zone.serial.into());
        }
        let TransferBoard { zones, taken, .. } = &mut *board;
        taken.retain(|zone, _| zones.iter().any(|known| known.zone == *zone));
    }

    /// Returns everything that is known.
    pub fn told(&self) -> TransferReport {
        let board = self.board();
        let zones = board.zones.iter().map(|zone| {
            let taken = board.taken.get(&zone.zone).into_iter().flatten().cloned().collect();
            ZoneTransferReport { taken, ..zone.clone() }
        });
        TransferReport {
            zones: zones.collect(),
            refused: board.refused,
            last_refusal: board.last_refusal.clone(),
        }
    }

    fn board(&self) -> MutexGuard<'_, TransferBoard> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
