//! Random runs of two to five instances that judge health together: no address falls that a quorum cannot have seen
//! fail, and all agree two seconds after the network between them is whole.

#[path = "support/observers.rs"]
mod observers;

use std::time::Duration;

use observers::World;

/// Plays so many runs of some hours, and returns how much happened.
fn check(seeds: std::ops::RangeInclusive<u64>, hours: u64) -> [usize; 5] {
    let mut sums = [0; 5];
    for seed in seeds {
        let outcome = World::new(seed).play(Duration::from_secs(hours * 3600));
        let first: Vec<_> = outcome.violations.iter().take(5).collect();
        assert!(first.is_empty(), "seed {seed}: {first:#?}");
        let counts = [outcome.falls, outcome.blackouts, outcome.cuts, outcome.restarts, outcome.comparisons];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    sums
}

#[test]
fn no_lost_path_moves_a_client_and_all_agree_when_the_network_is_whole() {
    let [falls, blackouts, cuts, restarts, comparisons] = check(1..=4, 1);
    println!(
        "{falls} falls, {blackouts} blackouts, {cuts} cuts, {restarts} restarts, {comparisons} comparisons"
    );
    for count in [falls, blackouts, cuts, restarts, comparisons] {
        assert!(count > 10, "too little happened");
    }
}

/// The same for longer, from a seed on: `MERIDIAN_HOURS=1000 MERIDIAN_SEED=1 cargo test --test observers -- --ignored
/// --nocapture`.
#[test]
#[ignore = "takes as long as it is told to"]
fn and_for_as_long_as_wanted() {
    let number = |name: &str, usual: u64| {
        std::env::var(name).map_or(usual, |number| number.parse().expect("a number"))
    };
    let (hours, seed) = (number("MERIDIAN_HOURS", 100), number("MERIDIAN_SEED", 1));
    let [falls, blackouts, cuts, restarts, comparisons] = check(seed..=seed + hours - 1, 1);
    println!(
        "{hours} simulated hours: {falls} falls, {blackouts} blackouts, {cuts} cuts, {restarts} restarts, \
         {comparisons} comparisons"
    );
}
