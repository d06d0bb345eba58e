//! What becomes of a change on disk while the server runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::ask::lines;
use crate::home::{self, Home};
use crate::region::{Regions, regions_in};
use crate::run::database;
use crate::server::{Server, wait_for};

/// What is changed in these tests, as it is at first.
const STATUS: &str = "192.0.2.10";

/// A client in a network of nobody but the test's own databases.
const CLIENT: &str = "203.0.113.0/24";

fn start() -> (Server, Home) {
    let home = Home::new(Regions::start().port);
    (Server::start(&home), home)
}

/// Returns a server whose database has [`CLIENT`] in Japan, and where that lies.
fn start_with_database() -> (Server, Home, PathBuf) {
    let home = Home::new(Regions::start().port);
    let path = home.path("geo.mmdb");
    home::replace(&path, &database(&home, "203.0.113.0", "JP"));
    home.use_database(&path);
    (Server::start(&home), home, path)
}

/// Returns the region that [`CLIENT`] is sent to.
fn region(server: &Server) -> &'static str {
    regions_in(&server.ask(&format!("api.example.com. A from {CLIENT}")))[0]
}

/// Returns the static answer that the tests change.
fn status(server: &Server) -> String {
    let lines = lines(&server.ask("status.api.example.com. A"));
    lines[1].rsplit(' ').next().expect("an address").to_owned()
}

/// Waits until the static answer is this.
fn check_status(server: &Server, expected: &str) {
    wait_for(&format!("the answer {expected}"), || (status(server) == expected).then_some(()));
}

#[test]
fn an_edited_zone_is_answered_from_without_a_restart() {
    let (server, home) = start();
    assert_eq!(status(&server), STATUS);
    home.edit("api.example.com.yaml", STATUS, "192.0.2.11");
    check_status(&server, "192.0.2.11");
    server.process.line("reloaded: 3 zones, 6 regions");
    home.write("more.example.net.yaml", "zone: more.example.net\nnameservers: [ns1.example.net]\n");
    server.process.line("reloaded: 4 zones");
    assert_eq!(lines(&server.ask("more.example.net. NS"))[0], "NoError aa");
}

#[test]
fn a_broken_edit_changes_nothing_and_is_logged_with_its_place_until_it_is_repaired() {
    let (server, home) = start();
    home.edit("api.example.com.yaml", "regions: [tokyo,", "regions: [tokio,");
    home.edit("api.example.com.yaml", STATUS, "192.0.2.11");
    let problem = server.process.line("api.example.com.yaml:8:17: region `tokio` is not defined");
    assert!(problem.contains(&*home.zones().to_string_lossy()), "{problem}");
    server.process.line("the configuration is refused, and the one before stays in force");
    server.process.line("hint: regions.yaml defines `tokyo`");
    assert_eq!(status(&server), STATUS);
    assert_eq!(server.regions("10.81.7.0/24"), ["tokyo"]);
    home.edit("api.example.com.yaml", "regions: [tokio,", "regions: [tokyo,");
    check_status(&server, "192.0.2.11");
}

#[test]
fn a_config_map_that_turns_its_link_is_applied_again_and_again() {
    let home = Home::new(Regions::start().port);
    let zones = home.zones();
    let names: Vec<_> = fs::read_dir(&zones).unwrap().map(|file| file.unwrap().file_name()).collect();
    fs::create_dir(zones.join("..0")).unwrap();
    for name in &names {
        fs::rename(zones.join(name), zones.join("..0").join(name)).unwrap();
        symlink(fs::canonicalize(&zones).unwrap().join("..data").join(name), zones.join(name)).unwrap();
    }
    symlink("..0", zones.join("..data")).unwrap();
    let server = Server::start(&home);
    assert_eq!(status(&server), STATUS);
    // As the kubelet does: a new directory, a new link, a rename, and the old directory goes.
    for (version, address) in [(1, "192.0.2.11"), (2, "192.0.2.12")] {
        let (old, new) = (zones.join(format!("..{}", version - 1)), zones.join(format!("..{version}")));
        fs::create_dir(&new).unwrap();
        for name in &names {
            let text = fs::read_to_string(old.join(name)).unwrap();
            fs::write(new.join(name), text.replace(&status(&server), address)).unwrap();
        }
        symlink(format!("..{version}"), zones.join("..data_tmp")).unwrap();
        fs::rename(zones.join("..data_tmp"), zones.join("..data")).unwrap();
        fs::remove_dir_all(old).unwrap();
        check_status(&server, address);
    }
}

