//! Writes databases in MaxMind's format, version 2.0.
//!
//! It writes what the shipped database and tests need: blocks that do not overlap, each with one value. Equal
//! input gives equal bytes, so that a build can be verified. IPv4 addresses lie in `::/96` of an IPv6 tree,
//! and the blocks of mapped, Teredo and 6to4 addresses lead there, as in MaxMind's own files.
//!
//! The format: <https://maxmind.github.io/MaxMind-DB/>.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::client::Prefix;
use crate::region::Family;

/// A value of the format's data section, of the types that are needed.
#[derive(Clone, Debug, PartialEq)]
pub enum DataValue {
    /// Written in this order.
    Map(Vec<(&'static str, DataValue)>),
    Array(Vec<DataValue>),
    Text(String),
    Double(f64),
    Bool(bool),
    U16(u16),
    U32(u32),
    U64(u64),
}

impl DataValue {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The metadata section of a file.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// For example `GeoLite2-City`.
    pub kind: String,
    /// In English.
    pub description: String,
    /// In seconds since the Unix epoch.
    pub build_epoch: u64,
    /// IPv4: a tree of IPv4 addresses alone; IPv6: a tree with both.
    pub family: Family,
    /// 24, 28 or 32; `None`: the smallest that suffices.
    pub record_bits: Option<u16>,
}

/// A database that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} overlaps a block that was added before")]
    Overlap(Prefix),
    #[error("{0} does not fit a file of IPv4 addresses")]
    Family(Prefix),
    #[error("{0} bits are too few for a record")]
    TooMany(u16),
}

/// The blocks in which an IPv6 tree repeats its IPv4 addresses: mapped, Teredo, 6to4.
const ALIASES: [(u128, u8); 3] = [(0xffff << 32, 96), (0x2001_0000 << 96, 32), (0x2002 << 112, 16)];

/// Zero bytes between the tree and the data section.
const SEPARATOR: [u8; 16] = [0; 16];

/// One of the two records of a node: the way on for a bit of 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeRecord {
    Nothing,
    Node(u32),
    /// The number of a value.
    Data(u32),
    /// The root of the IPv4 addresses.
    Alias,
}

/// A database under construction.
pub struct DatabaseWriter {
    metadata: Metadata,
    nodes: Vec<[NodeRecord; 2]>,
    values: Vec<u8>,
    /// The offset of each distinct value, by its bytes.
    offsets: HashMap<Vec<u8>, u32>,
}

impl DatabaseWriter {
    /// Starts a database without data.
    pub fn new(metadata: Metadata) -> Self {
        let mut writer = Self {
            metadata,
            nodes: vec![[NodeRecord::Nothing; 2]],
            values: Vec::new(),
            offsets: HashMap::new(),
        };
        if writer.metadata.family == Family::V6 {
            writer.step_down(0, 96);
            for (first, length) in ALIASES {
                let record = writer.record_at(first, length).expect("aliases do not overlap");
                *record = NodeRecord::Alias;
            }
        }
        writer
    }

    /// Sets the value of all addresses of a block.
    ///
    /// IPv6 blocks within `::/96` and the blocks that repeat it are left out: IPv4 is kept there.
    ///
    /// # Errors
    ///
    /// When the block overlaps an earlier one, or does not fit the file.
    pub fn add(&mut self, block: Prefix, value: &DataValue) -> Result<(), Error> {
        let (bits, length) = match (self.metadata.family, block.address()) {
            (Family::V4, IpAddr::V4(first)) => (u128::from(first.to_bits()) << 96, block.length()),
            (Family::V6, IpAddr::V4(first)) => (u128::from(first.to_bits()), block.length() + 96),
            (Family::V6, IpAddr::V6(first)) => (first.to_bits(), block.length()),
            (Family::V4, IpAddr::V6(_)) => return Err(Error::Family(block)),
        };
        if block.family() == Family::V6 && is_for_ipv4(bits, length) {
            return Ok(());
        }
        let offset = self.store(value);
        match self.record_at(bits, length) {
            Some(record @ NodeRecord::Nothing) => *record = NodeRecord::Data(offset),
            _ => return Err(Error::Overlap(block)),
        }
        Ok(())
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    ///
    /// When the records are too small.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        let nodes = u32::try_from(self.nodes.len()).map_err(|_| Error::TooMany(32))?;
        let highest = (self.nodes.len() + SEPARATOR.len() + self.values.len()) as u64;
        let fits = |bits: &u16| highest < 1 << *bits;
        let smallest = || [24, 28].into_iter().find(fits).unwrap_or(32);
        let bits = self.metadata.record_bits.unwrap_or_else(smallest);
        if !fits(&bits) {
            return Err(Error::TooMany(bits));
        }
        let ipv4_root = match self.metadata.family {
            Family::V4 => 0,
            Family::V6 => self.step_down(0, 96),
        };
        let number = |record: NodeRecord| match record {
            NodeRecord::Nothing => nodes,
            NodeRecord::Node(node) => node,
            NodeRecord::Alias => ipv4_root,
            NodeRecord::Data(offset) => nodes + 16 + offset,
        };
        let mut bytes = Vec::with_capacity(self.nodes.len() * usize::from(bits) / 4 + self.values.len());
        for [left, right] in &self.nodes {
            put_node(&mut bytes, bits, number(*left), number(*right));
        }
        bytes.extend(SEPARATOR);
        bytes.extend(&self.values);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        encode(&mut bytes, &self.metadata(nodes, bits));
        Ok(bytes)
    }

