//! Events about regions and availability zones: how they leave and come back, and what keeps or limits them.

use std::time::Duration;

use super::{Condition, Event, EventKind};
use crate::health::{LagChange, OutlierGrade, Phase, PhaseChange, SiteShare, Status, Suppression};
use crate::moment::Moment;
use crate::region::{Family, Target};
use crate::severity::Severity;
use crate::share::Share;
use crate::units::{Percent, TimeSpan};

/// Why a region is out of the answers of a family.
#[derive(Clone, Debug)]
pub struct Outage<'a> {
    /// Its status, which says how many of its addresses are up.
    pub status: &'a Status,
    /// Why it is out although enough of them are; `None`: they are not.
    pub reason: Option<&'a str>,
    /// How its addresses fail; `None`: none does.
    pub failure: Option<&'a str>,
    /// Whether it was out already when the process began.
    pub is_remembered: bool,
}

impl Event {
    /// A region came to lag too much for names that limit it, or does so no longer.
    pub fn lag_gate(target: &Target, change: &LagChange, at: Moment) -> Self {
        let lag = TimeSpan::rounded(Duration::from_secs_f64(change.lag_seconds.clamp(0.0, 1e9)));
        let limit = TimeSpan(change.limit);
        let (kind, severity, text) = match change.is_beyond {
            true => (
                EventKind::REGION_LAGGING,
                Severity::Warning,
                format!(
                    "{target} lags {lag}: it takes no clients of names with `max_lag: {limit}` while another region may"
                ),
            ),
            false => (
                EventKind::REGION_IN_STEP,
                Severity::Info,
                format!("{target} lags {lag}: it takes clients of names with `max_lag: {limit}` again"),
            ),
        };
        Self::new(kind, severity, text, at).about(target).seen_by(format!("lag {lag}, limit {limit}"))
    }

    /// A region left the answers of a family.
    pub fn region_out(region: &Target, family: Family, outage: Outage<'_>, at: Moment) -> Self {
        let Outage { status, reason, failure, is_remembered } = outage;
        let Status { up, total, needed, .. } = status;
        let left = if is_remembered { "is still out of" } else { "left" };
        let failed = failure.map_or_else(String::new, |failure| format!(" ({failure})"));
        let why = match reason {
            Some(reason) => format!("{reason}, {up} of {total} addresses up"),
            None => format!("{} of {total} addresses down{failed}", total - up),
        };
        let text = match status.share {
            // Where all are ill, no client has gone.
            SiteShare::Kept(_) => {
                format!("{region} is down in {family}, and keeps its clients, for no region is well: {why}")
            }
            SiteShare::Full
            | SiteShare::Part(_)
            | SiteShare::Waiting
            | SiteShare::Out { .. }
            | SiteShare::Yielding { .. }
            | SiteShare::Disabled => format!("{region} {left} the {family} answers: {why}"),
        };
        Self::new(EventKind::REGION_OUT, Severity::Warning, text, at)
            .about(region)
            .turns("in", "out")
            .because(reason.or(failure).unwrap_or("too few of its addresses are up"))
            .seen_by(format!("{up} of {total} addresses up, {needed} needed"))
            .raises(&Condition::Out(region.clone(), family))
    }

    /// The same event, told with the share of its clients that stay with it, for no other region can bear them.
    pub fn but_for(self, staying: Share) -> Self {
        Self { text: but_for(&self.text, staying), ..self }
    }

    /// A region is back in the answers of a family.
    pub fn region_back(region: &Target, family: Family, status: &Status, at: Moment) -> Self {
        let Status { up, total, needed, .. } = status;
        let text = format!("{region} is back in the {family} answers: {up} of {total} addresses up");
        Self::new(EventKind::REGION_BACK, Severity::Info, text, at)
            .about(region)
            .turns("out", "in")
            .seen_by(format!("{up} of {total} addresses up, {needed} needed"))
            .clears(&Condition::Out(region.clone(), family))
    }

