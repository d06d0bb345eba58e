//! The kinds of events: the words that logs, metrics, webhooks and the API share.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of an event.
///
/// A word and not an enum: nothing is decided by the kind of an event, for whatever decides takes the change itself;
/// and a word of another version is read back, and told on, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventKind(Cow<'static, str>);

impl EventKind {
    /// An address failed, too seldom to act: its TTLs shrink, and no client moves.
    pub const ADDRESS_SUSPECT: Self = Self::word("address_suspect");
    /// An address fell.
    pub const ADDRESS_DOWN: Self = Self::word("address_down");
    /// An address is up again.
    pub const ADDRESS_UP: Self = Self::word("address_up");
    /// The canaries that probe a region once have another opinion of it.
    pub const REGION_CANARY: Self = Self::word("region_canary");
    /// A region or availability zone went to another phase.
    pub const PHASE_CHANGED: Self = Self::word("phase_changed");
    /// A region left the answers of a family.
    pub const REGION_OUT: Self = Self::word("region_out");
    /// It is back in them.
    pub const REGION_BACK: Self = Self::word("region_back");
    /// A region should leave, and stays.
    pub const FAILOVER_SUPPRESSED: Self = Self::word("failover_suppressed");
    /// Nothing keeps it from leaving any more.
    pub const FAILOVER_RESUMED: Self = Self::word("failover_resumed");
    /// A region lags too much for some names.
    pub const REGION_LAGGING: Self = Self::word("region_lagging");
    /// It does so no longer.
    pub const REGION_IN_STEP: Self = Self::word("region_in_step");
    /// An advisory canary leaves an address or region only a share of its clients.
    pub const ADVISORY_FAILING: Self = Self::word("advisory_failing");
    /// No advisory canary does so any more.
    pub const ADVISORY_RECOVERED: Self = Self::word("advisory_recovered");
    /// A region or availability zone fails its clients more than others do.
    pub const OUTLIER_DETECTED: Self = Self::word("outlier_detected");
    /// It does so no longer.
    pub const OUTLIER_CLEARED: Self = Self::word("outlier_cleared");
    /// Every region that some clients of a name may be sent to is out.
    pub const NO_REGION_AVAILABLE: Self = Self::word("no_region_available");
    /// One of them is back.
    pub const REGION_AVAILABLE: Self = Self::word("region_available");
    /// Clients of a name stay with a region that is down.
    pub const CLIENTS_STAY: Self = Self::word("clients_stay");
    /// A region that waits, ramps or is kept away takes clients whom the others cannot bear.
    pub const RESERVE_USED: Self = Self::word("reserve_used");
    /// It does so no longer.
    pub const RESERVE_FREE: Self = Self::word("reserve_free");
    /// A region falls again and again, and is not quarantined because another one is.
    pub const REGION_FLAPPING: Self = Self::word("region_flapping");
    /// It has not fallen so often within the last hour, or is quarantined.
    pub const REGION_STEADY: Self = Self::word("region_steady");
    pub const CLIENTS_UNBORNE: Self = Self::word("clients_unborne");
    pub const CLIENTS_BORNE: Self = Self::word("clients_borne");
    /// They do so no longer.
    pub const CLIENTS_FREE: Self = Self::word("clients_free");
    /// A measure passed the limit of an alarm rule for as long as the rule says.
    pub const THRESHOLD_EXCEEDED: Self = Self::word("threshold_exceeded");
    /// It is within the limit again.
    pub const THRESHOLD_CLEARED: Self = Self::word("threshold_cleared");
    /// A region that is too full sends clients elsewhere, or takes them back.
    pub const LOAD_SHED: Self = Self::word("load_shed");
    /// An operator lets a region back that was held or quarantined.
    pub const FAILBACK: Self = Self::word("failback");
    /// An intent is in force.
    pub const INTENT_MADE: Self = Self::word("intent_made");
    /// An intent that was asked for ahead is in force.
    pub const INTENT_BEGUN: Self = Self::word("intent_begun");
    /// An intent is over, and its clients cannot come back.
    pub const INTENT_OVERDUE: Self = Self::word("intent_overdue");
    /// Its clients come back, or go where weights lead them, by one step.
    pub const INTENT_STEP: Self = Self::word("intent_step");
    /// The next step cannot be taken.
    pub const INTENT_STUCK: Self = Self::word("intent_stuck");
    /// An intent is over, and its clients are back.
    pub const INTENT_OVER: Self = Self::word("intent_over");
    /// An operator lifted an intent.
    pub const INTENT_LIFTED: Self = Self::word("intent_lifted");
    /// A drill is under way.
    pub const DRILL_PENDING: Self = Self::word("drill_pending");
    /// A drill lasted its time, and its clients are back.
    pub const DRILL_SUCCEEDED: Self = Self::word("drill_succeeded");
    /// A drill was ended, or kept from beginning.
    pub const DRILL_INTERRUPTED: Self = Self::word("drill_interrupted");
    /// An alarm or its own rule ended a drill.
    pub const DRILL_FAILED: Self = Self::word("drill_failed");
    /// A drill was not begun, for the forecast broke a safety rule.
    pub const DRILL_CAPACITY_CHECK_FAILED: Self = Self::word("drill_capacity_check_failed");
    /// This machine cannot probe, for a cause of its own.
    pub const PROBES_BLIND: Self = Self::word("probes_blind");
    /// It can again.
    pub const PROBES_SIGHTED: Self = Self::word("probes_sighted");
    /// A reference has not answered for so long that it does not count.
    pub const REFERENCE_LOST: Self = Self::word("reference_lost");
    /// It answers again.
    pub const REFERENCE_FOUND: Self = Self::word("reference_found");
    /// A peer is not heard, and health is judged without it.
    pub const PEER_LOST: Self = Self::word("peer_lost");
    /// It is heard again.
    pub const PEER_FOUND: Self = Self::word("peer_found");
    /// Observers have disagreed on a region for a while.
    pub const OBSERVERS_DISAGREE: Self = Self::word("observers_disagree");
    /// They agree again.
    pub const OBSERVERS_AGREE: Self = Self::word("observers_agree");
    /// The name of an availability zone leads elsewhere.
    pub const HOST_MOVED: Self = Self::word("host_moved");
    /// It cannot be looked up, or leads nowhere.
    pub const HOST_UNRESOLVED: Self = Self::word("host_unresolved");
    /// It leads somewhere again.
    pub const HOST_RESOLVED: Self = Self::word("host_resolved");
    /// Another configuration or database is in force.
    pub const RELOADED: Self = Self::word("reloaded");
    /// The configuration on disk is refused.
    pub const RELOAD_FAILED: Self = Self::word("reload_failed");
    /// The configuration on disk is in force again.
    pub const RELOAD_RECOVERED: Self = Self::word("reload_recovered");
    /// Health that was saved by the last run is in force.
    pub const HEALTH_RESTORED: Self = Self::word("health_restored");
    /// A part of it is about another configuration.
    pub const HEALTH_MISMATCH: Self = Self::word("health_mismatch");
    /// It is too old to be used.
    pub const HEALTH_STALE: Self = Self::word("health_stale");
    /// A known event begins or ends, in which a region has another capacity.
    pub const CAPACITY_EVENT: Self = Self::word("capacity_event");
    /// A file of the state directory was damaged, and is set aside.
    pub const STATE_LOST: Self = Self::word("state_lost");
    /// A file of the state directory cannot be written.
    pub const STATE_UNWRITTEN: Self = Self::word("state_unwritten");
    /// It is written again.
    pub const STATE_WRITTEN: Self = Self::word("state_written");
    /// An operator went back to an earlier generation of the configuration.
    pub const ROLLED_BACK: Self = Self::word("rolled_back");
    /// Something else is served than the configuration directory holds.
    pub const DIRECTORY_PASSED_OVER: Self = Self::word("directory_passed_over");
    /// What the configuration directory holds is served again.
    pub const DIRECTORY_SERVED: Self = Self::word("directory_served");
    /// The wall clock was set.
    pub const CLOCK_SET: Self = Self::word("clock_set");
    /// It has been right for a while.
    pub const CLOCK_STEADY: Self = Self::word("clock_steady");
    /// The queries of a network are over the rate limits.
    pub const FLOOD_BEGAN: Self = Self::word("flood_began");
    /// They have been within them for a while.
    pub const FLOOD_ENDED: Self = Self::word("flood_ended");
    /// The receiver of a webhook refuses events.
    pub const WEBHOOK_REFUSED: Self = Self::word("webhook_refused");
    /// It takes them again.
    pub const WEBHOOK_ACCEPTED: Self = Self::word("webhook_accepted");
    /// The loss of a region would end badly.
    pub const REDUNDANCY_LOST: Self = Self::word("redundancy_lost");
    /// The loss of any one would end well.
    pub const REDUNDANCY_RESTORED: Self = Self::word("redundancy_restored");
    /// The configuration in force lacks what an intent is about.
    pub const INTENT_WITHOUT_TARGET: Self = Self::word("intent_without_target");
    /// An incident ended in another, or silently.
    pub const INCIDENT_CLOSED: Self = Self::word("incident_closed");
    /// The event log could not take some events.
    pub const EVENTS_LOST: Self = Self::word("events_lost");

    const fn word(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// Returns the word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is of this family of kinds: `drill_failed` is of `drill`, and of `drill_failed`.
    pub fn is_of(&self, family: &str) -> bool {
        let rest = self.0.strip_prefix(family);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
