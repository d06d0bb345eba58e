//! Small worlds for the tests of health and of what builds on it.

use std::time::Duration;

use super::Board;
use crate::canary::{
    Canary, CanaryId, Check, Criticality, Failure, FailureClass, Observation, Reach, Subject, Thresholds,
};
use crate::client::Coordinates;
use crate::moment::Moment;
use crate::region::{AddressId, AvailabilityZone, Failover, Minimum, Recovery, Region, Regions};

/// A region with one zone `NAME-a`, watched by the first canary.
pub fn region(name: &str, addresses: &[impl AsRef<str>]) -> Region {
    let parse = |address: &_| <_ as AsRef<str>>::as_ref(address).parse().expect("an IP address");
    Region {
        name: name.to_owned(),
        location: Coordinates { latitude: 35.0, longitude: 139.0 },
        jurisdiction: "JP".parse().expect("a country"),
        capacity: None,
        min_healthy: Minimum::Count(1),
        failover: Failover::Auto,
        recovery: Recovery::default(),
        canaries: vec![CanaryId(0)],
        zones: vec![AvailabilityZone {
            name: format!("{name}-a"),
            addresses: addresses.iter().map(parse).collect(),
            host: None,
        }],
    }
}

/// A TCP canary with `fall` and `rise`.
pub fn canary(name: &str, fall: u32, rise: u32) -> Canary {
    Canary {
        name: name.to_owned(),
        check: Check::Tcp { port: 80 },
        interval: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        recheck: Duration::from_secs(2),
        thresholds: Thresholds { fall, rise },
        effect: Criticality::Critical,
        reach: Reach::Address,
        slow: None,
    }
}

/// A board with `count` addresses in one region, watched by these canaries.
pub fn board(count: usize, canaries: &[Canary]) -> Board {
    let addresses: Vec<_> = (1..=count).map(|last| format!("192.0.2.{last}")).collect();
    let mut region = region("tokyo", &addresses);
    region.canaries = (0..).map(CanaryId).take(canaries.len()).collect();
    Board::new(&Regions::new(vec![region]), canaries, Moment(0))
}

/// A result at second `at`; `status 503` when it is a failure.
pub fn result(board: &Board, address: u32, canary: u16, at: u64, is_success: bool) -> Observation {
    let failure = || Failure { class: FailureClass::Status, detail: "status 503".to_owned() };
    Observation {
        epoch: board.epoch(),
        subject: Subject::Address(AddressId(address)),
        canary: CanaryId(canary),
        at: Moment(at * 1000),
        latency: Duration::from_millis(3),
        result: is_success.then_some(()).ok_or_else(failure),
        signals: None,
    }
}
