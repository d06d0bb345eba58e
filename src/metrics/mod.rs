//! What is counted and measured, and how it is printed for Prometheus.
//!
//! Labels are bounded: zones, regions, canaries and addresses come from the configuration that is in
//! force, types and response codes from fixed lists; what a reload removes takes its series along.
//! Answers are counted in [`AnswerCounters`], without locks; everything else is rare and goes through
//! prometheus-client's families.

mod answer_times;
pub(crate) mod answers;
mod collector;
mod delivery;
mod exposition;
mod instance;
mod labels;
mod peers;
mod process;
mod resolvers;
mod sites;
#[cfg(test)]
mod tests;
mod transfers;
mod transports;
mod unread;

pub use answer_times::AnswerTimes;
pub use answers::{AllAnswers, AnswerCounters, ReplyLimit, Totals};
pub use delivery::{Delivery, DeliveryMetrics, DeliveryReport, WebhookStatus};
pub use exposition::Exposition;
pub use peers::PeerMetrics;
pub use resolvers::{ResolverSummary, ResolverTable, ResolverWatch};
pub use transfers::{
    LastRefusal, NotifiedSecondary, TakenTransfer, TransferMetrics, TransferReport, ZoneTransferReport,
};
pub use transports::{TcpMetrics, UdpMetrics};
pub use unread::{UnreadDatagrams, UnreadSocket};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::canary::{BlindCause, FailureClass, Observation, Subject};
use crate::config::Config;
use crate::control::Report;
use crate::event::Event;
use crate::health::{AddressState, View};
use crate::intent::last_good;
use crate::moment::Moment;
use crate::region::{AddressId, Regions};
use crate::snapshot::Snapshot;
use instance::InstanceMetrics;
use labels::{
    AddressIn, AddressOf, BlindBy, CanaryOf, CanaryResult, ChangeTo, EventOf, IntentIn, OfStateFile, Refused,
    RegionOf, ResultLabel, Tallies,
};
use process::ProcessCollector;
use sites::SiteGauges;

/// Upper bounds of the latency buckets in seconds: a canary next door takes 1 ms, one around the globe
/// 300 ms, and none takes longer than its timeout, normally 2 s to 10 s.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The states of an address as far as answers depend on it.
const STATES: [AddressState; 3] = [AddressState::Up, AddressState::Suspect, AddressState::Down];

/// The word for a canary that succeeded; the others are the classes of failure.
const OK: &str = "ok";

