//! Runs that are frozen and found fast: the way from an address to its run.

use super::runs::{Bits, Run, Runs, widest_block};

/// Runs that are frozen and found fast.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Map<A> {
    runs: Box<[Run<A>]>,
    /// For each value of the 16 highest bits, how many runs start below the addresses that have it;
    /// so the binary search covers one 65536th of the space.
    index: Box<[u32]>,
}

impl<A: Bits> From<Runs<A>> for Map<A> {
    fn from(runs: Runs<A>) -> Self {
        let mut index = vec![0u32; (1 << 16) + 1].into_boxed_slice();
        for run in runs.iter() {
            index[run.start.top() + 1] += 1;
        }
        let mut below = 0;
        for count in &mut index {
            below += *count;
            *count = below;
        }
        Self { runs: runs.iter().collect(), index }
    }
}

impl<A: Bits> Map<A> {
    /// Returns how many runs there are.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// Returns the number of the run that holds `address`.
    #[inline]
    pub(super) fn position(&self, address: A) -> usize {
        let top = address.top();
        let (first, last) = (self.index[top] as usize, self.index[top + 1] as usize);
        // The run before the first one that starts later; the very first run starts at the lowest address.
        first + self.runs[first..last].partition_point(|run| run.start <= address) - 1
    }

    /// Returns the value of a run.
    #[inline]
    pub(super) fn value(&self, position: usize) -> u32 {
        self.runs[position].value
    }

    /// Returns the length of the widest block around `address` within the runs from `first` up to
    /// `end`, which is the first run beyond them if there is one.
    #[inline]
    pub(super) fn widest_block(&self, address: A, first: usize, end: Option<usize>) -> u8 {
        let before = self.runs[first].start.predecessor();
        widest_block(address, before, end.map(|end| self.runs[end].start))
    }

    /// Returns how much memory the runs and their index take.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.runs) + size_of_val(&*self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_found_in_the_run_that_starts_last_before_it() {
        let mut runs = Runs::all(0);
        for (start, value) in [(1, 1), (0x0001_0000, 2), (0x0001_0001, 3), (u32::MAX, 4)] {
            runs.set_from(start, value);
        }
        let map = Map::from(runs);
        for (address, value) in [(0, 0), (1, 1), (0xffff, 1), (0x0001_0000, 2), (0x7fff_0000, 3)] {
            assert_eq!(map.value(map.position(address)), value, "{address:x}");
        }
        assert_eq!(map.value(map.position(u32::MAX)), 4);
    }
}
