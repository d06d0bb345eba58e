//! When the last resolver of the last instance may hold an address.
//!
//! ```text
//!  instance heard:  what it says counts
//!  silent:          it counts as if it had given addresses out until it was last heard, for the longest TTL
//!  never heard:     it counts as giving addresses out: whether it sends the clients away at all is not known
//! ```
//!
//! Times are reckoned from when something was heard here, so that no clock of an instance is compared with another.

use std::time::{Duration, Instant};

use crate::admin::api::{DrainStatus, InstanceDrainStatus, JointDrainStatus};
use crate::units::TimeSpan;

/// What is known of a drain at one instance.
#[derive(Clone, Debug)]
pub struct DrainSight {
    /// The admin address of the instance.
    pub address: String,
    /// When it was last known to send the clients away.
    pub heard: Option<Instant>,
    /// What it said then; `None`: no more than that it accepted the intent.
    pub status: Option<DrainStatus>,
    /// Whether it could not be asked the last time.
    pub is_silent: bool,
    /// Why it has no such intent, if it said so.
    pub ended: Option<String>,
}

impl DrainSight {
    pub fn new(address: &str, heard: Option<Instant>) -> Self {
        Self { address: address.to_owned(), heard, status: None, is_silent: false, ended: None }
    }

    /// Returns whether it was heard the last time, and sends the clients away.
    pub fn is_seen(&self) -> bool {
        self.status.is_some() && !self.is_silent && self.ended.is_none()
    }

    /// Returns the part of this instance. `longest` is the longest TTL of what the instances answer.
    fn part(&self, longest: Option<f64>, now: Instant) -> InstanceDrainStatus {
        let (seconds_left, is_over, why) = match (&self.ended, &self.status) {
            (Some(why), _) => (None, false, why.clone()),
            (None, Some(status)) if !self.is_silent => {
                let left = status.seconds_left.filter(|_| !status.still_given_out && !status.is_returning);
                (left, status.is_over, status.why.clone())
            }
            (None, Some(_) | None) => self.silent(longest, now),
        };
        let silent = self.heard.filter(|_| self.is_silent).map(|heard| now.duration_since(heard));
        InstanceDrainStatus {
            instance: self.address.clone(),
            is_over,
            seconds_left,
            silent_seconds: silent.map(|silent| silent.as_secs_f64()),
            why,
            status: self.status.clone(),
        }
    }

    /// Reckons an instance that cannot be asked by the longest time for which a resolver may hold what it gave out.
    fn silent(&self, longest: Option<f64>, now: Instant) -> (Option<f64>, bool, String) {
        let (Some(heard), Some(longest)) = (self.heard, longest) else {
            let why = "it cannot be asked, and whether it sends these clients away is not known: it counts as giving \
                       addresses out";
            return (None, false, why.to_owned());
        };
        let silent = now.duration_since(heard);
        let span = TimeSpan(Duration::from_secs(silent.as_secs()));
        if let Some(status) = self.status.as_ref().filter(|status| is_given(status)) {
            let why = format!("it cannot be asked since {span}, and said before: {}", status.why);
            return (None, false, why);
        }
        let told = self.status.as_ref().and_then(|status| status.seconds_left).unwrap_or(0.0);
        let left = (told.max(longest) - silent.as_secs_f64()).max(0.0);
        let why = if left > 0.0 {
            let left = TimeSpan(Duration::from_secs(left.ceil() as u64));
            format!(
                "it cannot be asked since {span}: it counts as if it had given addresses out until then, which \
                 resolvers may keep for {left}"
            )
        } else {
            format!(
                "it cannot be asked since {span}: no resolver may hold what it gave out until then; what it does now \
                 is not known"
            )
        };
        (Some(left), left <= 0.0, why)
    }
}

/// Returns whether an instance gave addresses out when it said this, or was about to.
fn is_given(status: &DrainStatus) -> bool {
    status.still_given_out || status.is_returning
}

