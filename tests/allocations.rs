//! Answering allocates nothing: design, section 6.

#[path = "support/demo.rs"]
mod demo;
#[path = "support/world.rs"]
mod world;

use meridian::engine::{self, Disposition, MAX_REPLY, Transport};
use meridian::metrics::ResolverTable;
use meridian::snapshot::Snapshot;
use meridian::wire::Rcode;

#[test]
fn the_counter_counts() {
    let allocations = allocation_counter::measure(|| drop(std::hint::black_box(vec![1, 2, 3])));
    assert_eq!(allocations.count_total, 1);
}

#[test]
fn an_answer_allocates_nothing() {
    let world = world::World::new(100);
    let mut reply = vec![0; MAX_REPLY];
    for (what, owner, rtype) in world::QUESTIONS {
        let request = world::question(owner, rtype);
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut outcome = Disposition::Silence;
            let allocations = allocation_counter::measure(|| {
                outcome = world.answer(&request, transport, &mut reply);
            });
            assert!(matches!(outcome, Disposition::Reply { .. }), "{what}");
            assert_eq!(allocations.count_total, 0, "{what}");
        }
    }
}

#[test]
fn noting_who_still_asks_allocates_nothing() {
    let resolvers = ResolverTable::default();
    let allocations = allocation_counter::measure(|| {
        for number in 0..10_000u32 {
            resolvers.note(std::net::Ipv4Addr::from_bits(number).into());
            resolvers.note(std::net::Ipv6Addr::from_bits(u128::from(number) << 64).into());
        }
    });
    assert_eq!(allocations.count_total, 0);
    assert!(resolvers.summary().is_more, "a full table says so");
}

/// Asks a snapshot as several clients, each of which gets an answer from some region.
fn check(snapshot: &Snapshot) {
    let mut reply = vec![0; MAX_REPLY];
    for client in ["133.11.0.1", "10.1.2.3", "198.51.100.7", "2001:db8::1", "::ffff:133.11.0.1"] {
        let client = client.parse().expect("an address");
        let request = demo::question("api.example.com.", client);
        let mut outcome = Disposition::Silence;
        let allocations = allocation_counter::measure(|| {
            outcome = engine::answer(snapshot, &request, world::ARRIVAL, &mut reply);
        });
        let Disposition::Reply { tally, .. } = outcome else { panic!("{client} gets a reply") };
        assert_eq!((tally.rcode, tally.region.is_some()), (Rcode::NoError, true), "{client}");
        assert!(tally.has_client_subnet, "{client}");
        assert_eq!(allocations.count_total, 0, "{client}");
    }
}

#[test]
fn an_answer_that_a_snapshot_steers_allocates_nothing() {
    let config = demo::config();
    let table = demo::table(&config, None);
    check(&demo::snapshot(config, table));
}

#[test]
fn an_answer_for_which_shares_are_drawn_allocates_nothing() {
    let config = demo::config();
    let table = demo::table(&config, None);
    let regions = config.regions.len();
    check(&demo::ramping_snapshot(config, table, regions));
}