    /// Returns the record for a block, making the nodes on the way to it; `None` when a part of the
    /// way is taken. The record of a block that holds smaller ones is a node.
    fn record_at(&mut self, bits: u128, length: u8) -> Option<&mut NodeRecord> {
        let last = length.checked_sub(1)?;
        let side = usize::from(bits >> (127 - last) & 1 == 1);
        let mut node = 0;
        for depth in 0..last {
            node = self.child(node, usize::from(bits >> (127 - depth) & 1 == 1))?;
        }
        Some(&mut self.nodes[node as usize][side])
    }

    /// Returns the node `levels` to the left below the root, making those on the way.
    fn step_down(&mut self, from: u32, levels: u8) -> u32 {
        (0..levels).fold(from, |node, _| self.child(node, 0).expect("nothing covers all of IPv4"))
    }

    /// Returns the node below one side of a node, or `None` when there is something else.
    fn child(&mut self, node: u32, side: usize) -> Option<u32> {
        match self.nodes[node as usize][side] {
            NodeRecord::Node(child) => Some(child),
            NodeRecord::Nothing => {
                let child = u32::try_from(self.nodes.len()).expect("fewer nodes than 2^32 fit in memory");
                self.nodes.push([NodeRecord::Nothing; 2]);
                self.nodes[node as usize][side] = NodeRecord::Node(child);
                Some(child)
            }
            NodeRecord::Data(_) | NodeRecord::Alias => None,
        }
    }

    /// Returns the offset of a value in the data section. Equal values are stored once, and so are the keys and
    /// maps inside them: ten thousand places share a few hundred countries.
    fn store(&mut self, value: &DataValue) -> u32 {
        let mut bytes = Vec::new();
        match value {
            DataValue::Map(entries) => {
                control(&mut bytes, 7, entries.len());
                for (key, value) in entries {
                    self.refer(&mut bytes, &DataValue::text(key));
                    self.refer(&mut bytes, value);
                }
            }
            other => encode(&mut bytes, other),
        }
        let end = u32::try_from(self.values.len()).expect("values take less than 4 GB");
        *self.offsets.entry(bytes).or_insert_with_key(|bytes| {
            self.values.extend(bytes);
            end
        })
    }

    /// Writes a value, or a pointer to it where that is shorter.
    fn refer(&mut self, bytes: &mut Vec<u8>, value: &DataValue) {
        match value {
            DataValue::Map(_) => pointer(bytes, self.store(value)),
            DataValue::Text(text) if text.len() > LONGEST_TEXT_IN_PLACE => pointer(bytes, self.store(value)),
            _ => encode(bytes, value),
        }
    }