/// Returns the progress over all instances.
pub fn joint(sights: &[DrainSight], now: Instant) -> JointDrainStatus {
    let longest = sights.iter().filter_map(|sight| Some(sight.status.as_ref()?.longest_seconds));
    let longest = longest.max_by(f64::total_cmp);
    let instances: Vec<_> = sights.iter().map(|sight| sight.part(longest, now)).collect();
    // Silence alone ends no drain: of the load, and of what operators do, somebody has to know.
    let is_over = instances.iter().all(|part| part.is_over) && sights.iter().any(DrainSight::is_seen);
    let left: Option<Vec<f64>> = instances.iter().map(|part| part.seconds_left).collect();
    let seconds_left = left.map(|left| left.into_iter().fold(0.0, f64::max));
    JointDrainStatus { is_over, seconds_left, why: why(&instances, is_over), instances }
}

fn why(instances: &[InstanceDrainStatus], is_over: bool) -> String {
    let silent = instances.iter().filter(|part| part.silent_seconds.is_some());
    let silent: Vec<_> = silent.map(|part| part.instance.as_str()).collect();
    if is_over {
        let all: Vec<_> = instances.iter().map(|part| part.instance.as_str()).collect();
        let aside = match silent.is_empty() {
            true => String::new(),
            false => format!(", of which {} cannot be asked", silent.join(", ")),
        };
        return format!("no resolver may hold an address of these instances: {}{aside}", all.join(", "));
    }
    let open = instances.iter().filter(|part| !part.is_over);
    // What has no end comes last of all.
    let last = open.max_by(|one, other| end(one).total_cmp(&end(other)));
    let last = last.map(|part| format!("{}: {}", part.instance, part.why));
    last.unwrap_or_else(|| "no instance can be asked".to_owned())
}

fn end(part: &InstanceDrainStatus) -> f64 {
    part.seconds_left.unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::drain_status::tests::status;

    fn seen(address: &str, heard: Instant, left: f64) -> DrainSight {
        let status = DrainStatus { seconds_left: Some(left), is_over: left <= 0.0, ..status() };
        DrainSight { status: Some(status), ..DrainSight::new(address, Some(heard)) }
    }

    /// Returns whether it is over, and how long it takes yet.
    fn check(sights: &[DrainSight], now: Instant, expected: (bool, Option<f64>)) -> String {
        let joint = joint(sights, now);
        assert_eq!((joint.is_over, joint.seconds_left), expected, "{}", joint.why);
        joint.why
    }

    #[test]
    fn it_is_over_when_it_is_at_the_last_instance() {
        let now = Instant::now();
        let why = check(&[seen("a", now, 0.0), seen("b", now, 7.0)], now, (false, Some(7.0)));
        assert!(why.starts_with("b: "), "{why}");
        check(&[seen("a", now, 0.0), seen("b", now, 0.0)], now, (true, Some(0.0)));
    }

    #[test]
    fn a_silent_instance_counts_with_the_longest_ttl_since_it_was_heard() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let silent = |left| DrainSight { is_silent: true, ..seen("b", start, left) };
        // The longest TTL of this status is 30 s.
        let why = check(&[seen("a", start, 0.0), silent(0.0)], at(10), (false, Some(20.0)));
        assert!(why.contains("b: it cannot be asked since 10s: it counts as if"), "{why}");
        let why = check(&[seen("a", start, 0.0), silent(50.0)], at(50), (true, Some(0.0)));
        assert!(why.contains("of which b cannot be asked"), "{why}");
        check(&[silent(0.0)], at(60), (false, Some(0.0)));
    }

    #[test]
    fn an_instance_that_was_never_heard_counts_as_giving_addresses_out() {
        let now = Instant::now();
        let never = DrainSight { is_silent: true, ..DrainSight::new("b", None) };
        let why = check(&[seen("a", now, 0.0), never], now, (false, None));
        assert!(why.starts_with("b: it cannot be asked, and whether"), "{why}");
        let accepted = DrainSight { is_silent: true, ..DrainSight::new("b", Some(now)) };
        check(&[seen("a", now, 0.0), accepted], now, (false, Some(30.0)));
    }

    #[test]
    fn an_instance_without_the_intent_gives_addresses_out() {
        let now = Instant::now();
        let ended = DrainSight { ended: Some("no intent 7".to_owned()), ..seen("b", now, 0.0) };
        assert_eq!(check(&[seen("a", now, 0.0), ended], now, (false, None)), "b: no intent 7");
    }
}
