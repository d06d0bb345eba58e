//! An hour of trouble in milliseconds: plays a scenario to the very code that serves.
//!
//! ```text
//!  text ──parse──▶ Scenario ──load──▶ LoadedScenario ──▶ Simulation ──Happening──▶ Timeline, Journal, tests
//!                                                   │ agenda: what comes next
//!                                                   │ environment: what targets do and say, and how loaded they are
//!                                                   │ probers: when a probe starts, what comes of it
//!                                                   │ control::Control: what that means
//!                                                   │ clients: what the watched clients get
//!                                                   │ traffic: where their requests arrive, and so the loads
//!                                                   ╰ checkers: what must hold whatever happens, if the scenario asks
//! ```
//!
//! The world is loaded by `daemon::load`, health is judged and snapshots are made by `control::Control` with
//! a written clock, probes come when `probe::ProbeSchedule` says, and clients are answered by `engine::answer`. Of its own
//! a simulation has only the environment: addresses that do what the scenario says, traffic, and time. It opens no
//! socket, reads no clock, and draws jitter from the scenario's seed: equal scenarios give equal timelines.
//!
//! A [`random`] run is a generated scenario in a generated world, played by the same.
//!
//! What is not simulated: the JSON that canaries assert things of, the cap on probes that run at once (`probe`), which a thousand hanging addresses
//! would reach, and the time that compiling takes.

mod act;
mod agenda;
mod answer;
mod checked_listener;
pub mod checkers;
mod clients;
mod clocks;
mod environment;
mod expect;
mod expectation;
mod fault;
mod happening;
mod journal;
pub(crate) mod line;
pub(crate) mod loaded;
pub(crate) mod parse;
mod probers;
mod quantity;
pub mod random;
mod run;
mod scenario;
mod state;
mod subnet;
mod timeline;
mod traffic;
mod violation;
mod vitals;

pub use answer::{ClientAnswer, Distribution};
pub use checkers::Checkers;
pub use clients::{ClientMove, Clients, Lookup};
pub use clocks::BOOT;
pub use fault::Fault;
pub use happening::{CheckInput, Happening};
pub use journal::Journal;
pub use loaded::{Error, LoadedScenario};
pub use probers::{Detection, Probed};
pub use quantity::{Jump, Range};
pub use run::Simulation;
pub use scenario::{Act, Aspect, Claim, Client, Expectation, Scenario, Spot, StateFile};
pub use subnet::Subnet;
pub use timeline::{PlaySummary, Timeline};
pub use violation::CheckViolation;
pub use vitals::Vital;
