//! What operators ask for: intents, kept apart from what is observed.
//!
//! ```text
//!  drill ──▶ standing ──── its time is over, or it is lifted ────▶ returning 10 ▶ 50 % ──▶ gone
//!               │  ▲                                                   │
//!               │  ╰── not well, or no room: overdue, and it says so   │ a gate is closed for the second time
//!               ▼                                                      ▼
//!             gone  (what kept no clients away: at once)             stuck, until it is lifted at once
//! ```
//!
//! A region that was forced down returns by the ramp as one that was drained ([`Action::returns_by_ramp`]).
//!
//! An [`Intent`] is something asked for ([`Action`]), by an author, for a reason, for a time. The [`IntentStore`] holds those that
//! are in force; what they come to together are [`Overlay`], which amend what health says on its way to
//! steering. Nothing here changes what is observed: lifting an intent shows the truth.
//!
//! # Precedence
//!
//! What decides first is never undone by what comes after it:
//!
//! 1. **Residency**: the plan of a client holds the permitted regions only; no intent adds one.
//! 2. **Disable**: a disabled region or zone is in no answer, not even one that fails open.
//! 3. **Safety rules**: an intent that breaks one is refused unless it says so; and where all regions that a client is
//!    permitted is kept away or lost, those kept away are asked before anything fails open.
//! 4. **Shift and drain**, and what is on its way back from them.
//! 5. **Health**: the verdicts of canaries, or what they are forced to be.
//! 6. **Ramp**, gray failure and advice: the share that a region takes is the least of these and of 4.
//! 7. **Load**: which clients are shed, among regions that take all of theirs. Weights take its place where a name has them.

pub(crate) mod action;
mod drill;
mod form;
mod overlay;
mod request;
mod safety_rule;
mod schedule;
pub mod sentence;
mod store;

pub use action::{AbortRule, Action, InvalidAction};
pub use drill::{Drill, DrillOutcome, MAX_DRILLS, last_good};
pub use form::owner;
pub use overlay::{ForcedState, Overlay, Weights};
pub use request::{LONGEST_AHEAD, LONGEST_TIME, MAX_AUTHOR, MAX_REASON, Request, SHORTEST_TIME};
pub use safety_rule::SafetyRule;
pub use schedule::{Days, Schedule, Window, next_start};
pub use store::{
    Intent, IntentChange, IntentPhase, IntentStore, MAX_INTENTS, ReturnConditions, SavedIntents, Transition,
};
