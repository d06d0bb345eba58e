//! A master file of every type, compared with what BIND's `named-compilezone` reads in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use meridian::config::{SourceFile, SourceFiles, compile};

/// A record: owner in wire format, type, TTL, data in wire format.
type WireRecord = (Vec<u8>, u16, u32, Vec<u8>);

const ORIGIN: &str = "example.test.";

#[test]
fn a_master_file_of_every_type_is_read_as_bind_reads_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/master_files/every_type.zone");
    let Some(theirs) = compiled_by_bind(&path) else { return };
    let ours = compiled_by_us(&std::fs::read(&path).expect("the file is there"));
    let missing: Vec<_> = theirs.difference(&ours).map(text).collect();
    let other: Vec<_> = ours.difference(&theirs).map(text).collect();
    assert!(missing.is_empty() && other.is_empty(), "BIND has\n{missing:#?}\nwe have\n{other:#?}");
    assert!(theirs.len() > 100);
}

fn text((owner, rtype, ttl, data): &WireRecord) -> String {
    let owner = String::from_utf8_lossy(owner);
    format!("{owner:?} {ttl} TYPE{rtype} {}", data_encoding::HEXLOWER.encode(data))
}

fn compiled_by_us(octets: &[u8]) -> BTreeSet<WireRecord> {
    let files = vec![
        SourceFile::new("server.yaml", "name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\n"),
        SourceFile::new("z.yaml", format!("zone: {ORIGIN}\nfile: z.zone\n")),
        SourceFile::new("z.zone", octets),
    ];
    let compiled = compile(&SourceFiles::new("", files)).unwrap_or_else(|problems| panic!("{problems}"));
    let mut records = BTreeSet::new();
    for (owner, node) in &compiled.config.zones[0].nodes {
        for set in &node.rrsets {
            for data in &set.rdata {
                let record = (wire(&owner.to_lowercase()), set.rtype.into(), set.ttl.seconds(), wire(data));
                records.insert(record);
            }
        }
    }
    records
}

fn wire(value: &impl BinEncodable) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    value.emit(&mut encoder).expect("it has a wire form");
    octets
}

/// Returns the records as `named-compilezone` reads them. Without the program there is nothing to compare with,
/// which is an error where `CI` is `true`.
fn compiled_by_bind(path: &Path) -> Option<BTreeSet<WireRecord>> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let raw = directory.path().join("raw");
    let mut command = Command::new("named-compilezone");
    command.args(["-i", "none", "-k", "ignore", "-F", "raw", "-o"]).arg(&raw).arg(ORIGIN).arg(path);
    match command.output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            Some(records_of_raw(&std::fs::read(&raw).expect("it was written")))
        }
        Err(error) if std::env::var("CI").as_deref() == Ok("true") => {
            panic!("named-compilezone: {error}; it is in Debian's bind9-utils")
        }
        Err(_) => {
            println!("skipped: no named-compilezone (Debian: bind9-utils)");
            None
        }
    }
}

/// Reads BIND's raw format, version 1: a header, then RRsets with their lengths.
fn records_of_raw(raw: &[u8]) -> BTreeSet<WireRecord> {
    const HEADER: usize = 24;
    let mut records = BTreeSet::new();
    let mut rest = Reader(&raw[HEADER..]);
    while !rest.0.is_empty() {
        let _length = rest.number(4);
        let (_class, rtype, _covers) = (rest.number(2), rest.number(2), rest.number(2));
        let (ttl, count) = (rest.number(4), rest.number(4));
        let owner = rest.string().to_ascii_lowercase();
        for _ in 0..count {
            let rtype = u16::try_from(rtype).expect("two octets");
            records.insert((owner.clone(), rtype, ttl, rest.string().to_vec()));
        }
    }
    records
}

struct Reader<'r>(&'r [u8]);

impl<'r> Reader<'r> {
    fn take(&mut self, octets: usize) -> &'r [u8] {
        let taken;
        (taken, self.0) = self.0.split_at(octets);
        taken
    }

    fn number(&mut self, octets: usize) -> u32 {
        self.take(octets).iter().fold(0, |number, octet| number << 8 | u32::from(*octet))
    }

    fn string(&mut self) -> &'r [u8] {
        let length = self.number(2);
        self.take(length as usize)
    }
}
