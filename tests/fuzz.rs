//! Fuzz targets: `cargo test` runs them with random bytes, `cargo bolero test NAME` with a fuzzer.

#[path = "support/world.rs"]
mod world;

use std::sync::LazyLock;

use hickory_proto::op::Message;

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
