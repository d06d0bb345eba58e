//! Names: the share of the clients of each who are sent to regions that are down.
//!
//! A client is down from the first failed probe of the region that its answers lead to until they lead to a region that
//! is up, or that one is up again. So a fail-over costs a name what it takes to detect and to decide, for the clients of
//! that region only; a region that stays in the answers against its health, and fail-open, cost what they last. Answers
//! that resolvers hold longer are not seen from here, and not counted.
//!
//! Clients count by what they ask for, as far as that is known, and else by their number. It is not known how much of it
//! is IPv6: a part with regions in both families counts half for each.

use super::log::{ClientLoss, Fall, SubjectState};
use super::side::Side;
use crate::health::View;
use crate::load::{Outlook, route_in};
use crate::moment::{ClockStep, FollowClock, Moment};
use crate::region::{Family, RegionId};
use crate::snapshot::{Base, DemandPart};

/// The clients of every partition, and where they were sent last.
#[derive(Debug, Default)]
pub(crate) struct NameClients {
    parts: Vec<DemandPart>,
    /// By partition.
    sent: Vec<Sent>,
    /// The regions that were down at the last look, by `RegionId` and family.
    fallen: Fallen,
}

#[derive(Debug, Default)]
struct Fallen(Vec<[Option<Fall>; 2]>);

/// Where the clients of a partition are sent.
#[derive(Clone, Debug, Default)]
struct Sent {
    /// By `RegionId` and family: the share of the clients.
    shares: Vec<[f64; 2]>,
    /// The share of the clients who are permitted some region: what can be told of the others is no downtime.
    known: f64,
}

/// How a partition stands, and what its clients have lost that was not known before.
pub(crate) struct NameState {
    pub(crate) state: SubjectState,
    pub(crate) losses: Vec<ClientLoss>,
}

impl NameClients {
    /// Follows the clients of a configuration. Nothing is known of where they were sent before.
    pub(crate) fn of(base: &Base) -> Self {
        Self { parts: base.weigh(), sent: Vec::new(), fallen: Fallen::default() }
    }

    /// Looks at where clients are sent now, and at the regions that are down, and returns how each partition stands.
    pub(crate) fn look(
        &mut self,
        base: &Base,
        view: &View,
        outlook: &Outlook,
        sides: &[[Side; 2]],
        now: Moment,
    ) -> Vec<NameState> {
        let fallen = Fallen(sides.iter().map(|both| both.map(Side::fall)).collect());
        let sent = self.sent(base, view, outlook);
        let before = std::mem::replace(&mut self.sent, sent);
        let news = fallen.since(&self.fallen);
        self.fallen = fallen;
        let partitions = self.sent.iter().enumerate();
        let states = partitions.map(|(index, sent)| NameState {
            state: sent.state(sides),
            losses: before.get(index).map_or_else(Vec::new, |before| before.losses(&news, now)),
        });
        states.collect()
    }

    /// Works out where the clients of each partition are sent.
    fn sent(&self, base: &Base, view: &View, outlook: &Outlook) -> Vec<Sent> {
        let regions = base.config.regions.len();
        let mut sent = vec![Sent { shares: vec![[0.0; 2]; regions], known: 0.0 }; base.partitions()];
        let is_asked = outlook.rates.len() == self.parts.len() && outlook.rates.iter().sum::<f64>() > 0.0;
        for (index, part) in self.parts.iter().enumerate() {
            let weight = if is_asked { outlook.rates[index] } else { part.weight };
            let exists = |family| part.order.iter().any(|(region, _)| view.status(*region, family).exists());
            let families: Vec<Family> = Family::BOTH.into_iter().filter(|family| exists(*family)).collect();
            let of_partition = &mut sent[part.partition];
            for family in &families {
                let weight = weight / families.len() as f64;
                of_partition.known += weight;
                let route =
                    route_in(&self.parts, index, &outlook.splits, base, view, &outlook.readings, *family);
                for (region, fraction) in route.fractions() {
                    of_partition.shares[usize::from(region.0)][*family as usize] += weight * fraction;
                }
            }
        }
        sent.into_iter().map(Sent::in_shares).collect()
    }
}

impl Sent {
    /// Makes shares of weights.
    fn in_shares(self) -> Self {
        if self.known <= 0.0 {
            return Self::default();
        }
        let share = |both: [f64; 2]| both.map(|weight| weight / self.known);
        Self { shares: self.shares.into_iter().map(share).collect(), known: 1.0 }
    }

    /// Returns how the name stands whose clients they are. Those who are refused since all of their regions are down are
    /// sent nowhere.
    fn state(&self, sides: &[[Side; 2]]) -> SubjectState {
        let (mut down, mut up) = (0.0, 0.0);
        for (shares, sides) in self.shares.iter().zip(sides) {
            for (share, side) in shares.iter().zip(sides) {
                match side {
                    Side::Up => up += share,
                    Side::Down(_) => down += share,
                    Side::Absent | Side::Unknown => {}
                }
            }
        }
        let sent: f64 = self.shares.iter().flatten().sum();
        // What rounding leaves of all clients is no client.
        let refused = (self.known - sent).max(0.0);
        let refused = if refused > 1e-6 && sides.iter().flatten().any(|side| side.fall().is_some()) {
            refused
        } else {
            0.0
        };
        let seen = up + down + refused;
        match (down + refused) / seen {
            _ if seen <= 0.0 => SubjectState::Unobserved,
            lost if lost > 0.0 => SubjectState::Partly(lost),
            _ => SubjectState::Up,
        }
    }

    /// Returns what the clients who were sent to regions lost that are now known to have failed.
    fn losses(&self, news: &[(RegionId, Family, Fall)], now: Moment) -> Vec<ClientLoss> {
        let loss = |(region, family, fall): &(RegionId, Family, Fall)| {
            let share = self.shares.get(usize::from(region.0))?[*family as usize];
            (share > 0.0 && fall.failing_since < now).then_some(ClientLoss { fall: *fall, share })
        };
        news.iter().filter_map(loss).collect()
    }
}

impl Fallen {
    /// Returns what was not down before.
    fn since(&self, before: &Self) -> Vec<(RegionId, Family, Fall)> {
        let ids = (0u8..).map(RegionId);
        let fallen = ids.zip(&self.0).flat_map(|(id, falls)| {
            Family::BOTH.into_iter().filter_map(move |family| Some((id, family, falls[family as usize]?)))
        });
        let was_down = |id: RegionId, family: Family| {
            before.0.get(usize::from(id.0)).is_some_and(|falls| falls[family as usize].is_some())
        };
        fallen.filter(|(id, family, _)| !was_down(*id, *family)).collect()
    }
}

impl FollowClock for NameClients {
    fn follow_clock(&mut self, step: ClockStep) {
        self.fallen.0.follow_clock(step);
    }
}
