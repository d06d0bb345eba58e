//! The messages of a transfer, one after another: a whole zone (RFC 5936) or the differences since a serial number
//! (RFC 1995). Nothing is made before it is asked for, so that a client that reads slowly costs no memory.

use std::sync::Arc;

use super::book::{TransferredZone, ZoneDifference};
use super::kind::TransferKind;
use super::serial::Serial;
use crate::answer::Packed;
use crate::engine::MAX_REPLY;
use crate::moment::Moment;
use crate::snapshot::ZoneSet;
use crate::wire::{Edns, Header, Opt, Rcode, ReplyHeader, ReplyWriter, Section, TsigSigner};

/// The octets of a message, unless one record takes more: as far as compression reaches (RFC 1035, section 4.1.4).
pub const MESSAGE_OCTETS: usize = 16 * 1024;

/// A transfer under way.
pub struct TransferStream {
    zone: Arc<TransferredZone>,
    kind: TransferKind,
    header: Header,
    /// For the first message, with the OPT record.
    question: Option<Box<[u8]>>,
    edns: Option<Edns>,
    signer: Option<TsigSigner<'static>>,
    sets: Box<dyn Iterator<Item = ZoneSet> + Send>,
    /// The RRset at hand, and how many of its records are written.
    pending: Option<(ZoneSet, usize)>,
    /// The records that were written.
    pub records: u64,
    /// Whether a record did not fit into any message.
    pub has_failed: bool,
}

/// What a reply repeats of its request.
pub(super) struct StreamRequest<'q> {
    pub header: Header,
    pub question: &'q [u8],
    pub edns: Option<Edns>,
}

impl TransferStream {
    /// Begins the transfer of a whole zone.
    pub(super) fn whole(
        zone: &Arc<TransferredZone>,
        kind: TransferKind,
        request: StreamRequest<'_>,
        signer: Option<TsigSigner<'static>>,
    ) -> Self {
        let soa = soa(zone, &zone.soa);
        let sets = std::iter::once(soa.clone()).chain(zone.content.sets()).chain([soa]);
        Self::of(zone, kind, request, signer, Box::new(sets))
    }

    /// Begins the transfer of these differences, the last of which leads to the present serial number.
    pub(super) fn differences(
        zone: &Arc<TransferredZone>,
        differences: &[Arc<ZoneDifference>],
        request: StreamRequest<'_>,
        signer: Option<TsigSigner<'static>>,
    ) -> Self {
        let last = soa(zone, &zone.soa);
        let owner: Arc<TransferredZone> = Arc::clone(zone);
        let differences: Vec<Arc<ZoneDifference>> = differences.to_vec();
        let steps = differences.into_iter().flat_map(move |difference| {
            let [from, to] = [&difference.from.1, &difference.to.1].map(|records| soa(&owner, records));
            let (removed, added) = (difference.changes.removed.clone(), difference.changes.added.clone());
            [vec![from], removed, vec![to], added].into_iter().flatten()
        });
        let sets = std::iter::once(last.clone()).chain(steps).chain([last]);
        Self::of(zone, TransferKind::Differences, request, signer, Box::new(sets))
    }

    fn of(
        zone: &Arc<TransferredZone>,
        kind: TransferKind,
        request: StreamRequest<'_>,
        signer: Option<TsigSigner<'static>>,
        sets: Box<dyn Iterator<Item = ZoneSet> + Send>,
    ) -> Self {
        Self {
            zone: Arc::clone(zone),
            kind,
            header: request.header,
            question: Some(request.question.into()),
            edns: request.edns,
            signer,
            sets,
            pending: None,
            records: 0,
            has_failed: false,
        }
    }

    /// Writes the next message into a buffer of [`MAX_REPLY`] octets, and returns its length; `None`: there is no more.
    pub fn next(&mut self, buffer: &mut [u8], now: Moment) -> Option<usize> {
        self.pending = self.pending.take().or_else(|| self.sets.next().map(|set| (set, 0)));
        self.pending.as_ref()?;
        let question = self.question.take();
        let opt = self.edns.take().map(|edns| Opt::replying_to(&edns, None));
        for limit in [MESSAGE_OCTETS, MAX_REPLY] {
            let mut writer = ReplyWriter::new(buffer, limit, question.as_deref());
            let signature = self.signer.as_ref().map_or(0, TsigSigner::octets);
            writer.reserve(opt.as_ref().map_or(0, Opt::octets) + signature);
            let before = self.records;
            self.fill(&mut writer);
            if self.records == before {
                continue;
            }
            writer.reserve(0);
            if let Some(opt) = &opt {
                writer.opt(opt, Rcode::NoError, 0);
            }
            let length = writer.finish(ReplyHeader {
                request: self.header,
                rcode: Rcode::NoError,
                is_authoritative: true,
                is_truncated: false,
            });
            return Some(match &mut self.signer {
                Some(signer) => signer.finish(buffer, length, now.0 / 1000, None),
                None => length,
            });
        }
        self.has_failed = true;
        None
    }

    /// Writes as many records as fit.
    fn fill(&mut self, writer: &mut ReplyWriter<'_>) {
        while let Some((set, written)) = &mut self.pending {
            let ZoneSet { owner, records } = &*set;
            for data in records.records().skip(*written) {
                let record = [data];
                let put =
                    writer.rrset(Section::Answer, owner, records.rtype(), records.ttl_seconds(), record);
                if put.is_err() {
                    return;
                }
                *written += 1;
                self.records += 1;
            }
            self.pending = self.sets.next().map(|set| (set, 0));
        }
    }

    /// Returns the zone.
    pub fn zone(&self) -> &TransferredZone {
        &self.zone
    }

    /// Returns the serial number that the secondary has afterwards.
    pub fn serial(&self) -> Serial {
        self.zone.serial
    }

    /// Returns what is transferred.
    pub fn kind(&self) -> TransferKind {
        self.kind
    }
}

impl std::fmt::Debug for TransferStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransferStream").field("zone", &self.zone.name).finish_non_exhaustive()
    }
}

fn soa(zone: &TransferredZone, records: &Packed) -> ZoneSet {
    ZoneSet { owner: crate::answer::written_name(&zone.name), records: records.clone() }
}