    fn metadata(&self, nodes: u32, record_bits: u16) -> DataValue {
        let metadata = &self.metadata;
        let ip_version = match metadata.family {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        DataValue::Map(vec![
            ("binary_format_major_version", DataValue::U16(2)),
            ("binary_format_minor_version", DataValue::U16(0)),
            ("build_epoch", DataValue::U64(metadata.build_epoch)),
            ("database_type", DataValue::text(&metadata.kind)),
            ("description", DataValue::Map(vec![("en", DataValue::text(&metadata.description))])),
            ("ip_version", DataValue::U16(ip_version)),
            ("languages", DataValue::Array(vec![DataValue::text("en")])),
            ("node_count", DataValue::U32(nodes)),
            ("record_size", DataValue::U16(record_bits)),
        ])
    }
}

/// Returns whether an IPv6 block lies where an IPv6 tree keeps or repeats its IPv4 addresses.
fn is_for_ipv4(bits: u128, length: u8) -> bool {
    let mut kept = ALIASES.into_iter().chain([(0, 96)]);
    kept.any(|(first, outer)| outer <= length && (bits ^ first) >> (128 - outer) == 0)
}

/// Writes the two records of a node.
fn put_node(bytes: &mut Vec<u8>, record_bits: u16, left: u32, right: u32) {
    let ([a, left @ ..], [b, right @ ..]) = (left.to_be_bytes(), right.to_be_bytes());
    match record_bits {
        24 => {
            bytes.extend(left);
            bytes.extend(right);
        }
        // The byte in the middle holds the highest four bits of each record.
        28 => {
            bytes.extend(left);
            bytes.push(a << 4 | b);
            bytes.extend(right);
        }
        _ => {
            bytes.push(a);
            bytes.extend(left);
            bytes.push(b);
            bytes.extend(right);
        }
    }
}

/// Writes a value with its control byte.
fn encode(bytes: &mut Vec<u8>, value: &DataValue) {
    match value {
        DataValue::Map(entries) => {
            control(bytes, 7, entries.len());
            for (key, value) in entries {
                control(bytes, 2, key.len());
                bytes.extend(key.as_bytes());
                encode(bytes, value);
            }
        }
        DataValue::Array(values) => {
            control(bytes, 11, values.len());
            values.iter().for_each(|value| encode(bytes, value));
        }
        DataValue::Text(text) => {
            control(bytes, 2, text.len());
            bytes.extend(text.as_bytes());
        }
        DataValue::Double(number) => {
            control(bytes, 3, 8);
            bytes.extend(number.to_be_bytes());
        }
        DataValue::Bool(truth) => control(bytes, 14, usize::from(*truth)),
        DataValue::U16(number) => unsigned(bytes, 5, &number.to_be_bytes()),
        DataValue::U32(number) => unsigned(bytes, 6, &number.to_be_bytes()),
        DataValue::U64(number) => unsigned(bytes, 9, &number.to_be_bytes()),
    }
}

/// A text of so many bytes takes no more than a pointer to it.
const LONGEST_TEXT_IN_PLACE: usize = 3;

/// Writes a pointer to an offset in the data section, of two to five bytes. Each size begins where the one
/// before ends.
fn pointer(bytes: &mut Vec<u8>, offset: u32) {
    const SECOND: u32 = 1 << 11;
    const THIRD: u32 = SECOND + (1 << 19);
    const FOURTH: u32 = THIRD + (1 << 27);
    let (size, value) = match offset {
        0..SECOND => (0, offset),
        SECOND..THIRD => (1, offset - SECOND),
        THIRD..FOURTH => (2, offset - THIRD),
        FOURTH.. => (3, offset),
    };
    let [first, second, third, fourth] = value.to_be_bytes();
    let control = 1 << 5 | size << 3;
    match size {
        0 => bytes.extend([control | third, fourth]),
        1 => bytes.extend([control | second, third, fourth]),
        2 => bytes.extend([control | first, second, third, fourth]),
        _ => bytes.extend([control, first, second, third, fourth]),
    }
}

/// Writes a number without its leading zero bytes.
fn unsigned(bytes: &mut Vec<u8>, kind: u8, number: &[u8]) {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    control(bytes, kind, number.len() - zeros);
    bytes.extend(&number[zeros..]);
}

/// Writes a control byte: the type in the upper three bits or, for types above 7, in a byte of its
/// own; the size in the lower five or, from 29 on, behind it.
fn control(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    let (upper, extended) = match kind {
        0..=7 => (kind << 5, None),
        _ => (0, Some(kind - 7)),
    };
    let big_endian = size.saturating_sub(match size {
        0..29 => size,
        29..285 => 29,
        285..65_821 => 285,
        _ => 65_821,
    });
    let [.., third, second, first] = big_endian.to_be_bytes();
    let (lower, behind): (u8, &[u8]) = match size {
        0..29 => (u8::try_from(size).expect("below 29"), &[]),
        29..285 => (29, &[first]),
        285..65_821 => (30, &[second, first]),
        _ => (31, &[third, second, first]),
    };
    bytes.push(upper | lower);
    bytes.extend(extended);
    bytes.extend(behind);
}
