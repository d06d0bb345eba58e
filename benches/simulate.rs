//! How long an hour takes in a simulation. Prints; judges nothing.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/fleet.rs"]
mod fleet;

use std::fs;

use figures::{median, print, print_time};
use fleet::Fleet;
use meridian::simulate::{LoadedScenario, Simulation, Timeline};

/// Twenty regions with two zones; in each a region that comes and goes, one that is slow, one that is full, and
/// traffic that doubles.
const SCRIPT: &str = "config .
watch api.example.com
client JP 133.11.0.0/20 rate 4000
client US 128.112.0.0/20 rate 4000
client DE 141.20.0.0/20 rate 4000
every 5m from 1m to 55m r3 refuse
every 5m from 3m to 57m r3 ok
every 10m from 2m to 52m r7/z0 timeout
every 10m from 6m to 56m r7/z0 ok
at 20m r5 load 95%
at 40m r5 load auto
at 30m demand 200%
until 1h
";

fn main() {
    for (addresses, canaries) in [(80, "shallow"), (80, "shallow, deep"), (1000, "shallow, deep")] {
        let fleet = Fleet { regions: 20, zones: 2, addresses, port: 8080 };
        let bound = if addresses == 80 { "at most 1 s" } else { "" };
        hour(&format!("simulate/20 regions, {addresses} addresses, {canaries}"), fleet, canaries, bound);
    }
}

fn hour(what: &str, fleet: Fleet, canaries: &str, bound: &str) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in fleet.files(canaries) {
        fs::write(directory.path().join(name), text).expect("a file is written");
    }
    let path = directory.path().join("script");
    fs::write(&path, SCRIPT).expect("a file is written");
    let (load, loaded) =
        median(1, || LoadedScenario::load(&path, None).unwrap_or_else(|error| panic!("{error}")));
    let (time, timeline) = median(3, || {
        let mut timeline = Timeline::default();
        Simulation::play(&loaded, &mut |at, happening| timeline.take(at, happening));
        timeline
    });
    print_time(&format!("{what}: load"), load, "");
    print_time(&format!("{what}: an hour"), time, bound);
    let counted = format!("{} probes", timeline.summary.probes);
    print(&format!("{what}: in it"), counted, &format!("{} snapshots", timeline.summary.snapshots));
}
