//! What if regions or availability zones are lost: every address in them down, and everything else as it is.
//!
//! The regions are taken to leave the answers, also those that the machine would keep there (`failover: advise`,
//! `min_in_service`): the question is what their loss does to the others. Capacity is lost with them.

mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::BadLoss;
use crate::forecast::{Baseline, Forecast, RegionLoad, Situation};
use crate::health::{HealthTerms, SiteShare, Standing, Status, View};
use crate::load::{Outlook, Readings};
use crate::moment::Moment;
use crate::region::{Address, Failover, RegionId, Regions, Resolved, Target, UnknownTarget, ZoneId};
use crate::snapshot::Base;
use crate::units::Malformed;

/// The most regions of which every pair is tried: twice as many are four times the pairs, and 32 have 496.
pub const MAX_PAIRED: usize = 32;

/// The highest load that is asked about; more is a slip of the finger.
pub const MAX_LOAD: f64 = 1000.0;

/// A region that is above its hard limit and by less than this factor above what it was is no worse off.
const WORSE: f64 = 1.01;

/// What is lost together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    regions: Vec<RegionId>,
    zones: Vec<ZoneId>,
}

/// Why a text names nothing that could be lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLoss {
    /// A word has not the form of a target.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A word names nothing.
    #[error(transparent)]
    Unknown(#[from] UnknownTarget),
    #[error("`{0}` is one address; name a region or an availability zone")]
    Address(Target),
}

impl Loss {
    /// Reads `tokyo` and `tokyo/tokyo-a`, separated by commas.
    ///
    /// # Errors
    ///
    /// The first word that names neither a region nor an availability zone.
    pub fn parse(text: &str, regions: &Regions) -> Result<Self, NoLoss> {
        let mut loss = Self { regions: Vec::new(), zones: Vec::new() };
        for word in text.split(',').map(str::trim) {
            let target: Target = word.parse()?;
            match regions.resolve(&target)? {
                Resolved::Region(region) => loss.regions.push(region),
                Resolved::Zone(zone) => loss.zones.push(zone),
                Resolved::Address(_) => return Err(NoLoss::Address(target)),
            }
        }
        Ok(loss)
    }

    /// Returns every region, and every pair of regions that leaves another.
    pub fn each(regions: &Regions) -> Vec<Self> {
        let of = |lost: &[RegionId]| Self { regions: lost.to_vec(), zones: Vec::new() };
        let ids = || regions.iter().map(|(id, _)| id);
        let mut losses: Vec<_> = ids().map(|id| of(&[id])).collect();
        if (3..=MAX_PAIRED).contains(&regions.len()) {
            let pairs =
                ids().flat_map(|one| ids().filter(move |other| *other > one).map(move |other| [one, other]));
            losses.extend(pairs.map(|pair| of(&pair)));
        }
        losses
    }

    /// Returns what is lost, by name.
    pub fn names(&self, regions: &Regions) -> Vec<String> {
        let whole = self.regions.iter().map(|id| Resolved::Region(*id));
        let zones = self.zones.iter().map(|id| Resolved::Zone(*id));
        whole.chain(zones).map(|lost| regions.target(lost).to_string()).collect()
    }

    fn includes(&self, address: &Address) -> bool {
        self.regions.contains(&address.region) || self.zones.contains(&address.zone)
    }

    /// Returns what steering sees once this is lost.
    fn view(&self, now: &Present<'_>) -> View {
        let config = &now.base.config;
        let own = config.own_terms().into_iter().map(|terms| (terms, self.view_under(terms, now)));
        self.view_under(HealthTerms::Usual, now).with_own(own)
    }

