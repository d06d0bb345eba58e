//! What holds for all regions together, whatever happens to one of them.

use std::time::Duration;

use super::Minimum;
use crate::share::Share;
use crate::units::Percent;

/// What holds for all regions together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Safety {
    /// How many regions of a family the machine leaves in service at least; `None`: it may take out all
    /// of them, and each name's `all_down` decides.
    pub min_in_service: Option<Minimum>,
    /// How many of a name's permitted regions stay in its answers at least when regions fail softly and it is not known
    /// what the others can bear.
    pub keep: Minimum,
    /// How long the soft exits of regions wait that began to fail alike within a minute, from the first failed probe.
    pub shared_hold: Duration,
    /// The share of its clients that a region gives away in ten minutes beyond what others are known to bear.
    pub velocity: Share,
    /// Where load begins to matter.
    pub limits: Limits,
}

impl Default for Safety {
    /// Returns no minimum in service, a third of the regions kept, a hold of two minutes and 20 % in ten minutes.
    fn default() -> Self {
        Self {
            min_in_service: None,
            keep: Minimum::Percent(Percent::of(33)),
            shared_hold: Duration::from_secs(120),
            velocity: Share::percent(20),
            limits: Limits::default(),
        }
    }
}

/// Where load begins to matter, as fractions of a region's capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Above this a region sheds, and no shed client is sent to a region that it would lift above this.
    pub soft: f64,
    /// No fail-over loads a region above this while another permitted region has room.
    pub hard: f64,
    /// Below this a region takes back what it shed.
    pub back: f64,
    /// The most that a region sheds or takes back in one step.
    pub step: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { soft: 0.80, hard: 1.00, back: 0.60, step: 0.10 }
    }
}
