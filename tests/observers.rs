//! A random run of two to five instances that judge health together: no address falls that a quorum cannot have seen
//! fail, and all agree two seconds after the network between them is whole.
//!
//! `MERIDIAN_HOURS` says how many hours of the written clock it takes, `MERIDIAN_SEED` which ones:
//! `MERIDIAN_HOURS=10000 cargo test --release --test observers -- --nocapture`.

#[path = "support/observers.rs"]
mod observers;

use std::time::{Duration, Instant};

use observers::World;

/// The hours unless the environment says otherwise: enough for each trouble to meet each other one.
const USUAL_HOURS: u64 = 4;

/// The most hours of one group of instances; another seed draws another number of them.
const HOURS_OF_A_WORLD: u64 = 10;

#[test]
fn no_lost_path_moves_a_client_and_all_agree_when_the_network_is_whole() {
    let (hours, first) = (number("MERIDIAN_HOURS", USUAL_HOURS), number("MERIDIAN_SEED", 1));
    let (begin, mut left, mut sums) = (Instant::now(), hours, [0; 7]);
    // By default a world for each hour, for the sake of variety.
    let most = (hours / USUAL_HOURS).clamp(1, HOURS_OF_A_WORLD);
    for seed in first.. {
        let lasting = left.min(most);
        if lasting == 0 {
            break;
        }
        left -= lasting;
        let outcome = World::new(seed).play(Duration::from_secs(lasting * 3600));
        assert!(outcome.violations.is_empty(), "MERIDIAN_SEED={seed}: {:#?}", outcome.violations);
        let counts = [
            outcome.falls,
            outcome.blackouts,
            outcome.cuts,
            outcome.stalls,
            outcome.restarts,
            outcome.reloads,
            outcome.comparisons,
        ];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let [falls, blackouts, cuts, stalls, restarts, reloads, comparisons] = sums;
    let rate = hours as f64 / (begin.elapsed().as_secs_f64() / 60.0);
    println!(
        "{hours} simulated hours, {rate:.1} a minute: {falls} falls, {blackouts} blackouts, {cuts} cuts, {stalls} \
         stalls, {restarts} restarts, {reloads} reloads, {comparisons} comparisons"
    );
    assert!(sums.iter().all(|count| *count as u64 > hours), "too little happened");
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().expect("a number"))
}
