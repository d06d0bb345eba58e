//! Guests: clients that a region is given of others, where it is not known what it can bear.
//!
//! A region that begins to fail soon after it was given many of them may have fallen for that, and its clients would take
//! the next one with them. Health slows such a cascade (`safety.velocity`); who is given whom is counted here, by the
//! numbers of addresses, for without capacities nothing better is known.

use super::Readings;
use super::estimate::{capacities, route};
use crate::health::{SiteShare, Status, View};
use crate::region::RegionId;
use crate::snapshot::{Base, DemandPart};
use crate::steering::Splits;

/// A region has guests when it has more than this many times the clients that are at home there.
const NOTABLE: f64 = 1.1;

/// The clients of every region: those at home there, and those it had last.
#[derive(Debug)]
pub(crate) struct Guests {
    parts: Vec<DemandPart>,
    /// By `RegionId`.
    home: Vec<f64>,
    /// By `RegionId`.
    held: Vec<f64>,
}

impl Guests {
    /// Starts with every client at home.
    pub fn new(base: &Base) -> Self {
        let parts = base.weigh();
        let view = View::all_up(&base.config.regions);
        let home = held(&parts, base, &view, &Splits::default(), &Readings::default());
        Self { parts, held: home.clone(), home }
    }

    /// Follows where clients are sent now, and returns the regions that were given guests by it of which it is not known
    /// what they can bear (`true`), and those that have none any more (`false`).
    pub fn follow(
        &mut self,
        base: &Base,
        view: &View,
        splits: &Splits,
        readings: &Readings,
    ) -> Vec<(RegionId, bool)> {
        // Guests that leave a failing region in steps are its guests until their own region has them back.
        let whole = view.clone().map(|_, _, status| match status.share {
            SiteShare::Kept(_) => Status { share: SiteShare::Full, ..status },
            _ => status,
        });
        let now = held(&self.parts, base, &whole, splits, readings);
        let before = std::mem::replace(&mut self.held, now);
        let known = capacities(base, view, readings);
        let regions = base.config.regions.iter().map(|(id, _)| id);
        let changes = regions.filter_map(|id| {
            let index = usize::from(id.0);
            let has_guests = |held: &[f64]| held[index] > NOTABLE * self.home[index];
            let is_given =
                has_guests(&self.held) && self.held[index] > before[index] && !known.contains_key(&id);
            let is_over = has_guests(&before) && !has_guests(&self.held);
            (is_given || is_over).then_some((id, is_given))
        });
        changes.collect()
    }
}

/// Returns the weight of the clients that each region has.
fn held(parts: &[DemandPart], base: &Base, view: &View, splits: &Splits, readings: &Readings) -> Vec<f64> {
    let mut held = vec![0.0; base.config.regions.len()];
    for (index, part) in parts.iter().enumerate() {
        for (region, fraction) in route(parts, index, splits, base, view, readings).fractions() {
            held[usize::from(region.0)] += part.weight * fraction;
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;
    use crate::share::Share;
    use crate::snapshot::fixture;

    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\nnames:\n  '@':\n    steer:\n      \
                        regions: [tokyo, osaka]\n      order: listed\n";

    fn base(capacity: &str) -> Base {
        let region = |name: &str, address: &str| {
            format!(
                "  {name}:\n    location: {{ latitude: 35, longitude: 135 }}\n    jurisdiction: JP\n{capacity}    \
                 zones: {{ {name}-a: {{ addresses: [{address}] }} }}\n"
            )
        };
        let regions = region("tokyo", "192.0.2.1") + &region("osaka", "192.0.2.2");
        fixture::base(&format!("regions:\n{regions}"), ZONE)
    }

    fn follow(guests: &mut Guests, base: &Base, shares: [SiteShare; 2]) -> Vec<(RegionId, bool)> {
        let all = View::all_up(&base.config.regions);
        let view = all.with(Vec::new(), &shares.map(|share| [share; 2]));
        guests.follow(base, &view, &Splits::default(), &Readings::unknown(2))
    }

    #[test]
    fn a_region_that_gets_those_of_another_one_has_guests_and_one_that_gets_its_own_back_has_none() {
        let base = base("");
        let mut guests = Guests::new(&base);
        let out = SiteShare::Out { since: Moment(0) };
        assert_eq!(follow(&mut guests, &base, [SiteShare::Full; 2]), []);
        assert_eq!(follow(&mut guests, &base, [out, SiteShare::Full]), [(RegionId(1), true)]);
        assert_eq!(follow(&mut guests, &base, [out, SiteShare::Full]), [], "they are there already");
        let kept = SiteShare::Kept(Share::HALF);
        assert_eq!(follow(&mut guests, &base, [out, kept]), [], "they leave in steps");
        assert_eq!(follow(&mut guests, &base, [SiteShare::Full, kept]), [(RegionId(1), false)]);
        assert_eq!(follow(&mut guests, &base, [SiteShare::Full; 2]), [], "tokyo has its own back");
    }
}
