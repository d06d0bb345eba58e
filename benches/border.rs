//! Whether resolvers carry an address over the border in any of 10^5 random worlds: `cargo bench --bench border`. It takes
//! many minutes; `MERIDIAN_WORLDS` says another number of worlds. Prints; judges nothing, but prints the world in which one does, made as small as it goes.
//!
//! `tests/laws.rs` holds the same law over a few hundred worlds.

#[path = "../tests/support/draft.rs"]
mod draft;
#[path = "support/figures.rs"]
mod figures;
#[path = "../tests/support/resolver.rs"]
mod resolver;
#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::env;
use std::time::Instant;

use figures::{print, print_time};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use resolver::{any_manners, any_questions, any_sound_draft, check_resolver};

const USUAL_WORLDS: u32 = 100_000;

fn main() {
    let worlds = env::var("MERIDIAN_WORLDS").ok().map(|text| text.parse().expect("a number of worlds"));
    let worlds = worlds.unwrap_or(USUAL_WORLDS);
    let config = ProptestConfig { cases: worlds, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let asked = Cell::new([0u64; 2]);
    let world =
        (any_sound_draft(), proptest::collection::vec(any::<u32>(), 6), any_manners(), any_questions());
    let started = Instant::now();
    let held = runner.run(&world, |(draft, anywhere, manners, questions)| {
        let queries = check_resolver(&draft, &anywhere, manners, &questions)?;
        let [clients, server] = asked.get();
        asked.set([clients + questions.len() as u64, server + queries]);
        Ok(())
    });
    let [clients, server] = asked.get();
    print_time(&format!("border/{worlds} worlds"), started.elapsed(), "");
    print("border: questions of clients", clients, "");
    print("border: queries to the server", server, "");
    print("border: worlds in which an address went astray", u8::from(held.is_err()), "none");
    if let Err(error) = held {
        println!("{error}");
    }
}
