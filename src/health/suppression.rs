//! Why a failover that the counts ask for does not happen.

use std::fmt;

use crate::canary::FailureClass;
use crate::region::Failover;
use crate::units::Percent;

/// Why a region that is bad does not leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suppression {
    /// The operator wants to be told only, or not even that.
    Failover(Failover),
    /// Half of the regions fail in this way: the cause is not in the region.
    Correlated(FailureClass),
    /// Others fail in this way too, and of some nothing has been heard since.
    Undecided(FailureClass),
    /// It does not answer in time because it is full, at this load: it sheds clients instead.
    Overload(f64),
    /// Fewer regions than `min_in_service` would be left.
    MinInService,
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failover(failover) => write!(f, "failover is `{}`", failover.as_str()),
            Self::Correlated(class) => {
                write!(
                    f,
                    "half of the regions or more fail alike ({}), so the cause is shared",
                    class.as_str()
                )
            }
            Self::Undecided(class) => {
                write!(f, "others fail alike ({}), how many is not clear yet", class.as_str())
            }
            Self::Overload(load) => {
                let load = Percent::rounded(*load);
                write!(f, "it is not dead but full, at {load} of its capacity, and sheds clients")
            }
            Self::MinInService => f.write_str("fewer regions than `min_in_service` would be left"),
        }
    }
}