    /// A region or availability zone went to another phase, in which it takes this share of its clients; or it would,
    /// but for `failover: advise`.
    pub fn phase_changed(target: &Target, turn: &PhaseChange, share: Share, is_advice: bool) -> Self {
        let (family, is_back) = (turn.family, turn.goes_back);
        let advice = if is_advice { " (advice only: failover is `advise`)" } else { "" };
        let text = format!("{target} ({family}) {}{advice}", phase_text(target, turn, share));
        let severity = match turn.to {
            Phase::Down | Phase::Held | Phase::Quarantined => Severity::Warning,
            Phase::Unknown | Phase::Healthy | Phase::Suspect | Phase::Recovering | Phase::Ramp => {
                Severity::Info
            }
        };
        let reason = match turn.to {
            _ if is_advice => Some("it stays: failover is `advise`"),
            Phase::Ramp | Phase::Held if is_back => Some("a gate of its ramp was closed"),
            Phase::Held => Some("an operator lets it back"),
            Phase::Quarantined => Some("it fell three times in an hour"),
            Phase::Unknown
            | Phase::Healthy
            | Phase::Suspect
            | Phase::Down
            | Phase::Recovering
            | Phase::Ramp => None,
        };
        let event = Self::new(EventKind::PHASE_CHANGED, severity, text, turn.at)
            .about(target)
            .turns(turn.from.as_str(), turn.to.as_str())
            .seen_by(format!("{share} of its clients"));
        let event = Self { reason: reason.map(str::to_owned), family: Some(family), ..event };
        let out = Condition::Out(target.clone(), family);
        match turn.to {
            // A ramp follows the end of what it comes from, and must not be taken for it.
            Phase::Ramp if is_back => event,
            Phase::Ramp | Phase::Healthy => event.clears(&out),
            Phase::Down | Phase::Held | Phase::Quarantined => event.raises(&out),
            Phase::Unknown | Phase::Suspect | Phase::Recovering => event,
        }
    }

    /// A region should leave the answers of a family, and stays.
    pub fn failover_suppressed(
        region: &Target,
        family: Family,
        suppression: Suppression,
        at: Moment,
    ) -> Self {
        // A cause that is shared by half of the regions is beyond what failover can heal.
        let severity = match suppression {
            Suppression::Blind
            | Suppression::Correlated(..)
            | Suppression::Unheard
            | Suppression::NoneWell
            | Suppression::Keep
            | Suppression::Cascade(_)
            | Suppression::MinInService => Severity::Critical,
            Suppression::Failover(_) | Suppression::Overload(_) | Suppression::Unconfirmed { .. } => {
                Severity::Warning
            }
        };
        let text = format!("failover of {region} ({family}) is suppressed: {suppression}; its clients stay");
        Self::new(EventKind::FAILOVER_SUPPRESSED, severity, text, at)
            .about(region)
            .turns("free", "suppressed")
            .because(suppression.to_string())
            .raises(&Condition::Suppressed(region.clone(), family))
    }

    /// Nothing keeps a region in the answers of a family any more.
    pub fn failover_resumed(region: &Target, family: Family, at: Moment) -> Self {
        let text = format!("failover of {region} ({family}) is no longer suppressed");
        Self::new(EventKind::FAILOVER_RESUMED, Severity::Info, text, at)
            .about(region)
            .turns("suppressed", "free")
            .clears(&Condition::Suppressed(region.clone(), family))
    }

    /// An advisory canary fell, and leaves an address or region this share of its clients.
    pub fn advisory_failing(target: &Target, share: Share, canary: &str, detail: &str, at: Moment) -> Self {
        let text =
            format!("{target} keeps {share} of its clients: the advisory canary {canary} failed ({detail})");
        Self::new(EventKind::ADVISORY_FAILING, Severity::Warning, text, at)
            .about(target)
            .turns("whole", "limited")
            .because(detail)
            .seen_by(format!("{canary} failed: {share} of its clients"))
            .raises(&Condition::Advisory(target.clone()))
    }

    /// No advisory canary of an address or region fails any more.
    pub fn advisory_recovered(target: &Target, at: Moment) -> Self {
        let text = format!("{target} may have all of its clients again: no advisory canary fails");
        Self::new(EventKind::ADVISORY_RECOVERED, Severity::Info, text, at)
            .about(target)
            .turns("limited", "whole")
            .clears(&Condition::Advisory(target.clone()))
    }

    /// A region or availability zone passes its canaries, and fails its clients more than others do.
    pub fn outlier_detected(target: &Target, grade: OutlierGrade, at: Moment) -> Self {
        let (to, follows) = match grade {
            OutlierGrade::Fine | OutlierGrade::Degraded => ("degraded", "it keeps half of them at most"),
            OutlierGrade::Failing => ("failing", "it leaves"),
        };
        let text = format!(
            "{target} fails its clients more than others do, though it passes its canaries; {follows}"
        );
        Self::new(EventKind::OUTLIER_DETECTED, Severity::Warning, text, at)
            .about(target)
            .turns("fine", to)
            .because("it passes its canaries and fails its clients")
            .raises(&Condition::Outlier(target.clone()))
    }