#[test]
fn a_directory_that_was_replaced_whole_is_still_watched_afterwards() {
    let (server, home) = start();
    fs::rename(home.zones(), home.path("old")).unwrap();
    fs::create_dir(home.path("next")).unwrap();
    for file in fs::read_dir(home.path("old")).unwrap() {
        let name = file.unwrap().file_name();
        let text = fs::read_to_string(home.path("old").join(&name)).unwrap();
        fs::write(home.path("next").join(name), text.replace(STATUS, "192.0.2.11")).unwrap();
    }
    fs::rename(home.path("next"), home.zones()).unwrap();
    check_status(&server, "192.0.2.11");
    home.edit("api.example.com.yaml", "192.0.2.11", "192.0.2.12");
    check_status(&server, "192.0.2.12");
}

#[test]
fn what_a_master_file_includes_from_below_is_taken_up_when_it_comes_and_when_it_changes() {
    let (server, home) = start();
    fs::create_dir(home.zones().join("below")).unwrap();
    home.write("included.zone", "@ NS ns1.example.net.\n$INCLUDE below/hosts\n");
    home.write("included.test.yaml", "zone: included.test\nfile: included.zone\n");
    server.process.line("included.zone:2:10: there is no file `below/hosts` in the configuration directory");
    for address in ["192.0.2.11", "192.0.2.12"] {
        home.write("below/hosts", &format!("www A {address}\n"));
        wait_for(&format!("the answer {address}"), || {
            lines(&server.ask("www.included.test. A")).concat().ends_with(address).then_some(())
        });
    }
}

#[test]
fn sighup_loads_anew() {
    let (server, _home) = start();
    server.process.signal("HUP");
    server.process.line("SIGHUP");
    server.process.line("reloaded: 3 zones");
}

#[test]
fn a_region_that_is_down_stays_down_through_a_reload() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    regions.break_("tokyo");
    server.settles(&[("10.81.7.0/24", "osaka")]);
    home.edit("api.example.com.yaml", STATUS, "192.0.2.11");
    wait_for("the new answer", || {
        assert_eq!(server.regions("10.81.7.0/24"), ["osaka"]);
        (status(&server) == "192.0.2.11").then_some(())
    });
    assert_eq!(server.regions("10.81.7.0/24"), ["osaka"]);
}

#[test]
fn a_database_is_replaced_while_running_and_garbage_in_its_place_changes_nothing() {
    let (server, home, path) = start_with_database();
    assert!(["tokyo", "osaka"].contains(&region(&server)));

    home::replace(&path, b"This is no database, however it is called.");
    server.process.line("geo.mmdb` cannot be used");
    assert!(["tokyo", "osaka"].contains(&region(&server)));

    home::replace(&path, &database(&home, "203.0.113.0", "BR"));
    wait_for("the other database", || (region(&server) == "saopaulo").then_some(()));
}

#[test]
fn a_database_that_cannot_be_used_holds_back_no_other_change() {
    let (server, home, path) = start_with_database();

    // Written over: its bytes are lost, and the table that was made of them is still there.
    fs::write(&path, b"").unwrap();
    let refused = server.process.line("a database is refused; the one before stays in use");
    assert!(refused.contains("the file is empty"), "{refused}");
    home.edit("api.example.com.yaml", STATUS, "192.0.2.11");
    check_status(&server, "192.0.2.11");
    assert!(["tokyo", "osaka"].contains(&region(&server)));
    server.process.line("the one before stays in use, and the rest is in force");

    // Replaced while the regions move: the file that was read is still open.
    home::replace(&path, &database(&home, "203.0.113.0", "BR"));
    wait_for("the other database", || (region(&server) == "saopaulo").then_some(()));
    home::replace(&path, b"This is no database.");
    server.process.line("not a database in MaxMind's format");
    home.edit("regions.yaml", "-23.55, longitude: -46.63", "-33.87, longitude: 151.21");
    home.edit("api.example.com.yaml", "192.0.2.11", "192.0.2.12");
    check_status(&server, "192.0.2.12");
    wait_for("another region", || (region(&server) != "saopaulo").then_some(()));
}
