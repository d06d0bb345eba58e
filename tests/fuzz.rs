//! Fuzz targets: `cargo test` runs them with random bytes, `cargo bolero test NAME` with a fuzzer.

#[path = "support/world.rs"]
mod world;

use std::sync::{Arc, LazyLock};

use hickory_proto::op::Message;

use meridian::answer::NameTree;
use meridian::config::{SourceFile, SourceFiles, compile};
use meridian::engine::{Arrival, Disposition, MAX_REPLY, Transport};
use meridian::geo::{Table, TableSources};
use meridian::health::View;
use meridian::moment::Moment;
use meridian::snapshot::{Base, Snapshot};
use meridian::transfer::{self, SerialBook, TransactionReply, TransferSource, Transfers};
use meridian::wire::{HEADER_OCTETS, Query, TsigAlgorithm, TsigKey};

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

/// Zone transfers and signed requests: the bytes stand behind the question of one, which has so many more records.
#[test]
fn transfer_respond() {
    bolero::check!().for_each(|bytes| {
        for qtype in [6, 251, 252] {
            let mut request = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\0\0\x01".to_vec();
            request[26] = qtype;
            let (counts, records) = bytes.split_at(bytes.len().min(2));
            request[9] = counts.first().map_or(0, |count| count % 2);
            request[11] = counts.get(1).map_or(1, |count| count % 3);
            request.extend(records);
            transact(&request);
        }
        transact(bytes);
    });
}

/// As above, but the bytes replace a part of a request that is signed as it should be.
#[test]
fn transfer_respond_to_a_signature() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut request = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\xfc\0\x01".to_vec();
        TRANSFERS.0.base.tsig_keys[0].sign_request(&mut request, 1_816_000_000);
        let (place, octets) = bytes.split_at(bytes.len().min(1));
        let place = HEADER_OCTETS + place.first().map_or(0, |place| usize::from(*place));
        let end = (place + octets.len()).min(request.len());
        if place < end {
            request[place..end].copy_from_slice(&octets[..end - place]);
        }
        transact(&request);
    });
}

/// A snapshot of a zone that is transferred, and what is given of it.
static TRANSFERS: LazyLock<(Snapshot, Arc<Transfers>)> = LazyLock::new(|| {
    let files = [
        ("server.yaml", "name: ns1\nlisten: { dns: ['127.0.0.1:5300'] }\n"),
        (
            "example.com.yaml",
            "zone: example.com\nnameservers: [ns1.example.net]\ntransfer: { clients: [{ networks: 192.0.2.0/24 }] }\n",
        ),
    ];
    let files = files.map(|(name, text)| SourceFile::new(name, text));
    let config = compile(&SourceFiles::new("zones", files.to_vec())).expect("a configuration").config;
    let sources = TableSources { database: None, asn: None, networks: &[] };
    let table = Table::compile(sources, &config.distinctions()).expect("no database");
    let view = View::all_up(&config.regions);
    let key = TsigKey::new(b"\x03key\0", TsigAlgorithm::HmacSha256, &[9; 32]).expect("a name");
    let base = Base::build(Arc::new(config), table).with_tsig_keys(vec![key]);
    let snapshot = Snapshot::compile(Arc::new(base), view, 1);
    let transfers = SerialBook::default().take(&snapshot, Moment(1_816_000_000_000));
    (snapshot, transfers)
});

/// Has a request answered over both transports, and reads what comes.
fn transact(request: &[u8]) {
    let (snapshot, transfers) = &*TRANSFERS;
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut reply = vec![0; MAX_REPLY];
        let at = Moment(1_816_000_000_000);
        let arrival = Arrival { client: [192, 0, 2, 7].into(), transport, at };
        let source = TransferSource { snapshot, transfers };
        let messages = match transfer::respond(source, request, arrival, &mut reply).reply {
            TransactionReply::Silence => Vec::new(),
            TransactionReply::Message { length, .. } => vec![reply[..length].to_vec()],
            TransactionReply::Stream(mut stream, _) => {
                assert_eq!(transport, Transport::Tcp);
                std::iter::from_fn(|| stream.next(&mut reply, at).map(|length| reply[..length].to_vec()))
                    .collect()
            }
        };
        for message in messages {
            Message::from_vec(&message).expect("a message");
        }
    }
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