    /// A region or availability zone does not stand out any more.
    pub fn outlier_cleared(target: &Target, at: Moment) -> Self {
        let text = format!("{target} no longer fails its clients more than others do");
        let event = Self::new(EventKind::OUTLIER_CLEARED, Severity::Info, text, at).about(target);
        // How badly it failed before is not known here.
        Self { to: Some("fine".to_owned()), ..event }.clears(&Condition::Outlier(target.clone()))
    }

    /// A region is down, and this share of its clients stays with it, for no other region can bear them.
    pub fn clients_unborne(region: &Target, share: Share, at: Moment) -> Self {
        let text = format!(
            "{region} is down, and {share} of the clients of {region} stay with it: no other region has room for them"
        );
        Self::new(EventKind::CLIENTS_UNBORNE, Severity::Critical, text, at)
            .about(region)
            .turns("borne", "unborne")
            .because("no other region has room for them")
            .seen_by(format!("{share} of its clients"))
            .raises(&Condition::Unborne(region.clone()))
    }

    /// The region is back, or others have taken all of its clients.
    pub fn clients_borne(region: &Target, at: Moment) -> Self {
        let text = format!("no clients stay with {region} for want of room elsewhere any more");
        Self::new(EventKind::CLIENTS_BORNE, Severity::Info, text, at)
            .about(region)
            .turns("unborne", "borne")
            .clears(&Condition::Unborne(region.clone()))
    }

    /// A region in this phase takes clients whom the others cannot bear, which fill this share of its capacity.
    pub fn reserve_used(region: &Target, phase: Phase, filled: Share, at: Moment) -> Self {
        let limited = match phase {
            Phase::Recovering => "waiting",
            Phase::Ramp => "ramping",
            Phase::Held | Phase::Quarantined => phase.as_str(),
            Phase::Healthy | Phase::Unknown | Phase::Suspect | Phase::Down => {
                "limited to a share of its clients"
            }
        };
        let text = format!(
            "{region} is {limited}, and takes clients of other regions all the same, {filled} of its capacity: the \
             others would be above their hard limit"
        );
        Self::new(EventKind::RESERVE_USED, Severity::Warning, text, at)
            .about(region)
            .turns("spared", "used")
            .because("the others would be above their hard limit")
            .seen_by(format!("{phase}, {filled} of its capacity for clients of others"))
            .raises(&Condition::ReserveUsed(region.clone()))
    }

    /// The others can bear their clients again, or the region takes all of its own.
    pub fn reserve_free(region: &Target, at: Moment) -> Self {
        let text = format!("{region} is no longer needed as a reserve");
        Self::new(EventKind::RESERVE_FREE, Severity::Info, text, at)
            .about(region)
            .turns("used", "spared")
            .clears(&Condition::ReserveUsed(region.clone()))
    }

    /// A region has fallen so often within the last hour that it would be quarantined, if another one were not.
    pub fn region_flapping(
        region: &Target,
        family: Family,
        status: &Status,
        other: &Target,
        at: Moment,
    ) -> Self {
        let falls = status.falls;
        let text = format!(
            "{region} ({family}) fell {falls} times within an hour, and is not quarantined, for {other} is: each fall \
             doubles its wait"
        );
        Self::new(EventKind::REGION_FLAPPING, Severity::Warning, text, at)
            .about(region)
            .turns("steady", "flapping")
            .because(format!("one region is quarantined at a time, and {other} is"))
            .seen_by(format!("{falls} falls within an hour, {}", status.phase))
            .raises(&Condition::Flapping(region.clone(), family))
    }

    /// It has not fallen so often within the last hour, or is quarantined itself.
    pub fn region_steady(region: &Target, family: Family, at: Moment) -> Self {
        let text = format!("{region} ({family}) no longer flaps beside a region that is quarantined");
        Self::new(EventKind::REGION_STEADY, Severity::Info, text, at)
            .about(region)
            .turns("flapping", "steady")
            .clears(&Condition::Flapping(region.clone(), family))
    }

