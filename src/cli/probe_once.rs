//! Every canary once against every address, before anything is served: what each saw.
//!
//! The probes are those of the server, and so are the pairs; only the schedule is not followed.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::canary::{Canary, Epoch, ProbeError, Subject};
use crate::config::Config;
use crate::moment::Moment;
use crate::probe::{MAX_AT_ONCE, Pair, Probe, ProbeSchedule, Trust};
use crate::region::Regions;

/// What every probe saw, in the order of the configuration.
#[derive(Debug)]
pub struct ProbedOnce(Vec<ProbeLine>);

/// What one probe saw.
#[derive(Debug)]
struct ProbeLine {
    region: String,
    /// The availability zone and the address; `None`: the region was probed as a whole.
    address: Option<(String, IpAddr)>,
    canary: String,
    result: Result<Duration, String>,
    remark: Option<String>,
}

/// Runs every canary of a configuration once.
pub async fn probe_once(config: &Config) -> ProbedOnce {
    let (trust, slots) = (Trust::default(), Arc::new(Semaphore::new(MAX_AT_ONCE)));
    let mut schedule = ProbeSchedule::new(0);
    let mut probes = JoinSet::new();
    let ids = schedule.watch(&config.regions, &config.canaries, Epoch(0), Moment::default());
    for (place, pair) in ids.into_iter().filter_map(|id| schedule.pair(id)).enumerate() {
        let probe = Probe::new(&pair.settings.check, &pair.watched, &trust);
        let (line, settings, slots) =
            (line(&config.regions, pair), Arc::clone(&pair.settings), Arc::clone(&slots));
        probes.spawn(async move {
            let _slot = slots.acquire().await;
            match probe {
                Ok(probe) => (place, ran(&probe, &settings, line).await),
                Err(error) => (place, ProbeLine { result: Err(error.to_string()), ..line }),
            }
        });
    }
    let mut lines = probes.join_all().await;
    lines.sort_unstable_by_key(|(place, _)| *place);
    ProbedOnce(lines.into_iter().map(|(_, line)| line).collect())
}

async fn ran(probe: &Probe, settings: &Canary, line: ProbeLine) -> ProbeLine {
    let started = Instant::now();
    let seen = probe.run(settings.timeout).await;
    let result = match seen.result {
        Ok(()) => Ok(started.elapsed()),
        Err(ProbeError::Failed(failure)) => Err(failure.detail),
        Err(ProbeError::Blind(blindness)) => {
            Err(format!("this machine cannot probe it: {}", blindness.detail))
        }
    };
    ProbeLine { result, remark: seen.remark, ..line }
}

fn line(regions: &Regions, pair: &Pair) -> ProbeLine {
    let (region, address) = match pair.subject {
        Subject::Region(region) => (region, None),
        Subject::Address(id) => {
            let address = regions.address(id);
            (address.region, Some((regions.zone(address.zone).name.clone(), address.ip)))
        }
    };
    ProbeLine {
        region: regions.region(region).name.clone(),
        address,
        canary: pair.settings.name.clone(),
        result: Ok(Duration::ZERO),
        remark: None,
    }
}

impl ProbedOnce {
    /// Returns how many probes failed.
    pub fn failures(&self) -> usize {
        self.0.iter().filter(|line| line.result.is_err()).count()
    }
}

impl ProbeLine {
    fn target(&self) -> String {
        match &self.address {
            Some((zone, address)) => format!("{}/{zone}/{address}", self.region),
            None => self.region.clone(),
        }
    }
}

impl fmt::Display for ProbedOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&ProbeLine) -> usize| self.0.iter().map(of).max().unwrap_or_default();
        let (targets, canaries) = (width(|line| line.target().len()), width(|line| line.canary.len()));
        for line in &self.0 {
            write!(f, "{:<targets$}  {:<canaries$}  ", line.target(), line.canary)?;
            match &line.result {
                Ok(took) => write!(f, "ok in {} ms", took.as_millis())?,
                Err(why) => write!(f, "failed: {why}")?,
            }
            line.remark.iter().try_for_each(|remark| write!(f, " ({remark})"))?;
            writeln!(f)?;
        }
        writeln!(f, "{} of {} probes failed", self.failures(), self.0.len())
    }
}