/// Everything that is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    /// The event log and webhooks.
    pub delivery: DeliveryMetrics,
    /// What is lost on the way into and out of the UDP sockets.
    pub udp: UdpMetrics,
    pub tcp: TcpMetrics,
    /// The other instances.
    pub peers: PeerMetrics,
    /// Plain secondaries.
    pub transfers: TransferMetrics,
    registry: Registry,
    /// Series whose names are not this program's own: `process_…`.
    foreign: Registry,
    instance: InstanceMetrics,
    answers: Arc<AllAnswers>,
    /// The resolvers that still get addresses which clients are sent away from.
    watch: Mutex<ResolverWatch>,
    /// The canaries in force and their regions, which have series of their own.
    watched: Mutex<BTreeSet<CanaryOf>>,
    canary_results: Family<CanaryResult, Counter>,
    canary_slow: Family<CanaryOf, Counter>,
    probe_blind: Family<BlindBy, Counter>,
    canary_durations: Family<CanaryOf, Histogram, fn() -> Histogram>,
    address_states: Family<AddressIn, Gauge>,
    state_changes: Family<ChangeTo, Counter>,
    sites: SiteGauges,
    intents: Tallies<IntentIn>,
    drill_successes: Family<RegionOf, Gauge>,
    events: Family<EventOf, Counter>,
    reloads: Family<ResultLabel, Counter>,
    state_files: Family<OfStateFile, Gauge>,
    admin_refusals: Family<Refused, Counter>,
    answer_times: AnswerTimes,
    snapshot_number: Gauge,
    snapshot_duration: Histogram,
    writer_lag: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            delivery: DeliveryMetrics::default(),
            udp: UdpMetrics::default(),
            tcp: TcpMetrics::default(),
            peers: PeerMetrics::default(),
            transfers: TransferMetrics::default(),
            registry: Registry::with_prefix("meridian"),
            foreign: Registry::default(),
            instance: InstanceMetrics::default(),
            answers: Arc::default(),
            watch: Mutex::default(),
            watched: Mutex::default(),
            canary_results: Family::default(),
            canary_slow: Family::default(),
            probe_blind: Family::default(),
            canary_durations: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            address_states: Family::default(),
            state_changes: Family::default(),
            sites: SiteGauges::default(),
            intents: Tallies::default(),
            drill_successes: Family::default(),
            events: Family::default(),
            reloads: Family::default(),
            state_files: Family::default(),
            admin_refusals: Family::default(),
            answer_times: AnswerTimes::default(),
            snapshot_number: Gauge::default(),
            snapshot_duration: Histogram::new(LATENCIES),
            writer_lag: Histogram::new(LATENCIES),
        };
        for result in ["ok", "failed"] {
            metrics.reloads.get_or_create(&ResultLabel { result }).inc_by(0);
        }
        for cause in BlindCause::ALL.map(BlindCause::as_str) {
            metrics.probe_blind.get_or_create(&BlindBy { cause }).inc_by(0);
        }
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        self.foreign.register_collector(Box::new(ProcessCollector));
        let registry = &mut self.registry;
        self.instance.register(registry);
        let answers =
            collector::AnswerCollector { answers: self.answers.clone(), unread: self.udp.unread.clone() };
        registry.register_collector(Box::new(answers));
        self.answer_times = AnswerTimes::register(registry);
        self.udp.register(registry);
        self.tcp.register(registry);
        registry.register("canary_results", "Canary results by class", self.canary_results.clone());
        registry.register("canary_slow", "Canary successes above their limit", self.canary_slow.clone());
        let help =
            "Probes that this machine could not make, by cause: no_ipv6, no_route, out_of_descriptors, ...";
        registry.register("probe_blind", help, self.probe_blind.clone());
        registry.register("canary_duration_seconds", "How long canaries took", self.canary_durations.clone());
        let help = "State of an address: 1 for the state that it is in, 0 for the others";
        registry.register("address_state", help, self.address_states.clone());
        registry.register("state_changes", "Changes of addresses to a state", self.state_changes.clone());
        self.register_regions();
        self.delivery.register(&mut self.registry);
        self.peers.register(&mut self.registry);
        self.transfers.register(&mut self.registry);
        self.transfers.begin();
        let registry = &mut self.registry;
        registry.register("reloads", "Reloads of the configuration", self.reloads.clone());
        let help = "Whether a file of the state directory could not be written the last time: 1 until it is";
        registry.register("state_unwritten", help, self.state_files.clone());
        let help = "Requests to the admin address that were refused, by why: wrong_token, must_operate, ...";
        registry.register("admin_refusals", help, self.admin_refusals.clone());
        let help = "Number of the snapshot that is served";
        registry.register("snapshot_number", help, self.snapshot_number.clone());
        let help = "From an input that changes what is served to the snapshot that serves it";
        registry.register("snapshot_duration_seconds", help, self.snapshot_duration.clone());
        let help = "From the end of a probe to its effect on what is served";
        registry.register("writer_lag_seconds", help, self.writer_lag.clone());
        self
    }

    /// Returns where the times of answers are noted.
    pub fn answer_times(&self) -> AnswerTimes {
        self.answer_times.clone()
    }

    fn register_regions(&mut self) {
        self.sites.register(&mut self.registry);
        let registry = &mut self.registry;
        let help = "Intents in force by what they are, shift, drain, drill, ..., and where they stand";
        registry.register("intents", help, self.intents.gauges());
        let help =
            "When the last good drill of a whole region ended, in seconds since the epoch; no series: never";
        registry.register("drill_last_success_timestamp_seconds", help, self.drill_successes.clone());
        let help = "Events by kind, address_down, region_out, phase_changed, ..., and severity";
        registry.register("events", help, self.events.clone());
    }

    /// Starts to count the answers from another configuration with so many parts of clients, and forgets the states of its
    /// predecessor's addresses and regions, and the counts of regions and canaries that are gone.
    pub fn begin(&self, config: &Config, parts: usize) -> Arc<AnswerCounters> {
        self.address_states.clear();
        self.sites.clear();
        self.peers.clear();
        self.drill_successes.clear();
        self.instance.begin(config);
        let watching = watching(config);
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in watched.difference(&watching) {
            self.forget(gone);
            // Only canaries change states, so that a region without any has no changes.
            if watching.iter().all(|of| of.region != gone.region) {
                self.forget_changes(&gone.region);
            }
        }
        *watched = watching;
        self.answers.begin(config, parts)
    }

    fn forget(&self, gone: &CanaryOf) {
        self.canary_durations.remove(gone);
        self.canary_slow.remove(gone);
        let classes = FailureClass::ALL.map(FailureClass::as_str);
        for result in classes.into_iter().chain([OK]) {
            let CanaryOf { region, canary } = gone.clone();
            self.canary_results.remove(&CanaryResult { region, canary, result });
        }
    }

    fn forget_changes(&self, region: &str) {
        for state in STATES {
            let (region, state) = (region.to_owned(), state.as_str());
            self.state_changes.remove(&ChangeTo { region, state });
        }
    }

    /// Counts the resolvers that get these addresses from now on; tables of regions that are counted already stay.
    pub fn watch(&self, regions: &Regions, leaving: &[AddressId]) -> ResolverWatch {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        *watch = watch.next(regions, leaving);
        watch.clone()
    }

    /// Returns the resolvers that got addresses of a region since clients are sent away from it; `None`: they are not.
    pub fn resolvers(&self, region: &str) -> Option<ResolverSummary> {
        let watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let table = watch.find(region);
        drop(watch);
        table.map(|table| table.summary())
    }

    /// Notes what is served now.
    pub fn published(&self, snapshot: &Snapshot) {
        self.snapshot_number.set(i64::try_from(snapshot.number).unwrap_or(i64::MAX));
    }

    /// Notes the states of all addresses, and counts what has changed since `before`; `None`: nothing
    /// to compare with, the configuration is another.
    pub fn standings(&self, regions: &Regions, view: &View, before: Option<&View>) {
        for (id, _) in regions.addresses() {
            let state = view.of(id);
            for known in STATES {
                let of = AddressIn { of: address_of(regions, id), state: known.as_str() };
                self.address_states.get_or_create(&of).set((known == state.state()).into());
            }
            if before.is_some_and(|before| before.of(id).state() != state.state()) {
                let region = regions.region(regions.address(id).region).name.clone();
                let change = ChangeTo { region, state: state.state().as_str() };
                self.state_changes.get_or_create(&change).inc();
            }
        }
    }

    /// Notes how the regions and intents stand.
    pub fn reported(&self, report: &Report) {
        self.instance.alarmed(&report.alarms);
        self.intents.count(
            report
                .intents
                .iter()
                .map(|intent| IntentIn { kind: intent.request.action.word(), state: intent.phase.as_str() }),
        );
        for region in &report.regions {
            let of = RegionOf { region: region.name.clone() };
            if let Some(at) = last_good(&report.drills, &region.name).and_then(|drill| drill.ended_at) {
                self.drill_successes.get_or_create(&of).set(i64::try_from(at.0 / 1000).unwrap_or(i64::MAX));
            }
            self.sites.reported(region);
            self.peers.disputed(region);
        }
        report.peers.iter().for_each(|peer| self.peers.reported(peer));
    }

    /// Counts an event.
    pub fn emitted(&self, event: &Event) {
        self.events
            .get_or_create(&EventOf { kind: event.kind.to_string(), severity: event.severity.as_str() })
            .inc();
    }

    /// Counts a canary result.
    pub fn observed(&self, config: &Config, observation: &Observation) {
        let regions = &config.regions;
        let region = match observation.subject {
            Subject::Address(address) => regions.address(address).region,
            Subject::Region(region) => region,
        };
        let region = regions.region(region).name.clone();
        let settings = &config.canaries[usize::from(observation.canary.0)];
        let canary = settings.name.clone();
        let result = match &observation.result {
            Ok(()) => OK,
            Err(failure) => failure.class.as_str(),
        };
        let of = CanaryOf { region: region.clone(), canary: canary.clone() };
        self.canary_durations.get_or_create(&of).observe(observation.latency.as_secs_f64());
        if observation.result.is_ok() && settings.is_slow(observation.latency) {
            self.canary_slow.get_or_create(&of).inc();
        }
        let result = CanaryResult { region, canary, result };
        self.canary_results.get_or_create(&result).inc();
    }

    /// Counts a probe that this machine could not make.
    pub fn blind(&self, cause: BlindCause) {
        self.probe_blind.get_or_create(&BlindBy { cause: cause.as_str() }).inc();
    }

    /// Measures how long an observation waited for the writer and took to be published.
    pub fn writer_lag(&self, lag: Duration) {
        self.writer_lag.observe(lag.as_secs_f64());
    }

    /// Notes whether the last write of a file of the state directory succeeded.
    pub fn state_file(&self, file: &'static str, is_written: bool) {
        self.state_files.get_or_create(&OfStateFile { file }).set(i64::from(!is_written));
    }

    /// Measures how long a snapshot took, from the input that asked for it until it was served.
    pub fn snapshot_took(&self, took: Duration) {
        self.snapshot_duration.observe(took.as_secs_f64());
    }

    /// Counts a time that the configuration was read, at the start or by a reload.
    pub fn reloaded(&self, succeeded: bool, at: Moment) {
        let result = if succeeded { "ok" } else { "failed" };
        self.reloads.get_or_create(&ResultLabel { result }).inc();
        self.instance.reloaded(succeeded, at);
    }

    /// Notes the configuration in force: the name of the instance, and the digest of its files.
    pub fn configured(&self, name: &str, digest: &str) {
        self.instance.configured(name, digest);
    }

    /// Notes the location database in force, by its type, digest and build time; `None`: there is none.
    pub fn located_by(&self, database: Option<(&str, &str, Moment)>) {
        self.instance.located_by(database);
    }

    /// Counts a request to the admin address that was refused.
    pub fn admin_refused(&self, why: &'static str) {
        self.admin_refusals.get_or_create(&Refused { why }).inc();
    }

    /// Returns how many queries were answered with the addresses of each region, by name.
    pub fn answers_by_region(&self) -> BTreeMap<String, u64> {
        self.answers.totals().regions
    }

    /// Returns everything in a text format.
    pub fn render(&self, exposition: Exposition) -> String {
        let mut page = String::new();
        let written = text::encode_registry(&mut page, &self.registry)
            .and_then(|()| text::encode_registry(&mut page, &self.foreign))
            .and_then(|()| text::encode_eof(&mut page));
        written.expect("writing to a string cannot fail");
        exposition.of(page)
    }
}

/// Returns every canary with each region that it watches.
fn watching(config: &Config) -> BTreeSet<CanaryOf> {
    let regions = config.regions.iter();
    let pairs = regions.flat_map(|(_, region)| {
        region.canaries.iter().map(|canary| CanaryOf {
            region: region.name.clone(),
            canary: config.canaries[usize::from(canary.0)].name.clone(),
        })
    });
    pairs.collect()
}

fn address_of(regions: &Regions, id: AddressId) -> AddressOf {
    let address = regions.address(id);
    AddressOf {
        region: regions.region(address.region).name.clone(),
        availability_zone: regions.zone(address.zone).name.clone(),
        address: address.ip.to_string(),
    }
}
