//! A table as one policy sees it: coarser, and with exact scopes.
//!
//! A view keeps no addresses of its own. It knows which part each class is in, and where in the table
//! the part changes; the scope then follows from both ends of the stretch around the client. A block
//! of embedded IPv4 addresses is part of a longer stretch only when all of IPv4 is in one part; else
//! the IPv4 half gives the scope inside the block.

use std::fmt;
use std::net::IpAddr;

use super::stretches::Stretches;
use super::table::{Table, mark};

/// A coarser partition of the addresses: for one policy, the classes that it treats alike are one part.
pub struct View {
    /// The part of each class.
    parts: Box<[u32]>,
    v4: Stretches,
    v6: Stretches,
    /// The part that all of IPv4 is in, if it is only one.
    whole_v4: Option<u32>,
}

/// What a view says of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of the part.
    pub part: u32,
    /// The length of the widest block around the address that lies wholly in this part.
    pub scope: u8,
}

impl View {
    /// Finds where the parts of a table change.
    pub(super) fn new(table: &Table, parts: Box<[u32]>) -> Self {
        let part = |class: u32| parts[class as usize];
        let v4 = Stretches::new(&table.v4, |class| Some(part(class)));
        let whole_v4 = v4.is_one().then(|| part(table.v4.value(0)));
        let v6 = Stretches::new(&table.v6, |value| match mark(value) {
            Some(_) => whole_v4,
            None => Some(part(value)),
        });
        Self { parts, v4, v6, whole_v4 }
    }

    /// Returns the part that `address` lies in, and how far around it the part reaches.
    ///
    /// # Panics
    ///
    /// May panic when `table` is not the one the view was made from.
    pub fn find(&self, table: &Table, address: IpAddr) -> Found {
        match address {
            IpAddr::V4(address) => self.find_v4(table, address.to_bits()),
            IpAddr::V6(address) => self.find_v6(table, address.to_bits()),
        }
    }

    /// Returns the part of each class, by `ClassId`.
    pub fn parts(&self) -> &[u32] {
        &self.parts
    }

    fn find_v4(&self, table: &Table, address: u32) -> Found {
        let (run, scope) = self.v4.find(&table.v4, address);
        Found { part: self.parts[table.v4.value(run) as usize], scope }
    }

    fn find_v6(&self, table: &Table, address: u128) -> Found {
        let (run, scope) = self.v6.find(&table.v6, address);
        let value = table.v6.value(run);
        match (mark(value), self.whole_v4) {
            (None, _) => Found { part: self.parts[value as usize], scope },
            (Some(_), Some(part)) => Found { part, scope },
            (Some(embedding), None) => {
                let inside = self.find_v4(table, embedding.extract(address));
                Found { part: inside.part, scope: embedding.offset() + inside.scope }
            }
        }
    }

    /// Returns how much memory the view takes, about.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.parts) + self.v4.memory_bytes() + self.v6.memory_bytes()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("classes", &self.parts.len())
            .field("whole_v4", &self.whole_v4)
            .finish_non_exhaustive()
    }
}
