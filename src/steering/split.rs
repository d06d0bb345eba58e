//! Splits: where the clients of one part go while their region sheds some of them.

use crate::region::RegionId;

/// Fractions and rates below this are rounding.
pub(super) const NEGLIGIBLE: f64 = 1e-9;

/// Where the clients of one part go: consecutive pieces of the line from 0 to 1 on which each client has its
/// bucket. Invariant: the first piece belongs to the home, the last one ends at 1, and
/// no two neighbours belong to one region.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pieces: Vec<Piece>,
}

/// Which clients leave a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Those who are at home there.
    AtHome,
    /// Those whom another region sent there.
    Guests,
}

/// What the regions of one part of the clients shed.
#[derive(Clone, Debug, Default)]
pub struct PartSplits<'s> {
    /// What the region does to which those of them go who are drawn for none; `None`: nothing.
    pub whole: Option<&'s Split>,
    /// What each of the regions does for which they are drawn, as equally near ones.
    pub near: Vec<(RegionId, &'s Split)>,
}

impl<'s> PartSplits<'s> {
    /// Returns the splits of clients who are not drawn.
    pub fn whole(split: Option<&'s Split>) -> Self {
        Self { whole: split, near: Vec::new() }
    }

    /// Returns what a region sheds of those who are drawn for it.
    pub(super) fn of_own(&self, region: RegionId) -> Option<&'s Split> {
        self.near.iter().find(|(own, _)| *own == region).map(|(_, split)| *split)
    }
}

/// A piece of the line: from the end of the piece before to `until`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Its end, as a fraction from 0 to 1.
    pub until: f64,
    /// The region of its clients.
    pub region: RegionId,
}

impl Split {
    /// Returns the split in which all clients go home.
    pub fn whole(home: RegionId) -> Self {
        Self { pieces: vec![Piece { until: 1.0, region: home }] }
    }

    /// Returns the split of these pieces; `None`: they are not one.
    pub fn of(pieces: Vec<Piece>) -> Option<Self> {
        let is_growing =
            pieces.windows(2).all(|pair| pair[0].until <= pair[1].until && pair[0].region != pair[1].region);
        let ends = pieces.last().is_some_and(|last| (last.until - 1.0).abs() < NEGLIGIBLE);
        let begins = pieces.first().is_some_and(|first| first.until >= 0.0);
        (is_growing && ends && begins).then_some(Self { pieces })
    }

    /// Returns the pieces in their order on the line.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the region of all clients while it is not full.
    pub fn home(&self) -> RegionId {
        self.pieces[0].region
    }

