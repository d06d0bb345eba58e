//! An hour of trouble in milliseconds: plays a scenario to the very code that serves.
//!
//! ```text
//!  text ──parse──▶ Scenario ──load──▶ LoadedScenario ──▶ Simulation ──Happening──▶ Timeline, PlaySummary, tests
//!                                                   │ agenda: what comes next
//!                                                   │ environment: what targets do and say, and how loaded they are
//!                                                   │ probers: when a probe starts, what comes of it
//!                                                   │ control::Control: what that means
//!                                                   │ clients: what the watched clients get
//!                                                   ╰ traffic: where their requests arrive, and so the loads
//! ```
//!
//! The world is loaded by `daemon::load`, health is judged and snapshots are made by `control::Control` with
//! a written clock, probes come when `probe::ProbeSchedule` says, and clients are answered by `engine::answer`. Of its own
//! a simulation has only the environment: addresses that do what the scenario says, traffic, and time. It opens no
//! socket, reads no clock, and draws jitter from the scenario's seed: equal scenarios give equal timelines.
//!
//! What is not simulated: the JSON that canaries assert things of, the cap on probes that run at once (`probe`), which a thousand hanging addresses
//! would reach, and the time that compiling takes.

mod act;
mod agenda;
mod answer;
mod clients;
mod clocks;
mod environment;
mod expect;
mod expectation;
mod fault;
pub(crate) mod line;
pub(crate) mod loaded;
pub(crate) mod parse;
mod probers;
mod quantity;
mod run;
mod scenario;
mod subnet;
mod timeline;
mod traffic;
mod vitals;

pub use answer::Distribution;
pub use clients::ClientMove;
pub use clocks::BOOT;
pub use fault::Fault;
pub use loaded::{Error, LoadedScenario};
pub use probers::{Detection, Probed};
pub use quantity::{Jump, Range};
pub use run::{Happening, Simulation};
pub use scenario::{Act, Aspect, Claim, Client, Expectation, Scenario, Spot, StateFile};
pub use timeline::{PlaySummary, Timeline};
pub use vitals::Vital;
