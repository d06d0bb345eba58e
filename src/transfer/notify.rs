//! NOTIFY (RFC 1996): what secondaries are told when a zone has changed, and when they are told it again.
//!
//! ```text
//!   changed ──▶ due ──told──▶ waiting ──acknowledged──▶ quiet
//!                ▲               │ 1 s, 2 s, 4 s … 60 s
//!                ╰───────────────╯
//! ```
//!
//! Between two messages about one zone to one address there is a second at least, however often the zone changes; the last
//! change is told then. One that is not acknowledged is told again until it is: a secondary that comes back is up to date
//! within a minute.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::book::{TransferredZone, Transfers};
use super::serial::Serial;
use crate::answer::wire_name;
use crate::config::NotifyTarget;
use crate::moment::Moment;
use crate::wire::{Opcode, Query, TsigKey, TsigRecord, class, rtype};

/// The time between two messages about one zone to one address, and before the first repetition.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest time between two repetitions.
pub const RETRY_AT_MOST: Duration = Duration::from_secs(60);

/// A message that tells a secondary of a serial number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyMessage {
    pub address: SocketAddr,
    /// The zone, as it is written.
    pub zone: String,
    pub octets: Vec<u8>,
    /// Its signature; empty: it has none.
    mac: Vec<u8>,
    /// The name of the key that signs it; `None`: none is to.
    key: Option<Box<[u8]>>,
    apex: Box<[u8]>,
}

/// What a secondary knows of a zone, as far as it has said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyState {
    /// The serial number that it is told, or was told last.
    pub serial: Serial,
    /// The last serial number that it has acknowledged to have been told.
    pub acknowledged: Option<Serial>,
    /// The messages since then that it has not acknowledged.
    pub unanswered: u32,
    /// The last message, if there was one; when the next one is due, if one is.
    told_at: Option<Moment>,
    due_at: Option<Moment>,
    /// The last message about this serial number.
    sent: Option<NotifyMessage>,
}

/// What every secondary is told, by apex and address.
#[derive(Clone, Debug, Default)]
pub struct NotifySchedule {
    states: BTreeMap<(Box<[u8]>, SocketAddr), NotifyState>,
}

impl NotifySchedule {
    /// Takes what is given now: secondaries whose zone has changed are to be told, and those that are no longer named are
    /// forgotten.
    pub fn take(&mut self, transfers: &Transfers, now: Moment) {
        let mut before = std::mem::take(&mut self.states);
        for zone in &transfers.zones {
            for target in zone.notified() {
                let key = (zone.apex.clone(), target.address);
                let state = match before.remove(&key) {
                    Some(state) if state.serial == zone.serial => state,
                    state => NotifyState::changed(zone.serial, state.as_ref(), now),
                };
                self.states.insert(key, state);
            }
        }
    }

    /// Returns when the next message is due.
    pub fn due_at(&self) -> Option<Moment> {
        self.states.values().filter_map(|state| state.due_at).min()
    }

    /// Returns the messages that are due, and counts them as sent. `id` makes their IDs, which should not be guessed.
    pub fn due(
        &mut self,
        transfers: &Transfers,
        keys: &[TsigKey],
        (now, wall): (Moment, Moment),
        id: impl Fn() -> u16,
    ) -> Vec<NotifyMessage> {
        let mut due = Vec::new();
        for zone in &transfers.zones {
            for target in zone.notified() {
                let state = self.states.get_mut(&(zone.apex.clone(), target.address));
                let Some(state) = state.filter(|state| state.due_at.is_some_and(|at| at <= now)) else {
                    continue;
                };
                let wait = RETRY_AFTER * (1 << state.unanswered.min(6));
                state.due_at = Some(now.plus(wait.min(RETRY_AT_MOST)));
                state.told_at = Some(now);
                state.unanswered = state.unanswered.saturating_add(1);
                let message = NotifyMessage::of(zone, target, keys, id(), wall);
                state.sent = Some(message.clone());
                due.push(message);
            }
        }
        due
    }

