//! Fuzz targets: `cargo test` runs them with random bytes, `cargo bolero test NAME` with a fuzzer.

#[path = "support/world.rs"]
mod world;

use std::sync::LazyLock;

use hickory_proto::op::Message;

use meridian::answer::NameTree;
use meridian::config::{SourceFile, SourceFiles, compile};
use meridian::engine::{Disposition, MAX_REPLY, Transport};
use meridian::wire::{HEADER_OCTETS, Query};

static WORLD: LazyLock<world::World> = LazyLock::new(|| world::World::new(10));

#[test]
fn wire_request() {
    bolero::check!().for_each(|bytes| {
        if let Some(request) = Query::parse(bytes) {
            assert!(request.question.is_some() || !request.is_well_formed);
        }
    });
}

#[test]
fn engine_respond() {
    bolero::check!().for_each(answer);
}

/// As above, but the bytes replace the end of a valid request, so that they get further into the engine.
#[test]
fn engine_respond_to_a_question() {
    bolero::check!().for_each(|bytes| {
        for (_, owner, rtype) in world::QUESTIONS {
            let mut request = world::question(owner, rtype);
            let kept = request.len().saturating_sub(bytes.len());
            request.truncate(kept.max(HEADER_OCTETS));
            request.extend(bytes);
            answer(&request);
        }
    });
}

/// A master file may come from a customer: whatever is in it, it is read or refused with places.
#[test]
fn master_file() {
    bolero::check!().for_each(|octets: &[u8]| read_master_file(octets));
}

/// As above, but the octets replace a part of a file of every type, so that they get further into the fields.
#[test]
fn master_file_of_every_type() {
    const FILE: &[u8] = include_bytes!("master_files/every_type.zone");
    bolero::check!().for_each(|octets: &[u8]| {
        let (place, octets) = octets.split_at(octets.len().min(2));
        let place = place.iter().fold(0, |place, octet| place << 8 | usize::from(*octet)) % FILE.len();
        let mut file = FILE.to_vec();
        let end = (place + octets.len()).min(file.len());
        file.splice(place..end, octets.iter().copied());
        read_master_file(&file);
    });
}

/// Reads a master file, and holds that what is wrong can be printed and what is right can be served.
fn read_master_file(octets: &[u8]) {
    let files = vec![
        SourceFile::new("server.yaml", "name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\n"),
        SourceFile::new("z.yaml", "zone: example.test\nfile: z.zone\nnameservers: ns1.example.net\n"),
        SourceFile::new("z.zone", octets),
    ];
    match compile(&SourceFiles::new("", files)) {
        Ok(compiled) => drop(NameTree::compile(&compiled.config.zones)),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

/// Answers, and holds that the reply can be read and keeps to its limit.
fn answer(request: &[u8]) {
    for (transport, limit) in [(Transport::Udp, 1232), (Transport::Tcp, MAX_REPLY)] {
        let mut reply = [0; MAX_REPLY];
        if let Disposition::Reply { length, .. } = WORLD.answer(request, transport, &mut reply) {
            assert!(length <= limit);
            let message = Message::from_vec(&reply[..length]).expect("a reply can be read");
            assert_eq!(message.metadata.id.to_be_bytes(), request[..2]);
        }
    }
}
