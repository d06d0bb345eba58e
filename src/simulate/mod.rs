//! An hour of trouble in milliseconds: plays a script of events to the very code that serves.
//!
//! ```text
//!  text ──parse──▶ Script ──Plan::load──▶ Plan ──▶ Simulation ──Happening──▶ Timeline, Tally, tests
//!                                                   │ agenda: what comes next
//!                                                   │ fleet: when a probe starts, what comes of it
//!                                                   │ control::Control: what that means
//!                                                   ╰ audience: what the watched clients get
//! ```
//!
//! The world is loaded by `daemon::load`, health is judged and snapshots are made by `control::Control` with
//! a written clock, probes come when `health::pace` says, and clients are answered by `engine::answer`. Of its own
//! a simulation has only the world outside: addresses that do what the script says, and time. It opens no
//! socket, reads no clock, and draws jitter from the script's seed: equal scripts give equal timelines.
//!
//! What is not simulated: the cap on probes that run at once (`probe`), which a thousand hanging addresses
//! would reach, and the time that compiling takes.

mod agenda;
mod audience;
mod expect;
mod fault;
mod fleet;
mod line;
mod parse;
mod plan;
mod run;
mod script;
mod timeline;

pub use audience::{Answer, Move};
pub use fault::Fault;
pub use fleet::{Detection, Probed};
pub use plan::{Error, Plan};
pub use run::{BOOT, Happening, Simulation};
pub use script::{Act, Claim, Expectation, Place, Script, StateFile, Subject};
pub use timeline::{Tally, Timeline};
