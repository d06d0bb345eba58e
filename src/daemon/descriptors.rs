//! File descriptors: the limit of the process, raised at the start, and what each part may take of it.
//!
//! Clients must not take those that probes, the state directory and the configuration need: without them the instance
//! sees nothing and forgets what operators ask for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::admin::ConnectionLimits;
use crate::probe::MAX_AT_ONCE;

/// Descriptors for the process itself: timers of the runtimes and the admin listener (about 20), a file of the state directory and
/// its directory for each of five writers, the watch of the configuration and what a reload reads, questions to the
/// kernel, webhooks; twice that.
const RESERVED: u64 = 64;

/// The limit that is assumed of a system that states none: what Linux gives a service by default, and more than all
/// parts take.
const PLENTY: u64 = 1 << 19;

/// What each part may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorBudget {
    /// The most probes that run at once.
    pub probes: usize,
    /// The most connections of the admin address.
    pub admin: ConnectionLimits,
    /// The most connections of DNS over TCP.
    pub tcp: usize,
}

impl DescriptorBudget {
    /// Divides what a limit leaves beside so many open sockets for DNS: a third each for probes, admin pages and DNS over
    /// TCP, as far as they have use for it. Each has some, however low the limit is.
    pub fn of(limit: u64, sockets: u64) -> Self {
        let rest = limit.saturating_sub(RESERVED).saturating_sub(sockets);
        let part = usize::try_from(rest / 3).unwrap_or(usize::MAX);
        Self { probes: part.clamp(16, MAX_AT_ONCE), admin: ConnectionLimits::within(part), tcp: part.max(16) }
    }
}

/// Raises the limit of this process to the highest that the system allows it, and returns that.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = raised {
        tracing::warn!("the limit of open files stays as it is: {error}");
        return current.unwrap_or(PLENTY);
    }
    maximum.unwrap_or(PLENTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::MAX_HEALTH_CHECKS;

    #[test]
    fn probes_and_pages_have_their_part_of_a_low_limit_and_no_more_than_they_need_of_a_high_one() {
        let all = |budget: DescriptorBudget| {
            let ConnectionLimits { arrivals, requests, streams } = budget.admin;
            (budget.probes + arrivals + requests + streams + MAX_HEALTH_CHECKS + budget.tcp) as u64
        };
        let low = DescriptorBudget::of(256, 0);
        assert_eq!((low.probes, low.admin.requests, low.admin.streams, low.tcp), (64, 16, 16, 64));
        let beside = DescriptorBudget::of(256, 30);
        assert!(all(low) + RESERVED <= 256 && all(beside) + RESERVED + 30 <= 256, "{low:?} {beside:?}");
        let high = DescriptorBudget::of(1 << 20, 0);
        assert_eq!((high.probes, high.admin.requests, high.admin.streams), (MAX_AT_ONCE, 64, 128));
        assert!(all(DescriptorBudget::of(0, 9)) > 0 && DescriptorBudget::of(0, 9).tcp > 0);
    }

    #[test]
    fn the_limit_of_this_process_is_raised_to_its_hard_limit() {
        let limit = raise_limit();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!((current, current.unwrap_or(PLENTY)), (maximum, limit));
    }
}