    /// Takes a message that came from an address, and returns the zone of which it acknowledges what was sent. `None`: it
    /// acknowledges nothing.
    pub fn acknowledge(&mut self, from: SocketAddr, reply: &[u8], keys: &[TsigKey]) -> Option<String> {
        let mut states = self.states.iter_mut().filter(|((_, address), _)| *address == from);
        let is_meant = |sent: &&NotifyMessage| is_acknowledged(sent, reply, keys);
        states.find_map(|(_, state)| {
            let zone = state.sent.as_ref().filter(is_meant)?.zone.clone();
            (state.acknowledged, state.due_at, state.unanswered) = (Some(state.serial), None, 0);
            state.sent = None;
            Some(zone)
        })
    }

    /// Returns what each secondary has acknowledged, by apex and address.
    pub fn states(&self) -> impl Iterator<Item = (&[u8], SocketAddr, &NotifyState)> {
        self.states.iter().map(|((apex, address), state)| (&**apex, *address, state))
    }
}

impl NotifyState {
    /// Returns the state of a secondary that is to be told of a serial number. What it has acknowledged before stays known, and
    /// when it was told last.
    fn changed(serial: Serial, before: Option<&Self>, now: Moment) -> Self {
        let told_at = before.and_then(|before| before.told_at);
        let earliest = told_at.map_or(now, |told| told.plus(RETRY_AFTER));
        Self {
            serial,
            acknowledged: before.and_then(|before| before.acknowledged),
            unanswered: 0,
            told_at,
            due_at: Some(earliest.max(now)),
            sent: None,
        }
    }
}

impl NotifyMessage {
    fn of(
        zone: &Arc<TransferredZone>,
        target: &NotifyTarget,
        keys: &[TsigKey],
        id: u16,
        wall: Moment,
    ) -> Self {
        let mut octets = Vec::new();
        octets.extend(id.to_be_bytes());
        // The opcode, and AA; one question, one answer: the new SOA record (RFC 1996, section 3.7).
        octets.extend([Opcode::NOTIFY.0 << 3 | 0x04, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
        octets.extend(&zone.apex);
        octets.extend(rtype::SOA.to_be_bytes());
        octets.extend(class::IN.to_be_bytes());
        for data in zone.soa.records() {
            octets.extend([0xc0, 12]);
            octets.extend(rtype::SOA.to_be_bytes());
            octets.extend(class::IN.to_be_bytes());
            octets.extend(zone.soa.ttl_seconds().to_be_bytes());
            octets.extend(u16::try_from(data.len()).expect("it is packed").to_be_bytes());
            octets.extend(data);
        }
        let name = target.key.as_ref().map(wire_name);
        let key = name.as_ref().and_then(|name| keys.iter().find(|key| key.name() == &**name));
        let mac = key.map(|key| key.sign_request(&mut octets, wall.0 / 1000)).unwrap_or_default();
        let (address, text) = (target.address, zone.name.to_string());
        Self { address, zone: text, octets, mac, key: name, apex: zone.apex.clone() }
    }
}

/// Returns whether a message acknowledges a NOTIFY (RFC 1996, section 3.12): a response with the same ID, opcode and question,
/// without an error, signed if what it answers was.
fn is_acknowledged(sent: &NotifyMessage, reply: &[u8], keys: &[TsigKey]) -> bool {
    let Some(header) = reply.get(..12) else { return false };
    let is_response = header[2] & 0xf8 == 0x80 | Opcode::NOTIFY.0 << 3 && header[3] & 0xf == 0;
    if header[..2] != sent.octets[..2] || !is_response {
        return false;
    }
    // Read as the request that it answers, for which it differs in one bit.
    let mut as_request = reply.to_vec();
    as_request[2] &= 0x7f;
    let Some(query) = Query::parse(&as_request) else { return false };
    let is_of_zone = query
        .question
        .as_ref()
        .is_some_and(|question| *question.name.as_bytes() == *sent.apex && question.qtype == rtype::SOA);
    let Some(name) = &sent.key else { return is_of_zone };
    let key = keys.iter().find(|key| key.name() == &**name);
    let record = query.tsig_at.and_then(|at| TsigRecord::read(reply, at).ok());
    let is_signed = key
        .zip(record)
        .is_some_and(|(key, record)| record.error() == 0 && record.is_signed_by(key, reply, &sent.mac));
    is_of_zone && is_signed
}
