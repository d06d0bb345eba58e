//! Measured and calculated availability, and alarms about what regions report.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::home::Home;
use crate::region::Regions;
use crate::run::meridian;
use crate::server::{Server, wait_for};

/// A client that is nearest to Osaka while Tokyo is away.
const JAPAN: &str = "10.81.7.0/24";

/// Starts a server with an admin address, and returns that.
fn start(home: &Home) -> (Server, String) {
    let server = Server::start(home);
    let line = server.process.line("admin pages on http://");
    let admin = line.rsplit("http://").next().expect("an address").to_owned();
    (server, admin)
}

fn home(regions: &Regions) -> Home {
    let home = Home::new(regions.port);
    home.edit("server.yaml", "geo:\n", "admin: \"127.0.0.1:0\"\ngeo:\n");
    home
}

/// Returns what is measured of one subject.
fn row(admin: &str, subject: &str) -> Value {
    let ran = meridian(&["availability", "--json", "--admin", admin]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let page: Value = serde_json::from_str(&ran.out).expect("JSON");
    let mut rows = page["subjects"].as_array().expect("a list").iter();
    rows.find(|row| row["subject"] == subject).unwrap_or_else(|| panic!("no {subject} in {page}")).clone()
}

#[test]
fn an_outage_is_one_incident_with_its_downtime_and_survives_kill_9() {
    let regions = Regions::start();
    let home = home(&regions);
    let (server, admin) = start(&home);
    let (osaka, address) = ("osaka", "osaka/osaka-a/127.7.2.1");
    wait_for("osaka to be observed", || (!row(&admin, osaka)["uptime_percent"].is_null()).then_some(()));
    regions.break_("osaka");
    server.process.line("osaka left the IPv4 answers");
    wait_for("osaka to be down", || (row(&admin, osaka)["is_down"] == true).then_some(()));
    regions.heal("osaka");
    server.process.line("osaka is back in the IPv4 answers");
    let file = home.path("state/availability.json");
    wait_for("the ledger to be written", || {
        fs::read_to_string(&file).ok().filter(|text| text.contains("127.7.2.1"))
    });
    server.process.signal("KILL");
    drop(server);

    let (_server, admin) = start(&home);
    for subject in [osaka, address] {
        let row = row(&admin, subject);
        assert_eq!(row["incidents"], 1, "{row}");
        assert!(row["downtime_minutes"].as_f64().unwrap() > 0.0, "{row}");
        // Three failures in a row, 50 ms apart, make a verdict.
        assert!(row["detect_seconds"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert_eq!(row(&admin, "tokyo")["incidents"], 0);
    assert_eq!(row(&admin, "api.example.com")["incidents"], 0, "another region took its clients");
    let ran = meridian(&["availability", "--target", "100", "--admin", &admin]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("MISSED  osaka: "), "{}", ran.out);
    let ran = meridian(&["availability", "--target", "0", "--days", "7", "--admin", &admin]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_target_is_checked_against_what_is_built() {
    let home = home(&Regions::start());
    let zones = home.zones();
    let calculate = |target: &str| {
        let directory = zones.to_str().expect("a path of letters");
        meridian(&["availability", "--calculate", "--config", directory, "--target", target])
    };
    let kept = calculate("99.9");
    assert_eq!(kept.code, 0, "{kept:?}");
    // Two zones, 0.1 % down each, a tenth in common.
    assert!(kept.out.contains("99.98992%"), "{}", kept.out);
    let missed = calculate("99.95");
    assert_eq!(missed.code, 1, "{missed:?}");
    assert!(missed.out.contains("MISSED  osaka (IPv4)"), "{}", missed.out);
    assert!(missed.out.contains("kept    tokyo (IPv4)"), "{}", missed.out);
    assert_eq!(calculate("150").code, 2);
}

/// Reports an error rate of 20 % on this address as long as `is_ill`, and of none from then on. Returns the port.
fn report_errors(address: &str, is_ill: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let rate = if is_ill.load(Ordering::SeqCst) { "0.20" } else { "0.00" };
            let body = format!("{{\"errors\": {rate}}}");
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A probe that gives up is the prober's affair.
            let _ = stream.read(&mut [0; 1024]).and_then(|_| stream.write_all((head + &body).as_bytes()));
        }
    });
    port
}

#[test]
fn an_error_rate_beyond_its_limit_is_an_alarm_until_it_is_well_again() {
    let regions = Regions::start();
    let home = home(&regions);
    let is_ill = Arc::new(AtomicBool::new(true));
    let port = report_errors("127.7.2.1", Arc::clone(&is_ill));
    let deep = format!(
        "canaries:\n  deep:\n    json: {{ url: \"http://{{address}}:{port}/\", signals: {{ error_rate: /errors }} }}\n    \
         advisory: 50%\n    interval: 500ms\n    timeout: 450ms\n  shallow:\n"
    );
    home.edit("regions.yaml", "canaries:\n  shallow:\n", &deep);
    home.edit("regions.yaml", "2.1\"] }\n    canaries: [shallow]", "2.1\"] }\n    canaries: [shallow, deep]");
    home.edit("regions.yaml", "recovery:", "alarms: { error_rate: { above: 0.05, for: 1s } }\nrecovery:");
    let (server, admin) = start(&home);
    let alarm = "osaka fails 20% of its requests, more than 5% for 1s";
    server.process.line(alarm);
    let alarms = || {
        let ran = meridian(&["status", "--json", "--admin", &admin]);
        let status: Value = serde_json::from_str(&ran.out).expect("JSON");
        status["alarms"].clone()
    };
    wait_for("the alarm to stand", || alarms().to_string().contains(alarm).then_some(()));
    server.settles(&[(JAPAN, "tokyo")]);
    is_ill.store(false, Ordering::SeqCst);
    server.process.line("osaka fails 0% of its requests, no longer more than 5%");
    wait_for("no alarm to stand", || (!alarms().to_string().contains("osaka")).then_some(()));

    // A configuration that is refused is an alarm until a good one takes its place.
    home.edit("regions.yaml", "above: 0.05", "above: 5");
    server.process.line("the configuration on disk is refused: ");
    wait_for("the refusal to stand", || alarms().to_string().contains("is refused").then_some(()));
    home.edit("regions.yaml", "above: 5", "above: 0.05");
    server.process.line("the configuration on disk is in force again");
}
