//! How long an answer takes, and how often it allocates: `cargo bench --bench engine`.

#[path = "../tests/support/world.rs"]
mod world;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

use meridian::engine::{MAX_REPLY, Transport};

/// As many static names as the largest configuration has.
const NAMES: u32 = 10_000;

/// Measures each question. The steered one finds its choice at once: what it costs to choose is measured
/// with the snapshot.
fn engine(criterion: &mut Criterion) {
    let world = world::World::new(NAMES);
    let mut reply = vec![0; MAX_REPLY];
    for (what, owner, rtype) in world::QUESTIONS {
        let request = world::question(owner, rtype);
        let allocations = allocation_counter::measure(|| {
            world.answer(&request, Transport::Udp, &mut reply);
        });
        println!("engine/{what}: {} allocations a query", allocations.count_total);
        criterion.bench_function(&format!("engine/{what}"), |bencher| {
            bencher.iter(|| world.answer(black_box(&request), Transport::Udp, black_box(&mut reply)));
        });
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);