    /// A region at this load sends this share of its clients elsewhere, `before` another one.
    pub fn load_shed(region: &Target, load: Option<f64>, [before, away]: [Share; 2], at: Moment) -> Self {
        let is_more = away > before;
        let does = match away {
            Share::NONE => "takes all of its clients again".to_owned(),
            away if is_more => format!("sends {away} of its clients elsewhere"),
            away => format!("takes clients back, and still sends {away} of them elsewhere"),
        };
        let load =
            load.map_or_else(|| "load unknown".to_owned(), |load| format!("load {}", Percent::rounded(load)));
        let event = Self::new(
            EventKind::LOAD_SHED,
            if away > Share::NONE { Severity::Warning } else { Severity::Info },
            format!("{region} {does}: {load}"),
            at,
        );
        let event = Self {
            to: Some(if away > Share::NONE { "shedding" } else { "whole" }.to_owned()),
            ..event
                .about(region)
                .because(if is_more { "it is too full" } else { "it has room again" })
                .seen_by(format!("{load}, {away} of its clients go elsewhere"))
        };
        event.marks(&Condition::LoadShed(region.clone()), away == Share::NONE)
    }
}

/// Returns the text of a region that left the answers, with the share of its clients that stay.
pub fn but_for(text: &str, staying: Share) -> String {
    text.replacen(" answers: ", &format!(" answers but for {staying} of its clients: "), 1)
}

