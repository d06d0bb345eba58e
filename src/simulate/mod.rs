//! An hour of trouble in milliseconds: plays a script of events to the very code that serves.
//!
//! ```text
//!  text ──parse──▶ Script ──Plan::load──▶ Plan ──▶ Simulation ──Happening──▶ Timeline, Tally, tests
//!                                                   │ agenda: what comes next
//!                                                   │ outside: what places do and say, and how loaded they are
//!                                                   │ fleet: when a probe starts, what comes of it
//!                                                   │ control::Control: what that means
//!                                                   │ audience: what the watched clients get
//!                                                   ╰ demand: where their requests arrive, and so the loads
//! ```
//!
//! The world is loaded by `daemon::load`, health is judged and snapshots are made by `control::Control` with
//! a written clock, probes come when `health::pace` says, and clients are answered by `engine::answer`. Of its own
//! a simulation has only the world outside: addresses that do what the script says, traffic, and time. It opens no
//! socket, reads no clock, and draws jitter from the script's seed: equal scripts give equal timelines.
//!
//! What is not simulated: the JSON that canaries assert things of, the cap on probes that run at once (`probe`), which a thousand hanging addresses
//! would reach, and the time that compiling takes.

mod agenda;
mod answer;
mod audience;
mod claim;
mod clock;
mod deed;
mod demand;
mod expect;
mod fault;
mod fleet;
mod line;
mod outside;
mod parse;
mod plan;
mod quantity;
mod run;
mod script;
mod subnet;
mod timeline;
mod vitals;

pub use answer::Split;
pub use audience::Move;
pub use fault::Fault;
pub use fleet::{Detection, Probed};
pub use plan::{Error, Plan};
pub use quantity::{Jump, Range};
pub use run::{BOOT, Happening, Simulation};
pub use script::{Act, Claim, Client, Expectation, Place, Script, Spot, StateFile, Subject};
pub use timeline::{Tally, Timeline};
pub use vitals::Vital;
