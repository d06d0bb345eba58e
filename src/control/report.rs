//! What is known of everything at one moment: plain values, for `/status`.

use std::net::IpAddr;
use std::sync::Arc;

use super::{DrainProgress, Proposal};
use crate::alarm::{Alarm, Incident};
use crate::availability::log::AvailabilityLog;
use crate::canary::Failure;
use crate::config::Config;
use crate::health::{
    self, AddressHealth, AddressState, BlindSpot, Board, CanaryRecord, LastResult, Link, Observer,
    OutlierGrade, PeerHello, Reference, RegionSights, Sites, Status, View, Vitals, limited_zones,
};
use crate::intent::{Action, Drill, Intent};
use crate::load::Outlook;
use crate::moment::Moment;
use crate::region::{AddressId, Family, RegionId, Site, ZoneId};
use crate::share::Share;

/// What is known of everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The number of the last published snapshot.
    pub snapshot: u64,
    /// The alarms that last.
    pub alarms: Vec<Alarm>,
    /// The incidents that are open, the most severe first, and after them the last that are over.
    pub incidents: Vec<Incident>,
    /// The intents in force.
    pub intents: Vec<Intent>,
    /// The drills that are remembered, the latest last.
    pub drills: Arc<Vec<Drill>>,
    /// What the machine would do if it were allowed to.
    pub proposals: Vec<Proposal>,
    /// How far those intents are that send clients away.
    pub drains: Vec<DrainProgress>,
    /// The regions, in the order of the configuration, as are all lists below.
    pub regions: Vec<RegionReport>,
    /// The references outside the regions.
    pub references: Vec<Reference>,
    /// The other instances that judge with this one, by name.
    pub peers: Vec<ObserverReport>,
    /// What the clients ask for and where they are sent, to predict from.
    pub outlook: Outlook,
    /// Who was up for how long.
    pub availability: Arc<AvailabilityLog>,
}

/// What is known of a region.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionReport {
    pub name: String,
    /// Its status as it is served, by family.
    pub status: [Status; 2],
    /// The intent that decides how much of its clients it takes; `None`: none does.
    pub intent: Option<String>,
    /// What it says of itself.
    pub vitals: Vitals,
    /// What the requests of its clients say of it.
    pub grade: OutlierGrade,
    /// How all observers see it, by family; `None`: this instance judges alone.
    pub sights: [Option<RegionSights>; 2],
    /// The share of the clients at home there that it sheds because it is full.
    pub away: Share,
    /// What the canaries say that probe it once.
    pub canaries: Vec<CanaryReport>,
    pub zones: Vec<ZoneReport>,
}

impl RegionReport {
    /// Returns the family with the worse phase of those in which it has addresses.
    pub fn worse_family(&self) -> Family {
        let there = Family::BOTH.into_iter().filter(|family| self.status[*family as usize].exists());
        there.max_by_key(|family| self.status[*family as usize].phase).unwrap_or(Family::V4)
    }

    /// Returns its status and those of its zones, in every family that they have.
    pub fn statuses(&self) -> impl Iterator<Item = &Status> {
        let of_zones = self.zones.iter().flat_map(|zone| &zone.status);
        self.status.iter().chain(of_zones).filter(|status| status.exists())
    }

    /// Returns which of its zones take fewer clients than all: `1 of 3 zones held`; `None`: each of them takes all.
    pub fn limited_zones(&self, family: Family) -> Option<String> {
        let zones = self.zones.iter().map(|zone| &zone.status[family as usize]);
        limited_zones(&self.status[family as usize], zones)
    }
}

/// What is known of another instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverReport {
    pub name: String,
    pub is_heard: bool,
    /// Whether it has been silent for so long that the others judge without it.
    pub is_lost: bool,
    /// When its stream began, or the last one ended.
    pub since: Moment,
    /// When it told a fact last; `None`: never.
    pub told_at: Option<Moment>,
    /// Why it is not heard; `None`: it is.
    pub why: Option<String>,
    /// What it said of itself last; `None`: it was never heard.
    pub hello: Option<PeerHello>,
}

/// What is known of an availability zone.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneReport {
    pub name: String,
    /// Its status as it is served, by family; when it is alone in its region, in the region's phase.
    pub status: [Status; 2],
    /// The intent that decides apart from its region how much of its clients it takes; `None`: none does.
    pub intent: Option<String>,
    /// What the requests of its clients say of it.
    pub grade: OutlierGrade,
    pub addresses: Vec<AddressReport>,
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressReport {
    pub ip: IpAddr,
    pub state: AddressState,
    /// When the state began; rising does not interrupt being down.
    pub since: Moment,
    /// The canary and the failure that keep it from being up; `None` when it is.
    pub why: Option<(String, Failure)>,
    /// What each canary says.
    pub canaries: Vec<CanaryReport>,
}

