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

    /// Gives the last `fraction` of the home's piece to `region`. The home's piece may become empty
    /// but stays in place, so that the part knows where to return to.
    pub(super) fn give(&mut self, fraction: f64, region: RegionId) {
        let end = self.pieces[0].until;
        self.pieces[0].until = (end - fraction).max(0.0);
        if self.pieces.get(1).is_none_or(|next| next.region != region) {
            self.pieces.insert(1, Piece { until: end, region });
        }
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
