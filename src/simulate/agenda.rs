//! What comes next: a queue ordered by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::fault::ProbeEnd;
use crate::moment::Moment;
use crate::probe::PairId;

/// Something that is due. Of what is due at one moment, the variants come in their order here: the scenario
/// acts first, and an expectation is about the end of its moment.
#[derive(Clone, Debug, PartialEq)]
pub enum AgendaItem {
    /// The act of the scenario with this index.
    Act(usize),
    /// A probe of this pair starts, unless the pair was told otherwise since.
    Probe(PairId),
    Result(PairId, ProbeEnd),
    /// The references are probed.
    References,
    /// The snapshot that was published with this serial number is served.
    Serve(u64),
    /// The loads are looked at.
    Gauge,
    /// The checkers look at everything.
    Look,
    /// The expectation of the scenario with this index.
    Expect(usize),
    /// The simulation is over.
    End,
}

impl AgendaItem {
    fn rank(&self) -> u8 {
        match self {
            Self::Act(_) => 0,
            Self::Probe(_) | Self::Result(..) | Self::References | Self::Serve(_) => 1,
            Self::Gauge | Self::Look => 2,
            Self::Expect(_) => 3,
            Self::End => 4,
        }
    }
}

/// A queue of items by moment, then by kind, then in the order in which they were added.
#[derive(Debug, Default)]
pub struct Agenda {
    /// The numbers by moment and rank; a number is never given twice.
    queue: BinaryHeap<Reverse<(Moment, u8, u64)>>,
    items: HashMap<u64, AgendaItem>,
    added: u64,
}

impl Agenda {
    /// Adds an item.
    pub fn add(&mut self, at: Moment, item: AgendaItem) {
        self.added += 1;
        self.queue.push(Reverse((at, item.rank(), self.added)));
        self.items.insert(self.added, item);
    }

    /// Returns when the next item is due.
    pub fn peek(&self) -> Option<Moment> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes the next item.
    pub fn next(&mut self) -> Option<(Moment, AgendaItem)> {
        let Reverse((at, _, number)) = self.queue.pop()?;
        Some((at, self.items.remove(&number).expect("every number in the queue has an item")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_by_time_then_by_kind_then_in_the_order_they_were_added() {
        let mut agenda = Agenda::default();
        let items = [
            (2, AgendaItem::Act(0)),
            (1, AgendaItem::Expect(0)),
            (1, AgendaItem::Probe(PairId(9))),
            (1, AgendaItem::Probe(PairId(3))),
            (1, AgendaItem::Act(1)),
        ];
        items.iter().for_each(|(at, item)| agenda.add(Moment(*at), item.clone()));
        let order: Vec<_> = std::iter::from_fn(|| agenda.next()).map(|(_, item)| item).collect();
        assert_eq!(order, [4, 2, 3, 1, 0].map(|index: usize| items[index].1.clone()));
    }
}
