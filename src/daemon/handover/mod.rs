//! One process hands over to the next, and no query is lost: `meridian serve --replace`.
//!
//! ```text
//!   successor                                    running process
//!   reads and compiles everything
//!   connects to `replace.sock`     ──hello──▶
//!                                  ◀─sockets──   goes on as before
//!   has all that may fail          ──ready──▶
//!                                                ends control: all observations and intents are on disk;
//!                                                still answers, from its last snapshot
//!                                  ◀──state───   with the lock of the state directory
//!   answers on the same sockets    ─serving──▶
//!                                                ends its threads and connections
//! ```
//!
//! Both have the same sockets in the kernel, so that a query waits there until either reads it. The state directory stays locked
//! throughout: the lock is that of the open file, which both have. A successor that fails before it is ready leaves the
//! running process as it was. One that fails later ends both, which is an error of both: whoever supervises them starts anew.

mod message;
mod predecessor;
mod successor;

pub use predecessor::{Predecessor, ReplaceError};
pub use successor::{HandoverError, HeldSockets, Successor, SuccessorListener};

use std::time::Duration;

/// What a successor connects to, in the state directory.
const PATH: &str = "replace.sock";

/// What a successor says first. Another version of these messages gets another number.
const HELLO: &str = "meridian handover 1";
/// What it is told if it says anything else.
const UNKNOWN: &str = "unknown";
/// A socket comes with it.
const SOCKET: &str = "socket";
/// After the last socket.
const ALL: &str = "all";
/// It has everything that may be missing, and waits for the state.
const READY: &str = "ready";
/// The state is on disk; the lock comes with it.
const STATE: &str = "state";
/// It answers.
const SERVING: &str = "serving";

/// The longest wait for a message, and that for a successor to answer once it has the state: canaries' hosts are looked up
/// before.
const MESSAGE_WITHIN: Duration = Duration::from_secs(10);
const SERVING_WITHIN: Duration = Duration::from_secs(60);

/// The pause after a successor that did not come so far, so that an error of the listener does not spin.
const PAUSE: Duration = Duration::from_millis(100);