    /// Returns what names with these terms see once this is lost.
    fn view_under(&self, terms: HealthTerms, now: &Present<'_>) -> View {
        let (regions, view) = (&now.base.config.regions, now.view.under(terms));
        let standing = |(id, address)| match self.includes(address) {
            true => Standing::Down { since: now.at },
            false => view.of(id),
        };
        let shares = regions.addresses().map(|(id, _)| view.share(id)).collect();
        let counted = View::counted(regions, regions.addresses().map(standing).collect());
        counted.with_shares(shares).map(|site, family, status| {
            let share = match view.status(site, family).share {
                out @ (SiteShare::Out { .. } | SiteShare::Disabled) => out,
                _ if !status.has_enough() && terms != HealthTerms::Steady => SiteShare::Out { since: now.at },
                share => share,
            };
            Status { share, ..status }
        })
    }

    /// Returns what the regions report once this is lost: that they have so much less capacity.
    fn readings(&self, now: &Present<'_>) -> Readings {
        let regions = &now.base.config.regions;
        let mut readings = now.outlook.readings.clone();
        for ((id, _), present) in regions.iter().zip(&mut readings.present) {
            let up = || regions.addresses_of(id).filter(|(address, _)| !now.view.of(*address).is_down());
            let left = up().filter(|(_, address)| !self.includes(address)).count();
            if left < up().count() {
                *present *= left as f64 / up().count() as f64;
            }
        }
        readings
    }
}

/// The situation in which something is lost.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// The configuration, and where clients are.
    pub base: &'a Base,
    /// What steering sees of health.
    pub view: &'a View,
    pub outlook: &'a Outlook,
    pub at: Moment,
}

/// What would happen if something were lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhatIf {
    /// What is lost: `tokyo`, `osaka/osaka-a`.
    pub lost: Vec<String>,
    /// What is bad about how it ends, a sentence each; empty: it ends well.
    pub bad: Vec<String>,
    /// Everything else.
    pub forecast: Forecast,
}

/// What would happen if each region, and each pair of regions, were lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Survey {
    /// What the demand was multiplied by.
    pub load: f64,
    /// Whether pairs were tried: there are enough regions, and not too many.
    pub tries_pairs: bool,
    /// Every loss, single regions first.
    pub losses: Vec<LossOutcome>,
    /// What was assumed or could not be checked.
    pub notes: Vec<String>,
}

/// How one loss of a survey ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LossOutcome")]
pub struct LossOutcome {
    /// What is lost.
    pub lost: Vec<String>,
    /// How much of all demand moves, 0 to 1.
    pub moved: f64,
    /// By how many kilometres those are farther away that move from region to region, on average; `None`: none move.
    pub added_km: Option<f64>,
    /// The fullest region that is left, and its load; `None`: no load is known.
    pub fullest: Option<(String, f64)>,
    /// What is bad about it, a sentence each; empty: it ends well.
    pub bad: Vec<String>,
    /// Whether an operator knows that it ends badly, and lets it pass.
    #[serde(default)]
    pub is_allowed: bool,
}

