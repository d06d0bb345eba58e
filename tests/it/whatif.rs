//! What would happen if regions were lost: `meridian simulate --lose` and `--each`.

use std::fs;

use serde_json::Value;

use crate::home::Home;
use crate::run::{Ran, meridian};

/// A world of three regions with these capacities, whose clients of 10.0.0.0/8 and 192.0.0.0/2 are bound by `rule`.
fn home(capacities: [&str; 3], rule: &str) -> Home {
    let home = Home::new(1);
    let zones = home.zones();
    fs::read_dir(&zones).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    let region = |name: &str, law: &str, last: u8, capacity: &str| {
        format!(
            "  {name}:\n    location: {{ latitude: 35, longitude: {} }}\n    jurisdiction: {law}\n    {capacity}\n    \
             zones:\n      {name}-a: {{ addresses: [127.7.{last}.1] }}\n      {name}-b: {{ addresses: [127.7.{last}.2] }}\n",
            last * 40
        )
    };
    let [tokyo, osaka, oregon] = capacities;
    let regions =
        [region("tokyo", "JP", 1, tokyo), region("osaka", "JP", 2, osaka), region("oregon", "US", 3, oregon)];
    let zone = format!(
        "zone: example.com\nnameservers: [ns1.example.net]\ngroups:\n  banks: {{ networks: [10.0.0.0/8] }}\n  \
         half: {{ networks: [128.0.0.0/2] }}\nnames:\n  '@':\n    steer:\n      regions: [tokyo, osaka, oregon]\n      \
         residency: [{rule}]\n      order: {{ half: [osaka, tokyo, oregon], otherwise: listed }}\n"
    );
    fs::write(zones.join("server.yaml"), "name: it\nlisten: { dns: ['127.0.0.1:0'] }\n").unwrap();
    fs::write(zones.join("regions.yaml"), format!("regions:\n{}", regions.concat())).unwrap();
    fs::write(zones.join("example.com.yaml"), zone).unwrap();
    home
}

fn simulate(home: &Home, arguments: &[&str]) -> Ran {
    let zones = home.zones();
    meridian(&[&["simulate", "--config", zones.to_str().unwrap()], arguments].concat())
}

const LARGE: [&str; 3] = ["capacity: 4000", "capacity: 4000", "capacity: 9000"];

#[test]
fn a_world_that_bears_every_loss_exits_with_zero() {
    let ran = simulate(&home(LARGE, ""), &["--each"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("6 losses, all end well."), "{}", ran.out);
    assert_eq!(ran.out.lines().filter(|line| line.ends_with("  well")).count(), 6, "{}", ran.out);
}

#[test]
fn a_world_that_one_loss_overloads_exits_with_one_and_says_which_and_how_much() {
    let ran = simulate(&home(["capacity: 4000", "capacity: 400", "capacity: 400"], ""), &["--each"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with("tokyo, osaka ")).expect("the pair");
    let reason = "BADLY: oregon would stand at ";
    assert!(line.contains(reason) && line.ends_with("above the hard limit of 100%"), "{line}");
}

#[test]
fn clients_who_lose_their_only_permitted_region_end_badly() {
    let home = home(LARGE, "{ clients: banks, jurisdictions: [US] }");
    let ran = simulate(&home, &["--lose", "oregon"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = "BREAKS no_region: example.com.: the clients that are permitted only oregon (65536 /24s, ";
    assert!(ran.out.contains(told), "{}", ran.out);
    assert_eq!(simulate(&home, &["--lose", "tokyo,osaka"]).code, 0);
}

#[test]
fn a_region_that_loses_a_zone_sheds_what_is_too_much_for_the_rest_of_it() {
    let ran = simulate(&home(LARGE, ""), &["--lose", "tokyo/tokyo-a", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json["lost"][0], "tokyo/tokyo-a");
    let forecast = &json["forecast"];
    let tokyo = &forecast["regions"][0];
    let percent = |key: &str| (tokyo[key].as_f64().expect("a load") * 100.0).round();
    assert_eq!(
        ["load_before", "load_at_first", "load_after"].map(percent),
        [60.0, 99.0, 80.0],
        "full is a percent below the hard limit"
    );
}

#[test]
fn without_capacities_shares_are_told_and_that_loads_are_not_known() {
    let ran = simulate(&home([""; 3], ""), &["--lose", "tokyo"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("No region's load is known"), "{}", ran.out);
    assert!(ran.out.contains("tokyo -> osaka"), "{}", ran.out);
}

#[test]
fn what_is_not_there_is_bad_usage_with_a_way_out() {
    let home = home(LARGE, "");
    for (arguments, sentence) in [
        (&["--lose", "tokio"][..], "no region is called `tokio`; did you mean `tokyo`?"),
        (&["--lose", "tokyo/tokyo-c"], "tokyo has no availability zone `tokyo-c`; did you mean `tokyo-a`?"),
        (&["--each", "--load", "0"], "write a factor above 0"),
        (&["--each", "--lose", "tokyo"], "cannot be used with"),
        (&[], "required"),
    ] {
        let ran = simulate(&home, arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(sentence), "{ran:?}");
    }
}
