//! Writes databases in MaxMind's format, version 2.0.
//!
//! It exists for the database that this project ships and for tests, so it writes what those need:
//! blocks that do not overlap, each with one value. Equal input gives equal bytes. IPv4 addresses
//! lie in `::/96` of an IPv6 tree, and the blocks of mapped, Teredo and 6to4 addresses lead there,
//! as in MaxMind's own files.
//!
//! The format: <https://maxmind.github.io/MaxMind-DB/>.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::client::Prefix;
use crate::region::Family;

/// A value of the format's data section, of the types that are needed.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Keys with values, written in this order.
    Map(Vec<(&'static str, Value)>),
    /// Values in order.
    Array(Vec<Value>),
    /// UTF-8.
    Text(String),
    /// A floating-point number of 64 bits.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// An unsigned number of 16 bits.
    U16(u16),
    /// An unsigned number of 32 bits.
    U32(u32),
    /// An unsigned number of 64 bits.
    U64(u64),
}

impl Value {
    /// Returns a text value.
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What the metadata of a file says about it.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The type, for example `GeoLite2-City`.
    pub kind: String,
    /// A sentence in English.
    pub description: String,
    /// When it was built, in seconds since the Unix epoch.
    pub build_epoch: u64,
    /// Which addresses it holds: IPv4 alone, or both kinds in an IPv6 tree.
    pub family: Family,
    /// The size of a record: 24, 28 or 32 bits; `None`: the smallest that suffices.
    pub record_bits: Option<u16>,
}

/// Why a database cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Two blocks overlap.
    #[error("{0} overlaps a block that was added before")]
    Overlap(Prefix),
    /// An IPv6 block for an IPv4-only file.
    #[error("{0} does not fit a file of IPv4 addresses")]
    Family(Prefix),
    /// There are more nodes and data than a record can count.
    #[error("{0} bits are too few for a record")]
    TooMany(u16),
}

/// The blocks in which an IPv6 tree repeats its IPv4 addresses: mapped, Teredo, 6to4.
const ALIASES: [(u128, u8); 3] = [(0xffff << 32, 96), (0x2001_0000 << 96, 32), (0x2002 << 112, 16)];

/// Zero bytes between the tree and the data section.
const SEPARATOR: [u8; 16] = [0; 16];

/// What a record of a node leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Record {
    Nothing,
    Node(u32),
    /// The number of a value.
    Data(u32),
    /// The root of the IPv4 addresses.
    Alias,
}

/// A database that is being put together.
pub struct Writer {
    metadata: Metadata,
    nodes: Vec<[Record; 2]>,
    values: Vec<u8>,
    /// Where each distinct value lies, by its bytes.
    offsets: HashMap<Vec<u8>, u32>,
}

impl Writer {
    /// Starts a database without data.
    pub fn new(metadata: Metadata) -> Self {
        let mut writer =
            Self { metadata, nodes: vec![[Record::Nothing; 2]], values: Vec::new(), offsets: HashMap::new() };
        if writer.metadata.family == Family::V6 {
            writer.step_down(0, 96);
            for (first, length) in ALIASES {
                let record = writer.record_at(first, length).expect("aliases do not overlap");
                *record = Record::Alias;
            }
        }
        writer
    }

    /// Gives all addresses of a block a value.
    ///
    /// IPv6 blocks within `::/96` and the blocks that repeat it are left out: IPv4 is kept there.
    ///
    /// # Errors
    ///
    /// When the block overlaps an earlier one, or does not fit the file.
    pub fn add(&mut self, block: Prefix, value: &Value) -> Result<(), Error> {
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
            Some(record @ Record::Nothing) => *record = Record::Data(offset),
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
        let number = |record: Record| match record {
            Record::Nothing => nodes,
            Record::Node(node) => node,
            Record::Alias => ipv4_root,
            Record::Data(offset) => nodes + 16 + offset,
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
    fn record_at(&mut self, bits: u128, length: u8) -> Option<&mut Record> {
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
            Record::Node(child) => Some(child),
            Record::Nothing => {
                let child = u32::try_from(self.nodes.len()).expect("fewer nodes than 2^32 fit in memory");
                self.nodes.push([Record::Nothing; 2]);
                self.nodes[node as usize][side] = Record::Node(child);
                Some(child)
            }
            Record::Data(_) | Record::Alias => None,
        }
    }

    /// Returns where a value lies in the data section; equal values lie there once.
    fn store(&mut self, value: &Value) -> u32 {
        let mut bytes = Vec::new();
        encode(&mut bytes, value);
        let end = u32::try_from(self.values.len()).expect("values take less than 4 GB");
        *self.offsets.entry(bytes).or_insert_with_key(|bytes| {
            self.values.extend(bytes);
            end
        })
    }

    fn metadata(&self, nodes: u32, record_bits: u16) -> Value {
        let metadata = &self.metadata;
        let ip_version = match metadata.family {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        Value::Map(vec![
            ("binary_format_major_version", Value::U16(2)),
            ("binary_format_minor_version", Value::U16(0)),
            ("build_epoch", Value::U64(metadata.build_epoch)),
            ("database_type", Value::text(&metadata.kind)),
            ("description", Value::Map(vec![("en", Value::text(&metadata.description))])),
            ("ip_version", Value::U16(ip_version)),
            ("languages", Value::Array(vec![Value::text("en")])),
            ("node_count", Value::U32(nodes)),
            ("record_size", Value::U16(record_bits)),
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
fn encode(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Map(entries) => {
            control(bytes, 7, entries.len());
            for (key, value) in entries {
                control(bytes, 2, key.len());
                bytes.extend(key.as_bytes());
                encode(bytes, value);
            }
        }
        Value::Array(values) => {
            control(bytes, 11, values.len());
            values.iter().for_each(|value| encode(bytes, value));
        }
        Value::Text(text) => {
            control(bytes, 2, text.len());
            bytes.extend(text.as_bytes());
        }
        Value::Double(number) => {
            control(bytes, 3, 8);
            bytes.extend(number.to_be_bytes());
        }
        Value::Bool(truth) => control(bytes, 14, usize::from(*truth)),
        Value::U16(number) => unsigned(bytes, 5, &number.to_be_bytes()),
        Value::U32(number) => unsigned(bytes, 6, &number.to_be_bytes()),
        Value::U64(number) => unsigned(bytes, 9, &number.to_be_bytes()),
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