impl<'a> Present<'a> {
    fn baseline(&self, load: f64) -> Baseline<'a> {
        let before = Situation { view: self.view, readings: &self.outlook.readings };
        Baseline::new(self.base, self.outlook, before, load)
    }

    fn after(&self, loss: &Loss, baseline: &Baseline<'_>) -> Forecast {
        let (view, readings) = (loss.view(self), loss.readings(self));
        baseline.predict(Situation { view: &view, readings: &readings })
    }

    /// Works out what happens if something is lost while the demand is `load` times what it is.
    pub fn lose(&self, loss: &Loss, load: f64) -> WhatIf {
        let regions = &self.base.config.regions;
        let mut forecast = self.after(loss, &self.baseline(load));
        let slow = loss.regions.iter().map(|id| regions.region(*id));
        let slow = slow.filter(|region| region.failover != Failover::Auto);
        forecast.notes.extend(slow.map(|region| {
            format!(
                "{} does not leave by itself: its `failover` is `{}`, and this is what follows once it has left.",
                region.name,
                region.failover.as_str()
            )
        }));
        WhatIf { lost: loss.names(regions), bad: forecast.endings(), forecast }
    }

    /// Returns those of these regions whose loss would end badly, and worse than the present is: clients who may be sent
    /// to several regions would have none left, or a region would be lifted above its hard limit.
    pub fn bad_losses(&self, regions: impl Iterator<Item = RegionId>) -> Vec<BadLoss> {
        let baseline = self.baseline(1.0);
        let bad = regions.filter_map(|id| {
            let forecast = self.after(&Loss { regions: vec![id], zones: Vec::new() }, &baseline);
            let stranded = forecast.stranded.iter().filter(|one| one.is_new && one.permitted.len() > 1);
            let stranded = stranded.map(ToString::to_string).next();
            let is_worse = |one: &&RegionLoad| {
                one.is_above_hard
                    && one.load_before.zip(one.load_after).is_none_or(|(was, is)| is > was * WORSE)
            };
            let full = forecast.regions.iter().find(is_worse).map(|one| one.over(forecast.hard));
            let why = stranded.or(full)?;
            Some(BadLoss { region: self.base.config.regions.region(id).name.clone(), why })
        });
        bad.collect()
    }

    /// Tries every region, and every pair of regions.
    pub fn survey(&self, load: f64) -> Survey {
        let regions = &self.base.config.regions;
        let baseline = self.baseline(load);
        let mut notes: Vec<String> = Vec::new();
        let losses = Loss::each(regions).into_iter().map(|loss| {
            let forecast = self.after(&loss, &baseline);
            notes.extend(
                forecast.notes.iter().filter(|note| !notes.contains(note)).cloned().collect::<Vec<_>>(),
            );
            outcome(loss.names(regions), &forecast)
        });
        let losses = losses.collect();
        Survey { load, tries_pairs: (3..=MAX_PAIRED).contains(&regions.len()), losses, notes }
    }
}

impl Survey {
    /// Returns whether every loss ends well, or as an operator knows that it does.
    pub fn is_good(&self) -> bool {
        self.losses.iter().all(|outcome| outcome.bad.is_empty() || outcome.is_allowed)
    }

    /// Leaves out the losses of several regions together.
    pub fn leave_singles(&mut self) {
        self.losses.retain(|outcome| outcome.lost.len() == 1);
        self.tries_pairs = false;
    }
}

fn outcome(lost: Vec<String>, forecast: &Forecast) -> LossOutcome {
    let between = || forecast.moves.iter().filter_map(|one| Some((one.share, one.added_km?)));
    let share: f64 = between().map(|(share, _)| share).sum();
    let far: f64 = between().map(|(share, km)| share * km).sum();
    let loads =
        forecast.regions.iter().filter_map(|region| Some((region.region.clone(), region.load_after?)));
    LossOutcome {
        lost,
        moved: forecast.moves.iter().map(|one| one.share).sum(),
        added_km: (share > 0.0).then(|| far / share),
        fullest: loads.max_by(|one, other| one.1.total_cmp(&other.1)),
        bad: forecast.endings(),
        is_allowed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Outlook;
    use crate::snapshot::fixture;

    #[test]
    fn clients_of_a_name_whose_failover_is_off_stay_in_the_forecast_of_a_loss_too() {
        let regions = "regions:\n  \
                       tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1] } } }\n  \
                       osaka: { location: { latitude: 34, longitude: 135 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.2] } } }\n";
        let zone = |name: &str| {
            let steer = format!("regions: [tokyo, osaka], order: listed{name}");
            format!(
                "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
            )
        };
        let moved = |name: &str| {
            let base = fixture::base(regions, &zone(name));
            let view = View::all_up(&base.config.regions);
            let outlook = Outlook { readings: Readings::unknown(2), ..Outlook::default() };
            let present = Present { base: &base, view: &view, outlook: &outlook, at: Moment(1) };
            let loss = Loss::parse("tokyo", &base.config.regions).expect("it is there");
            let moves = present.lose(&loss, 1.0).forecast.moves;
            moves.iter().filter(|one| one.to.as_deref() == Some("osaka")).map(|one| one.share).sum::<f64>()
        };
        assert!((moved("") - 1.0).abs() < 1e-9 && moved(", failover: off") < 1e-9);
    }
}
