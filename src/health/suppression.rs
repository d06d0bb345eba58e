//! Why a failover that the counts ask for does not happen, or not whole.

use std::fmt;

use crate::canary::FailureClass;
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::Failover;
use crate::share::Share;
use crate::units::Percent;

/// Why a region that is bad does not leave, or leaves a part of its clients behind. The order in which these are asked,
/// and which of them bind which verdicts, is in `sites/suppress.rs`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suppression {
    /// The operator wants to be told only, or not even that.
    Failover(Failover),
    /// Half of the regions or more fail and no reference outside them answers, or did so within the last minute: this
    /// instance may be cut off.
    Blind,
    /// Half of the regions or more began to fail in this way within a minute: it may be this instance's path, and is
    /// waited for until then.
    Correlated(FailureClass, Moment),
    /// No other region has passed a probe since this one began to fail, and some have not been probed.
    Unheard,
    /// No region is well, or none was within the last minute: there is none to send its clients to, and the first that
    /// is well again must not get those of all others for being the first by a second.
    NoneWell,
    /// It does not answer in time because it is full, at this load: it sheds clients instead.
    Overload(f64),
    /// Fewer regions than `safety.keep` would stay in the answers of some name.
    Keep,
    /// It began to fail after it had been given the clients of another one, and leaves in steps of `safety.velocity`: it
    /// keeps this share until the next one.
    Cascade(Share),
    /// Fewer regions than `safety.min_in_service` would be left.
    MinInService,
    /// Some observers see it down, and too few of them.
    Unconfirmed {
        /// How many do.
        down: u8,
        /// How many must.
        needed: u8,
        /// Until when those are waited for that are silent; `None`: all have spoken.
        until: Option<Moment>,
    },
}

impl Suppression {
    /// Returns whether the region stays only because of a rule, and not because it may be well: when no permitted
    /// region is better, `all_down` decides.
    pub fn counts_as_down(self) -> bool {
        match self {
            Self::Failover(_) | Self::Overload(_) | Self::Unconfirmed { .. } => false,
            Self::Blind
            | Self::Correlated(..)
            | Self::Unheard
            | Self::NoneWell
            | Self::Keep
            | Self::Cascade(_)
            | Self::MinInService => true,
        }
    }

    /// Returns whether it may end without a change of any address: with time, or because a signal grows stale.
    pub(super) fn is_passing(self) -> bool {
        match self {
            Self::Failover(_) | Self::Keep | Self::MinInService => false,
            Self::Blind
            | Self::Correlated(..)
            | Self::Unheard
            | Self::NoneWell
            | Self::Overload(_)
            | Self::Cascade(_)
            | Self::Unconfirmed { .. } => true,
        }
    }

    /// Returns whether the region is known to be bad, and stays all the same.
    pub(super) fn keeps_what_is_bad(self) -> bool {
        !matches!(self, Self::Unconfirmed { .. })
    }

    /// Returns the share of its clients that the region keeps.
    pub fn share(self) -> Share {
        match self {
            Self::Cascade(share) => share,
            Self::Failover(_)
            | Self::Blind
            | Self::Correlated(..)
            | Self::Unheard
            | Self::NoneWell
            | Self::Overload(_)
            | Self::Keep
            | Self::MinInService
            | Self::Unconfirmed { .. } => Share::ALL,
        }
    }
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failover(failover) => write!(f, "failover is `{}`", failover.as_str()),
            Self::Blind => f.write_str(
                "half of the regions or more fail and no reference outside them answers, so this instance may be \
                 cut off",
            ),
            Self::Correlated(class, until) => write!(
                f,
                "half of the regions or more began to fail alike ({}) within a minute, so it waits until {until}",
                class.as_str()
            ),
            Self::Unheard => f.write_str("no other region has passed a probe since it began to fail"),
            Self::NoneWell => f.write_str("no region is well, or was within the last minute"),
            Self::Overload(load) => {
                let load = Percent::rounded(*load);
                write!(f, "it is not dead but full, at {load} of its capacity, and sheds clients")
            }
            Self::Keep => f.write_str("too few regions would stay in the answers (`safety.keep`)"),
            Self::Cascade(share) => write!(
                f,
                "it began to fail after it was given the clients of another region, so they leave in steps \
                 (`safety.velocity`), and {share} stay until the next one"
            ),
            Self::MinInService => f.write_str("fewer regions than `safety.min_in_service` would be left"),
            Self::Unconfirmed { down, needed, until: Some(until) } => {
                let see = if *down == 1 { "observer sees" } else { "observers see" };
                write!(f, "{down} {see} it down, and {needed} must, so those that are silent are waited for until {until}")
            }
            Self::Unconfirmed { down, needed, until: None } if down < needed => {
                let see = if *down == 1 { "observer sees" } else { "observers see" };
                write!(f, "{down} {see} it down, and {needed} must (`peers.down_quorum`)")
            }
            Self::Unconfirmed { down, .. } => {
                write!(f, "{down} observers see it down, by other addresses or while it rises")
            }
        }
    }
}

impl FollowClock for Suppression {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Correlated(_, until) => until.follow_clock(step),
            Self::Unconfirmed { until, .. } => until.follow_clock(step),
            Self::Failover(_)
            | Self::Blind
            | Self::Unheard
            | Self::NoneWell
            | Self::Overload(_)
            | Self::Keep
            | Self::Cascade(_)
            | Self::MinInService => {}
        }
    }
}