/// Says what a site does that went to another phase, and takes this share of its clients there.
fn phase_text(target: &Target, turn: &PhaseChange, share: Share) -> String {
    let region = target.region();
    let is_back = turn.goes_back;
    let closed = if is_back { ": too many requests fail, or it is too full for more" } else { "" };
    let left = turn.until.map(|until| TimeSpan::rounded(until.since(turn.at)).to_string());
    let left = left.unwrap_or_default();
    match turn.to {
        Phase::Unknown | Phase::Healthy | Phase::Suspect => "takes all of its clients again".to_owned(),
        Phase::Down => "is down".to_owned(),
        Phase::Recovering => format!("is well again, and takes clients in {left}"),
        Phase::Ramp if is_back => format!("goes back to {share} of its clients{closed}"),
        Phase::Ramp => format!("takes {share} of its clients"),
        Phase::Held => {
            format!("is held at {share} of its clients{closed}; `meridian failback {region}` lets it back")
        }
        Phase::Quarantined => format!(
            "is quarantined for {left}: it fell three times in an hour; `meridian failback {region}` lets it back"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;
    use crate::canary::FailureClass;
    use crate::region::{RegionId, Site};

    fn region() -> Target {
        Target::of_region("tokyo")
    }

    fn zone() -> Target {
        Target::of_zone("tokyo", "tokyo-a")
    }

    #[test]
    fn a_region_that_leaves_and_returns_is_told_of_with_its_count() {
        let status = Status::counted(2, 1, vec![Moment(0); 2]);
        let outage = Outage {
            status: &status,
            reason: None,
            failure: Some("connection refused"),
            is_remembered: false,
        };
        check(
            &Event::region_out(&region(), Family::V4, outage.clone(), Moment(0)),
            "region_out Warning tokyo IPv4: in -> out | connection refused | 0 of 2 addresses up, 1 needed | - | \
             out/tokyo/IPv4",
            "tokyo left the IPv4 answers: 2 of 2 addresses down (connection refused)",
        );
        let known = outage.clone();
        let status = &Status::counted(2, 1, Vec::new());
        let held = Outage { status, reason: Some("it is held"), is_remembered: true, ..outage };
        check(
            &Event::region_out(&region(), Family::V6, held, Moment(0)),
            "region_out Warning tokyo IPv6: in -> out | it is held | 2 of 2 addresses up, 1 needed | - | out/tokyo/IPv6",
            "tokyo is still out of the IPv6 answers: it is held, 2 of 2 addresses up",
        );
        let down = Status::counted(2, 1, vec![Moment(0); 2]);
        let yielding = Status { share: SiteShare::Yielding { since: Moment(0) }, ..down };
        let left = Event::region_out(
            &region(),
            Family::V4,
            Outage { status: &yielding, ..known.clone() },
            Moment(0),
        );
        assert_eq!(
            left.but_for(Share::percent(60)).text,
            "tokyo left the IPv4 answers but for 60% of its clients: 2 of 2 addresses down (connection refused)"
        );
        let kept = Status { share: SiteShare::Kept(Share::ALL), ..down };
        assert_eq!(
            Event::region_out(&region(), Family::V4, Outage { status: &kept, ..known }, Moment(0)).text,
            "tokyo is down in IPv4, and keeps its clients, for no region is well: 2 of 2 addresses down (connection refused)"
        );
        check(
            &Event::region_back(&region(), Family::V4, status, Moment(0)),
            "region_back Info tokyo IPv4: out -> in | - | 2 of 2 addresses up, 1 needed | - | ends out/tokyo/IPv4",
            "tokyo is back in the IPv4 answers: 2 of 2 addresses up",
        );
    }

    #[test]
    fn a_second_region_that_flaps_is_told_of_with_the_one_that_is_quarantined() {
        let status = Status { falls: 4, phase: Phase::Recovering, ..Status::counted(2, 1, Vec::new()) };
        check(
            &Event::region_flapping(&region(), Family::V4, &status, &Target::of_region("osaka"), Moment(0)),
            "region_flapping Warning tokyo IPv4: steady -> flapping | one region is quarantined at a time, and osaka is | \
             4 falls within an hour, recovering | - | flapping/tokyo/IPv4",
            "tokyo (IPv4) fell 4 times within an hour, and is not quarantined, for osaka is: each fall doubles its wait",
        );
        check(
            &Event::region_steady(&region(), Family::V4, Moment(0)),
            "region_steady Info tokyo IPv4: flapping -> steady | - | - | - | ends flapping/tokyo/IPv4",
            "tokyo (IPv4) no longer flaps beside a region that is quarantined",
        );
    }

    #[test]
    fn the_use_of_the_reserve_is_told_of_with_what_it_is_and_how_much_of_it() {
        check(
            &Event::reserve_used(&region(), Phase::Quarantined, Share::percent(30), Moment(0)),
            "reserve_used Warning tokyo: spared -> used | the others would be above their hard limit | quarantined, 30% of \
             its capacity for clients of others | - | reserve/tokyo",
            "tokyo is quarantined, and takes clients of other regions all the same, 30% of its capacity: the others would \
             be above their hard limit",
        );
        check(
            &Event::reserve_free(&region(), Moment(0)),
            "reserve_free Info tokyo: used -> spared | - | - | - | ends reserve/tokyo",
            "tokyo is no longer needed as a reserve",
        );
    }

    /// Checks what is told of a zone that goes from its second step of a ramp to this phase.
    #[track_caller]
    fn check_phase(to: Phase, until: Option<u64>, goes_back: bool, parts: &str, text: &str) {
        let turn = PhaseChange {
            site: Site::Region(RegionId(0)),
            family: Family::V6,
            from: Phase::Ramp,
            from_since: Moment(0),
            had_clients: true,
            to,
            until: until.map(Moment),
            goes_back,
            at: Moment(60_000),
        };
        let is_advice = text.contains("advice only");
        let event = Event::phase_changed(&zone(), &turn, Share::percent(10), is_advice);
        check(&event, &parts.replacen("ZONE", "tokyo/tokyo-a IPv6: ramp ->", 1), text);
    }

    #[test]
    fn a_phase_is_told_of_with_what_led_back_and_what_an_operator_can_do() {
        let seen = "10% of its clients";
        let out = "out/tokyo/tokyo-a/IPv6";
        check_phase(
            Phase::Ramp,
            None,
            false,
            &format!("phase_changed Info ZONE ramp | - | {seen} | - | ends {out}"),
            "tokyo/tokyo-a (IPv6) takes 10% of its clients",
        );
        check_phase(
            Phase::Ramp,
            None,
            true,
            &format!("phase_changed Info ZONE ramp | a gate of its ramp was closed | {seen} | - | -"),
            "tokyo/tokyo-a (IPv6) goes back to 10% of its clients: too many requests fail, or it is too full for more",
        );
        check_phase(
            Phase::Held,
            None,
            true,
            &format!("phase_changed Warning ZONE held | a gate of its ramp was closed | {seen} | - | {out}"),
            "tokyo/tokyo-a (IPv6) is held at 10% of its clients: too many requests fail, or it is too full for more; \
             `meridian failback tokyo` lets it back",
        );
        check_phase(
            Phase::Quarantined,
            Some(1_860_000),
            false,
            &format!(
                "phase_changed Warning ZONE quarantined | it fell three times in an hour | {seen} | - | {out}"
            ),
            "tokyo/tokyo-a (IPv6) is quarantined for 30m: it fell three times in an hour; `meridian failback tokyo` \
             lets it back",
        );
        check_phase(
            Phase::Recovering,
            Some(70_000),
            false,
            &format!("phase_changed Info ZONE recovering | - | {seen} | - | -"),
            "tokyo/tokyo-a (IPv6) is well again, and takes clients in 10s",
        );
        check_phase(
            Phase::Down,
            None,
            false,
            &format!("phase_changed Warning ZONE down | it stays: failover is `advise` | {seen} | - | {out}"),
            "tokyo/tokyo-a (IPv6) is down (advice only: failover is `advise`)",
        );
        check_phase(
            Phase::Healthy,
            None,
            false,
            &format!("phase_changed Info ZONE healthy | - | {seen} | - | ends {out}"),
            "tokyo/tokyo-a (IPv6) takes all of its clients again",
        );
    }

    #[test]
    fn what_keeps_a_region_is_told_of_with_its_reason() {
        let shared = Suppression::Correlated(FailureClass::Timeout, Moment(0));
        check(
            &Event::failover_suppressed(&region(), Family::V4, shared, Moment(0)),
            "failover_suppressed Critical tokyo IPv4: free -> suppressed | half of the regions or more began to fail alike \
             (timeout) within a minute, so it waits until 1970-01-01T00:00:00.000Z | - | - | suppressed/tokyo/IPv4",
            "failover of tokyo (IPv4) is suppressed: half of the regions or more began to fail alike (timeout) within a \
             minute, so it waits until 1970-01-01T00:00:00.000Z; its clients stay",
        );
        check(
            &Event::failover_resumed(&region(), Family::V4, Moment(0)),
            "failover_resumed Info tokyo IPv4: suppressed -> free | - | - | - | ends suppressed/tokyo/IPv4",
            "failover of tokyo (IPv4) is no longer suppressed",
        );
    }

    #[test]
    fn what_limits_a_place_is_told_of_with_what_it_keeps() {
        check(
            &Event::advisory_failing(&region(), Share::percent(30), "deep", "status 503", Moment(0)),
            "advisory_failing Warning tokyo: whole -> limited | status 503 | deep failed: 30% of its clients | - | \
             advisory/tokyo",
            "tokyo keeps 30% of its clients: the advisory canary deep failed (status 503)",
        );
        check(
            &Event::advisory_recovered(&region(), Moment(0)),
            "advisory_recovered Info tokyo: limited -> whole | - | - | - | ends advisory/tokyo",
            "tokyo may have all of its clients again: no advisory canary fails",
        );
        check(
            &Event::outlier_detected(&zone(), OutlierGrade::Failing, Moment(0)),
            "outlier_detected Warning tokyo/tokyo-a: fine -> failing | it passes its canaries and fails its clients | - | \
             - | outlier/tokyo/tokyo-a",
            "tokyo/tokyo-a fails its clients more than others do, though it passes its canaries; it leaves",
        );
        check(
            &Event::outlier_cleared(&zone(), Moment(0)),
            "outlier_cleared Info tokyo/tokyo-a: - -> fine | - | - | - | ends outlier/tokyo/tokyo-a",
            "tokyo/tokyo-a no longer fails its clients more than others do",
        );
    }

    #[test]
    fn shedding_is_told_of_with_its_load() {
        let shed = |before, away| {
            let shares = [before, away].map(Share::percent);
            Event::load_shed(&region(), Some(1.124), shares, Moment(0))
        };
        check(
            &shed(10, 20),
            "load_shed Warning tokyo: - -> shedding | it is too full | load 112%, 20% of its clients go elsewhere | - | \
             load/tokyo",
            "tokyo sends 20% of its clients elsewhere: load 112%",
        );
        check(
            &shed(20, 10),
            "load_shed Warning tokyo: - -> shedding | it has room again | load 112%, 10% of its clients go elsewhere | - \
             | load/tokyo",
            "tokyo takes clients back, and still sends 10% of them elsewhere: load 112%",
        );
        check(
            &shed(10, 0),
            "load_shed Info tokyo: - -> whole | it has room again | load 112%, 0% of its clients go elsewhere | - | ends \
             load/tokyo",
            "tokyo takes all of its clients again: load 112%",
        );
    }
}
