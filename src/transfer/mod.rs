//! Zones as plain secondaries take them: AXFR (RFC 5936), IXFR (RFC 1995), TSIG (RFC 8945), NOTIFY (RFC 1996).
//!
//! ```text
//!   Snapshot ──▶ ZoneContent ──▶ SerialBook ──▶ Transfers ──▶ respond ──▶ a message, or a TransferStream
//!                                    │              ╰───────▶ NotifySchedule ──▶ a NOTIFY to each secondary
//!                                    ╰──▶ SavedSerials
//! ```
//!
//! A zone with `transfer` has a serial number that the server keeps; queries, transfers and NOTIFY have the same one, that
//! of [`Transfers`], which is published together with its snapshot. Steered names are given as the RRsets that clients of
//! one group get. Nothing here opens a socket or reads a clock: bytes and times are arguments.

mod book;
mod content;
mod kind;
mod notify;
mod respond;
mod saved;
mod serial;
mod stream;
#[cfg(test)]
mod tests;

pub use book::{
    MAX_DIFFERENCE_OCTETS, MAX_DIFFERENCES, SerialBook, TransferredZone, Transfers, ZoneDifference,
};
pub use content::{Changes, ZoneContent};
pub use kind::{TransferKind, TransferRefusal};
pub use notify::{NotifyMessage, NotifySchedule, NotifyState, RETRY_AFTER, RETRY_AT_MOST};
pub use respond::{Transaction, TransactionReply, TransferSource, respond};
pub use saved::{SavedSerial, SavedSerials};
pub use serial::Serial;
pub use stream::{MESSAGE_OCTETS, TransferStream};
