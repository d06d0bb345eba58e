//! A table as one policy sees it: coarser, and with exact scopes.
//!
//! The database's own network would be a scope too narrow: neighbouring networks get the same answer, and
//! resolvers would ask for each. A view keeps no addresses of its own. It knows the part of each class and the
//! runs of the table at which the part changes; the scope follows from both ends of the interval around the
//! client. A block of embedded IPv4 addresses belongs to a longer interval only when all of IPv4 is in one
//! part; else the IPv4 half gives the scope inside the block. An answer that depends on a share says at least the prefix
//! by which shares are drawn: [`Snapshot::steer`](crate::snapshot::Snapshot::steer).

use std::fmt;
use std::net::IpAddr;

use super::intervals::Intervals;
use super::table::{Table, mark};

/// A coarser partition of the addresses: for one policy, the classes that it treats alike are one part.
pub struct PolicyView {
    /// By class.
    parts: Box<[u32]>,
    v4: Intervals,
    v6: Intervals,
    /// The part that all of IPv4 is in, if it is only one.
    whole_v4: Option<u32>,
}

/// The part of an address, and its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedPart {
    /// The number of the part.
    pub part: u32,
    /// The length of the widest block around the address that lies wholly in this part.
    pub scope: u8,
}

impl PolicyView {
    /// Returns the view of a table in which the classes that `parts` gives one number are one part.
    ///
    /// # Panics
    ///
    /// When `parts` does not give exactly one number for each class.
    pub fn new(table: &Table, parts: Vec<u32>) -> Self {
        assert_eq!(parts.len(), table.classes.len(), "every class is in one part");
        let parts = parts.into_boxed_slice();
        let part = |class: u32| parts[class as usize];
        let v4 = Intervals::new(&table.v4, |class| Some(part(class)));
        let whole_v4 = v4.is_one().then(|| part(table.v4.value(0)));
        let v6 = Intervals::new(&table.v6, |value| match mark(value) {
            Some(_) => whole_v4,
            None => Some(part(value)),
        });
        Self { parts, v4, v6, whole_v4 }
    }

    /// Returns the part of `address`, and the widest block around it in that part.
    ///
    /// # Panics
    ///
    /// May panic when `table` is not the one the view was made from.
    pub fn find(&self, table: &Table, address: IpAddr) -> ScopedPart {
        match address {
            IpAddr::V4(address) => self.find_v4(table, address.to_bits()),
            IpAddr::V6(address) => self.find_v6(table, address.to_bits()),
        }
    }

    /// Returns the part of each class, by `ClassId`.
    pub fn parts(&self) -> &[u32] {
        &self.parts
    }

    fn find_v4(&self, table: &Table, address: u32) -> ScopedPart {
        let (run, scope) = self.v4.find(&table.v4, address);
        ScopedPart { part: self.parts[table.v4.value(run) as usize], scope }
    }

    fn find_v6(&self, table: &Table, address: u128) -> ScopedPart {
        let (run, scope) = self.v6.find(&table.v6, address);
        let value = table.v6.value(run);
        match (mark(value), self.whole_v4) {
            (None, _) => ScopedPart { part: self.parts[value as usize], scope },
            (Some(_), Some(part)) => ScopedPart { part, scope },
            (Some(embedding), None) => {
                let inside = self.find_v4(table, embedding.extract(address));
                ScopedPart { part: inside.part, scope: embedding.offset() + inside.scope }
            }
        }
    }

    /// Returns the approximate memory of the view in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.parts) + self.v4.memory_bytes() + self.v6.memory_bytes()
    }
}

impl fmt::Debug for PolicyView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyView")
            .field("classes", &self.parts.len())
            .field("whole_v4", &self.whole_v4)
            .finish_non_exhaustive()
    }
}
