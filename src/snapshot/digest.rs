//! Digests of what steered names answer, by which two instances are compared.
//!
//! The digest of a name covers its records with their times to live, and which clients get which. Two instances with
//! the same configuration and databases have the same digests when every client gets the same from both; with
//! other databases digests may differ although answers do not.

use std::hash::{Hash, Hasher};

use ring::digest::{Context, SHA256};

use super::Snapshot;
use super::choices::Choices;
use super::records::{Answer, Answers};

/// Feeds what is hashed to SHA-256, numbers in one byte order on all machines.
pub(super) struct Digester(Context);

impl Digester {
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub fn done(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 has 32 octets")
    }
}

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write(&(number as i64).to_le_bytes());
    }

    /// The hash is the digest, of which this would be a part.
    fn finish(&self) -> u64 {
        0
    }
}

/// The most steered names of which digests are made.
pub const MAX_DIGESTS: usize = 1000;

impl Snapshot {
    /// Returns the SHA-256 of what each of the first [`MAX_DIGESTS`] steered names answers, by `SteeringId`. They are made
    /// once, when they are first asked for.
    pub fn digests(&self) -> &[[u8; 32]] {
        self.digests.get_or_init(|| {
            // Names share choices, of which there are few.
            let of_choices: Vec<[u8; 32]> = self.choices.iter().map(of_choices).collect();
            let names = self.answers.iter().zip(&self.choices_of).take(MAX_DIGESTS);
            let digest = |(answers, choices): (&Vec<Answers>, &usize)| {
                let mut digester = Digester::new();
                digester.write(&of_choices[*choices]);
                answers.iter().for_each(|answers| add(answers, &mut digester));
                digester.done()
            };
            names.map(digest).collect()
        })
    }
}

fn of_choices(choices: &Choices) -> [u8; 32] {
    let mut digester = Digester::new();
    choices.hash_clients(&mut digester);
    digester.done()
}

/// Adds answers, but not what is counted of them.
fn add(answers: &Answers, digester: &mut Digester) {
    for answer in &answers.by_kind {
        match answer {
            Answer::Records { packed, is_leaving: _, is_fail_open: _ } => {
                digester.write_u8(0);
                packed.hash(digester);
            }
            Answer::Nodata(ttl) => {
                digester.write_u8(1);
                digester.write_u32(ttl.seconds());
            }
            Answer::Refuse => digester.write_u8(2),
            Answer::Servfail => digester.write_u8(3),
            Answer::Prohibited => digester.write_u8(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::health::{Standing, View};
    use crate::moment::Moment;
    use crate::snapshot::{Base, fixture};

    const REGIONS: &str = "\
regions:
  tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, zones: { a: { addresses: [192.0.2.1] } } }
  lyon: { location: { latitude: 46, longitude: 5 }, jurisdiction: FR, zones: { a: { addresses: [192.0.2.2] } } }
";

    fn base() -> Arc<Base> {
        let steer = "regions: [lyon, tokyo], order: listed";
        Arc::new(fixture::base(
            REGIONS,
            &format!(
                "zone: example.com\nnameservers: [ns1.example.net]\nnames: {{ '@': {{ steer: {{ {steer} }} }} }}\n"
            ),
        ))
    }

    fn digests(base: &Arc<Base>, standings: [Standing; 2], number: u64) -> Vec<[u8; 32]> {
        let view = View::counted(&base.config.regions, standings.to_vec());
        Snapshot::compile(Arc::clone(base), view, number).digests().to_vec()
    }

    #[test]
    fn snapshots_that_answer_alike_have_the_same_digests() {
        let up = digests(&base(), [Standing::Up, Standing::Up], 1);
        assert_eq!(up.len(), 1);
        assert_eq!(digests(&base(), [Standing::Up, Standing::Up], 2), up);
        let down = Standing::Down { since: Moment(0) };
        assert_eq!(digests(&base(), [down, Standing::Up], 3), up, "the second of the list is not answered");
    }

    #[test]
    fn the_digests_of_a_snapshot_are_made_once() {
        let base = base();
        let view = View::counted(&base.config.regions, vec![Standing::Up; 2]);
        let snapshot = Snapshot::compile(base, view, 1);
        assert!(std::ptr::eq(snapshot.digests(), snapshot.digests()));
    }

    #[test]
    fn what_another_region_answers_has_another_digest() {
        let down = Standing::Down { since: Moment(0) };
        let (up, fallen) =
            (digests(&base(), [Standing::Up, Standing::Up], 1), digests(&base(), [Standing::Up, down], 1));
        assert_ne!(up, fallen);
    }
}
