//! Answering allocates nothing: design, section 6.

#[path = "support/world.rs"]
mod world;

use meridian::engine::{MAX_REPLY, Outcome, Transport};

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
            let mut outcome = Outcome::Silence;
            let allocations = allocation_counter::measure(|| {
                outcome = world.answer(&request, transport, &mut reply);
            });
            assert!(matches!(outcome, Outcome::Reply { .. }), "{what}");
            assert_eq!(allocations.count_total, 0, "{what}");
        }
    }
}