/// What a canary says of an address, or of a region as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryReport {
    pub name: String,
    /// Where it leaves what it watches.
    pub state: AddressState,
    pub since: Moment,
    /// How many of its last results were failures.
    pub failures: u32,
    /// How many of its last results were successes.
    pub successes: u32,
    /// Its last result that was judged; `None` before the first.
    pub last: Option<LastResult>,
    /// Its last failure, however long ago.
    pub failure: Option<Failure>,
    /// What keeps this instance from seeing by it; `None`: nothing.
    pub blind: Option<BlindSpot>,
}

impl RegionReport {
    /// Says what keeps this instance from seeing the region, in whole or in part; `None`: nothing.
    pub fn blind(&self) -> Option<String> {
        let of_addresses =
            self.zones.iter().flat_map(|zone| &zone.addresses).map(|address| &address.canaries);
        let canaries = || of_addresses.clone().flatten().chain(&self.canaries);
        let mut blind = canaries().filter_map(|canary| canary.blind.as_ref());
        let BlindSpot { blindness, .. } = blind.next()?;
        let (count, all) = (1 + blind.count(), canaries().count());
        Some(format!("{count} of {all} probes cannot be made: {}", blindness.detail))
    }
}

impl RegionReport {
    /// Says of each zone that takes fewer clients than all for a reason of its own, or that this instance cannot see, how
    /// it stands: `tokyo-a ramp at 10%`, `tokyo-b blind`.
    pub fn notable_zones(&self) -> Vec<String> {
        let of_region: Vec<_> = self.status.iter().filter_map(Status::limit).collect();
        let told = self.zones.iter().filter_map(|zone| {
            let there = zone.status.iter().filter(|status| status.exists());
            let worst = there.max_by_key(|status| (status.limit().is_some(), status.phase));
            let limit = worst.and_then(|status| Some((status.limit()?, status.takes())));
            let limit = limit.filter(|(word, _)| !of_region.contains(word));
            let limit = limit.map(|(word, takes)| match takes {
                Share::NONE | Share::ALL => word.to_owned(),
                part => format!("{word} at {part}"),
            });
            let mut canaries = zone.addresses.iter().flat_map(|address| &address.canaries);
            let blind = canaries.any(|canary| canary.blind.is_some()).then(|| "blind".to_owned());
            let states: Vec<_> = limit.into_iter().chain(blind).collect();
            (!states.is_empty()).then(|| format!("{} {}", zone.name, states.join(", ")))
        });
        told.collect()
    }

    /// Says who sees what while observers disagree; `None`: they agree.
    pub fn observers(&self, family: Family) -> Option<String> {
        let sights = self.sights[family as usize].as_ref()?;
        sights.disputed.is_some().then(|| sights.told())
    }
}

impl Report {
    /// Reads everything off the board, the sites and the view of steering; `judged` is the board that all observers have in
    /// common, and `board` says what this instance sees. What regions shed and what clients ask for is not known there,
    /// and is nothing.
    pub fn new(
        snapshot: u64,
        config: &Config,
        [board, judged]: [&Board; 2],
        sites: &Sites,
        view: &View,
        alarms: Vec<Alarm>,
        now: Moment,
    ) -> Self {
        let mut zones = ZoneReports { config, board, judged, sites, view, next: 0, next_address: 0 };
        let sights = |id| Family::BOTH.map(|family| judged.joint_sights.region(id, family).cloned());
        let regions = config.regions.iter().map(|(id, region)| RegionReport {
            name: region.name.clone(),
            status: Family::BOTH.map(|family| *view.status(id, family)),
            intent: None,
            vitals: health::vitals(board, Site::Region(id), Moment::default(), now),
            grade: sites.grade(Site::Region(id)),
            sights: sights(id),
            away: Share::NONE,
            canaries: canary_reports(config, board.whole(id)),
            zones: region.zones.iter().map(|_| zones.read()).collect(),
        });
        Self {
            snapshot,
            alarms,
            incidents: Vec::new(),
            intents: Vec::new(),
            drills: Arc::default(),
            proposals: Vec::new(),
            drains: Vec::new(),
            regions: regions.collect(),
            references: board.references.iter().cloned().collect(),
            peers: Vec::new(),
            outlook: Outlook::default(),
            availability: Arc::default(),
        }
    }