    /// Returns the fraction of the clients that goes to each piece's region.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (RegionId, f64)> {
        let starts = std::iter::once(0.0).chain(self.pieces.iter().map(|piece| piece.until));
        self.pieces.iter().zip(starts).map(|(piece, start)| (piece.region, piece.until - start))
    }

    /// Returns the fractions of the clients that are sent elsewhere than home, each with its region.
    pub fn given(&self) -> impl Iterator<Item = (RegionId, f64)> {
        self.sizes().skip(1)
    }

    /// Returns whether a region has such clients of this part, or is its home.
    pub(super) fn has(&self, leaving: Leaving, region: RegionId) -> bool {
        match leaving {
            Leaving::AtHome => self.home() == region,
            Leaving::Guests => self.pieces[1..].iter().any(|piece| piece.region == region),
        }
    }

    /// Returns the fraction of the clients that are at home in their home, or guests in this region.
    pub(super) fn fraction_of(&self, leaving: Leaving, region: RegionId) -> f64 {
        match leaving {
            Leaving::AtHome => self.pieces[0].until,
            Leaving::Guests => {
                let guests = self.sizes().skip(1).filter(|(of, _)| *of == region);
                guests.map(|(_, size)| size).sum()
            }
        }
    }

    /// Lets up to `fraction` of the clients leave a region for another one, and returns how much.
    pub(super) fn pass(&mut self, leaving: Leaving, from: RegionId, to: RegionId, fraction: f64) -> f64 {
        match leaving {
            Leaving::AtHome => {
                let given = fraction.min(self.pieces[0].until);
                self.give(given, to);
                given
            }
            Leaving::Guests => self.pass_on(from, to, fraction),
        }
    }

    /// Gives the last `fraction` of the home's piece to `region`. The home's piece may become empty
    /// but stays in place, so that the part knows where to return to.
    fn give(&mut self, fraction: f64, region: RegionId) {
        let end = self.pieces[0].until;
        self.pieces[0].until = (end - fraction).max(0.0);
        if self.pieces.get(1).is_none_or(|next| next.region != region) {
            self.pieces.insert(1, Piece { until: end, region });
        }
    }

    /// Passes up to `fraction` of the clients on that one region other than home has, and returns how much: to another
    /// one, or home if they left last.
    fn pass_on(&mut self, from: RegionId, to: RegionId, fraction: f64) -> f64 {
        if to == self.home() {
            let [home, last] = [self.pieces.first(), self.pieces.get(1).filter(|last| last.region == from)];
            let size = home.zip(last).map_or(0.0, |(home, last)| last.until - home.until);
            self.take_back(fraction.min(size));
            return fraction.min(size);
        }
        let mut left = fraction;
        let sizes: Vec<_> = self.sizes().collect();
        let mut pieces = vec![self.pieces[0]];
        for (piece, (_, size)) in self.pieces.iter().zip(&sizes).skip(1) {
            let passed = if piece.region == from { left.min(*size) } else { 0.0 };
            left -= passed;
            let ends = [
                Piece { until: piece.until - passed, ..*piece },
                Piece { until: piece.until, region: if passed > 0.0 { to } else { piece.region } },
            ];
            let start = piece.until - size;
            for piece in ends.into_iter().filter(|end| end.until - start > NEGLIGIBLE) {
                match pieces.last_mut().filter(|last| last.region == piece.region) {
                    Some(last) => last.until = piece.until,
                    None => pieces.push(piece),
                }
            }
        }
        self.pieces = pieces;
        fraction - left
    }

    /// Returns up to `fraction` of the clients home, those first who left last.
    pub(super) fn take_back(&mut self, fraction: f64) {
        self.pieces[0].until = (self.pieces[0].until + fraction).min(1.0);
        let home_ends = self.pieces[0].until;
        let mut index = 0;
        self.pieces.retain(|piece| {
            index += 1;
            index == 1 || piece.until > home_ends + NEGLIGIBLE
        });
        if self.pieces.len() == 1 {
            self.pieces[0].until = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_a_full_guest_region_are_passed_on_and_no_others_move() {
        let piece = |until, region| Piece { until, region: RegionId(region) };
        let mut split =
            Split::of(vec![piece(0.4, 0), piece(0.6, 1), piece(0.7, 2), piece(1.0, 1)]).expect("a split");
        assert!((split.pass_on(RegionId(1), RegionId(2), 0.25) - 0.25).abs() < 1e-12);
        let regions: Vec<_> =
            split.pieces().iter().map(|piece| (piece.region.0, (piece.until * 100.0).round())).collect();
        assert_eq!(regions, [(0, 40.0), (2, 70.0), (1, 95.0), (2, 100.0)]);
        assert!((split.pass_on(RegionId(1), RegionId(3), 0.5) - 0.25).abs() < 1e-12, "there are no more");
        assert_eq!(split.home(), RegionId(0));
        assert_eq!(split.pass_on(RegionId(0), RegionId(3), 0.5), 0.0, "those who are at home are given away");
        assert_eq!(split.pass_on(RegionId(3), RegionId(0), 0.5), 0.0, "others left after them");
        assert!((split.pass_on(RegionId(2), RegionId(0), 0.1) - 0.1).abs() < 1e-12);
        assert!((split.pieces()[0].until - 0.5).abs() < 1e-12);
    }
}
