//! Series of the other instances, by their names in the configuration.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::RegionFamily;
use crate::control::{ObserverReport, RegionReport};
use crate::region;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPeer {
    peer: String,
}

/// What is counted and measured of peers.
#[derive(Debug, Default)]
pub struct PeerMetrics {
    lines: Family<OfPeer, Counter>,
    gaps: Family<OfPeer, Counter>,
    ends: Family<OfPeer, Counter>,
    heard: Family<OfPeer, Gauge>,
    disputes: Family<RegionFamily, Gauge>,
}

impl PeerMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("peer_heard", "Whether a peer is heard: 1 or 0", self.heard.clone());
        registry.register("peer_lines", "Lines that a peer told", self.lines.clone());
        registry.register("peer_gaps", "Streams of a peer in which a line was missing", self.gaps.clone());
        registry.register(
            "peer_stream_ends",
            "Streams of a peer that ended or did not begin",
            self.ends.clone(),
        );
        let help = "Whether some observers see a region up and others down: 1 or 0; no series without peers";
        registry.register("region_disputed", help, self.disputes.clone());
    }

    /// Counts a line that a peer told.
    pub fn heard(&self, peer: &str) {
        self.lines.get_or_create(&of(peer)).inc();
    }

    /// Counts a stream in which a line was missing.
    pub fn gap(&self, peer: &str) {
        self.gaps.get_or_create(&of(peer)).inc();
    }

    /// Counts a stream that ended, or did not begin.
    pub fn ended(&self, peer: &str) {
        self.ends.get_or_create(&of(peer)).inc();
    }

    /// Forgets the regions of another configuration.
    pub(super) fn clear(&self) {
        self.disputes.clear();
    }

    pub(super) fn reported(&self, peer: &ObserverReport) {
        self.heard.get_or_create(&of(&peer.name)).set(peer.is_heard.into());
    }

    pub(super) fn disputed(&self, region: &RegionReport) {
        for family in region::Family::BOTH {
            let sights = region.sights[family as usize].as_ref();
            if let Some(sights) = sights.filter(|_| region.status[family as usize].exists()) {
                let of = RegionFamily { region: region.name.clone(), family: family.as_str() };
                self.disputes.get_or_create(&of).set(sights.disputed.is_some().into());
            }
        }
    }
}

fn of(peer: &str) -> OfPeer {
    OfPeer { peer: peer.to_owned() }
}
