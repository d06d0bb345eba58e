//! The search tree of a MaxMind database as it lies in the file, checked before it is walked.
//!
//! The format is a tree by convention only: its nodes are numbers, and damaged or hostile numbers can make a
//! graph with 2^96 paths through a hundred nodes, which no walk would come back from. After this check every
//! node is reached over one path, except the root of the IPv4 addresses, to which the IPv6 blocks that embed
//! them may point too and which is walked only once.

use super::Error;

/// A search tree: `nodes` pairs of records of 24, 28 or 32 bits.
pub(super) struct SearchTree<'a> {
    /// The file, of which the tree is the beginning.
    pub(super) bytes: &'a [u8],
    /// The number of nodes; the reader has checked that they lie within the file.
    pub(super) nodes: usize,
    pub(super) record_bits: u16,
}

impl SearchTree<'_> {
    /// Checks that walking the tree ends. `ipv6` says whether it starts with IPv6 addresses.
    ///
    /// # Errors
    ///
    /// Names the first node that is reached twice.
    pub(super) fn check(&self, ipv6: bool) -> Result<(), Error> {
        let ipv4_root = ipv6.then(|| self.ipv4_root()).flatten();
        let mut reached = vec![0u64; self.nodes.div_ceil(64)];
        // Nothing may lead back to the root.
        reached[0] = 1;
        for child in (0..self.nodes).flat_map(|node| self.children(node)) {
            if child >= self.nodes || Some(child) == ipv4_root {
                continue;
            }
            let bit = 1 << (child % 64);
            if reached[child / 64] & bit != 0 {
                return Err(Error::Tangled { node: child });
            }
            reached[child / 64] |= bit;
        }
        Ok(())
    }

    /// Returns the node under which the IPv4 addresses of an IPv6 tree are: the one of `::/96`.
    fn ipv4_root(&self) -> Option<usize> {
        (0..96).try_fold(0, |node, _| {
            let child = self.children(node)[0];
            (child < self.nodes && child != 0).then_some(child)
        })
    }

    /// Returns both records of a node.
    fn children(&self, node: usize) -> [usize; 2] {
        let size = usize::from(self.record_bits) / 4;
        let bytes = &self.bytes[node * size..][..size];
        let number = |high: u8, low: &[u8]| {
            low.iter().fold(usize::from(high), |number, byte| number << 8 | usize::from(*byte))
        };
        match self.record_bits {
            // The byte between the two records holds the highest four bits of each.
            28 => [number(bytes[3] >> 4, &bytes[..3]), number(bytes[3] & 15, &bytes[4..])],
            _ => [number(0, &bytes[..size / 2]), number(0, &bytes[size / 2..])],
        }
    }
}
