//! What holds for all regions together, whatever happens to one of them.

use super::Minimum;

/// What holds for all regions together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Safety {
    /// How many regions of a family the machine leaves in service at least; `None`: it may take out all
    /// of them, and each name's `all_down` decides.
    pub min_in_service: Option<Minimum>,
    /// Where load begins to matter.
    pub limits: Limits,
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