    /// Writes at every region and zone which intent decides how much of its clients it takes.
    pub(super) fn name_intents(&mut self) {
        for region in &mut self.regions {
            region.intent = decisive(&self.intents, &region.name, None);
            for zone in &mut region.zones {
                zone.intent = decisive(&self.intents, &region.name, Some(&zone.name));
            }
        }
    }

    /// Returns the report on the region with this number.
    pub fn region(&self, id: RegionId) -> Option<&RegionReport> {
        self.regions.get(usize::from(id.0))
    }
}

impl ObserverReport {
    /// Returns whether it is heard, in a word: `heard`, `silent` or `lost`.
    pub fn state(&self) -> &'static str {
        match self {
            Self { is_heard: true, .. } => "heard",
            Self { is_lost: true, .. } => "lost",
            Self { .. } => "silent",
        }
    }

    /// Reads what is known of another instance.
    pub(super) fn of(observer: &Observer, is_lost: bool) -> Self {
        let why = match &observer.link {
            Link::Fresh(_) => None,
            Link::Silent { why, .. } => Some(why.clone()),
        };
        Self {
            name: observer.name.to_string(),
            is_heard: why.is_none(),
            is_lost,
            since: observer.since,
            told_at: observer.told_at,
            why,
            hello: observer.hello.clone(),
        }
    }
}

/// Returns the intent that decides first about a region, or a zone of it, for people.
fn decisive(intents: &[Intent], region: &str, zone: Option<&str>) -> Option<String> {
    let is_about = |intent: &&Intent| {
        let target = intent.request.action.target();
        target.is_some_and(|target| {
            target.region() == region && target.zone() == zone && target.address().is_none()
        })
    };
    let ranked = intents.iter().filter(is_about);
    let ranked = ranked.filter_map(|intent| Some((precedence(&intent.request.action)?, intent)));
    let (_, intent) = ranked.max_by_key(|(precedence, intent)| (*precedence, intent.number))?;
    Some(format!("{} (intent {})", intent.request.action, intent.number))
}

/// Returns how early a wish decides about its region or zone, the higher the earlier, in the order that is laid down
/// in [`intent`](crate::intent); `None`: it is about something else than who is sent there.
fn precedence(action: &Action) -> Option<u8> {
    match action {
        Action::Disable { .. } => Some(2),
        Action::Shift { .. } | Action::Drain { .. } | Action::Drill { .. } => Some(1),
        Action::Force { .. } => Some(0),
        Action::Failover { .. }
        | Action::Approve { .. }
        | Action::Capacity { .. }
        | Action::Weights { .. } => None,
    }
}

/// Reads the zones of all regions, in their order.
struct ZoneReports<'a> {
    config: &'a Config,
    board: &'a Board,
    judged: &'a Board,
    sites: &'a Sites,
    view: &'a View,
    next: u16,
    next_address: u32,
}

impl ZoneReports<'_> {
    fn read(&mut self) -> ZoneReport {
        let regions = &self.config.regions;
        let id = ZoneId(self.next);
        self.next += 1;
        let zone = regions.zone(id);
        let addresses = zone.addresses.iter().map(|ip| {
            let address = AddressId(self.next_address);
            self.next_address += 1;
            let judged = self.judged.address(address);
            address_report(self.config, *ip, judged, self.board.address(address))
        });
        let addresses = addresses.collect();
        // The only zone of a region has no windows of its own.
        let region = regions.region_of(id);
        let of = if regions.region(region).zones.len() > 1 { Site::Zone(id) } else { Site::Region(region) };
        ZoneReport {
            name: zone.name.clone(),
            status: Family::BOTH.map(|family| *self.view.status(id, family)),
            intent: None,
            grade: self.sites.grade(of),
            addresses,
        }
    }
}

fn address_report(config: &Config, ip: IpAddr, judged: &AddressHealth, own: &AddressHealth) -> AddressReport {
    let why = judged.cause().map(|cause| {
        let canary = &config.canaries[usize::from(cause.canary.0)];
        (canary.name.clone(), cause.failure)
    });
    AddressReport {
        ip,
        state: judged.state(),
        since: judged.since(),
        why,
        canaries: canary_reports(config, own),
    }
}

/// Reads what each canary says of an address, or of a region as a whole.
fn canary_reports(config: &Config, track: &AddressHealth) -> Vec<CanaryReport> {
    let name = |record: &CanaryRecord| config.canaries[usize::from(record.canary.0)].name.clone();
    let canaries = track.records().iter().map(|record| CanaryReport {
        name: name(record),
        state: record.streak.state(),
        since: record.since,
        failures: record.streak.failures(),
        successes: record.streak.successes(),
        last: record.last,
        failure: record.failure.clone(),
        blind: record.blind.clone(),
    });
    canaries.collect()
}
