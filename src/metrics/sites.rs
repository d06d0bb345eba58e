//! Gauges of regions and availability zones, as the last report has them.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Fraction, RegionFamily, RegionOf, RegionPhase, ZoneFamily, ZonePhase};
use crate::control::RegionReport;
use crate::health::{Phase, Status};
use crate::region;

const SECONDS_A_DAY: f64 = 86_400.0;

/// What is measured of regions and zones.
#[derive(Debug, Default)]
pub(super) struct SiteGauges {
    region_shares: Family<RegionFamily, Fraction>,
    region_phases: Family<RegionPhase, Gauge>,
    region_loads: Family<RegionOf, Fraction>,
    region_shed: Family<RegionOf, Fraction>,
    region_error_rates: Family<RegionOf, Fraction>,
    region_latencies: Family<RegionOf, Fraction>,
    region_lags: Family<RegionOf, Fraction>,
    certificates: Family<RegionOf, Fraction>,
    zone_shares: Family<ZoneFamily, Fraction>,
    zone_phases: Family<ZonePhase, Gauge>,
}

impl SiteGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "The share of its clients that a region takes, 0 to 1";
        registry.register("region_share", help, self.region_shares.clone());
        let phases = "1 for the phase that it is in, 0 for the others";
        registry.register("region_phase", format!("Phase of a region: {phases}"), self.region_phases.clone());
        let help = "The share of its capacity that a region reports to be in use; no series while unknown";
        registry.register("region_load", help, self.region_loads.clone());
        let help = "The share of its clients that a region sends elsewhere because it is full, 0 to 1";
        registry.register("region_shed", help, self.region_shed.clone());
        let help = "The share of its requests that fail, as a region reports it; no series while unknown";
        registry.register("region_error_rate", help, self.region_error_rates.clone());
        let help = "The latency that 95 % of its requests do not exceed, as a region reports it; no series while unknown";
        registry.register("region_p95_latency_seconds", help, self.region_latencies.clone());
        let help = "How far the replica of a region is behind, as it reports it; no series while unknown";
        registry.register("region_replication_lag_seconds", help, self.region_lags.clone());
        let help = "How long the first certificate to expire that canaries of a region see is still valid";
        registry.register("region_certificate_validity_seconds", help, self.certificates.clone());
        let help = "The share of its region's clients that get addresses of an availability zone, 0 to 1";
        registry.register("zone_share", help, self.zone_shares.clone());
        let help = format!("Phase of an availability zone: {phases}");
        registry.register("zone_phase", help, self.zone_phases.clone());
    }

    /// Forgets the regions and zones of another configuration.
    pub(super) fn clear(&self) {
        self.region_shares.clear();
        self.region_phases.clear();
        self.region_loads.clear();
        self.region_shed.clear();
        self.region_error_rates.clear();
        self.region_latencies.clear();
        self.region_lags.clear();
        self.certificates.clear();
        self.zone_shares.clear();
        self.zone_phases.clear();
    }

    /// Notes how a region and its zones stand.
    pub(super) fn reported(&self, region: &RegionReport) {
        let of = RegionOf { region: region.name.clone() };
        self.region_shed.get_or_create(&of).set(region.away.fraction());
        let vitals = &region.vitals;
        let validity = vitals.certificate_days.map(|days| days * SECONDS_A_DAY);
        for (family, value) in [
            (&self.region_loads, vitals.load),
            (&self.region_error_rates, vitals.error_rate),
            (&self.region_latencies, vitals.p95_latency_seconds),
            (&self.region_lags, vitals.replication_lag_seconds),
            (&self.certificates, validity),
        ] {
            // No series, for zero would be a value.
            match value {
                Some(value) => _ = family.get_or_create(&of).set(value),
                None => _ = family.remove(&of),
            }
        }
        for (family, status) in by_family(&region.status) {
            let of = RegionFamily { region: region.name.clone(), family };
            self.region_shares.get_or_create(&of).set(status.takes().fraction());
            for (phase, is_in) in phases(status) {
                self.region_phases.get_or_create(&RegionPhase { of: of.clone(), phase }).set(is_in.into());
            }
        }
        for zone in &region.zones {
            for (family, status) in by_family(&zone.status) {
                let of =
                    ZoneFamily { region: region.name.clone(), availability_zone: zone.name.clone(), family };
                self.zone_shares.get_or_create(&of).set(status.takes().fraction());
                for (phase, is_in) in phases(status) {
                    self.zone_phases.get_or_create(&ZonePhase { of: of.clone(), phase }).set(is_in.into());
                }
            }
        }
    }
}

/// Returns the status of a site in each family that it has, with the label of the family.
fn by_family(status: &[Status; 2]) -> impl Iterator<Item = (&'static str, &Status)> {
    let labels = region::Family::BOTH.map(region::Family::as_str);
    labels.into_iter().zip(status).filter(|(_, status)| status.exists())
}

/// Returns every phase, and whether a site is in it.
fn phases(status: &Status) -> impl Iterator<Item = (&'static str, bool)> {
    Phase::ALL.into_iter().map(|phase| (phase.as_str(), phase == status.phase))
}
