//! What the process has given up by the time it answers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::ask::{self, Over, lines};
use crate::home::Home;
use crate::region::Regions;
use crate::server::{Server, wait_for};

const QUESTION: &str = "status.api.example.com. A";

/// A user without an entry, as containers have.
const USER: u32 = 65_532;

/// Returns a field of `/proc/PID/task/*/status` that all threads have alike.
fn status(server: &Server, field: &str) -> String {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.process.id())).expect("it runs");
    let read = |task: fs::DirEntry| fs::read_to_string(task.path().join("status")).unwrap_or_default();
    let value = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{field}:")))?.trim().to_owned();
        Some(line)
    };
    let mut values: Vec<String> = tasks.filter_map(|task| value(read(task.ok()?))).collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), 1, "{field}: {values:?}");
    values.remove(0)
}

#[test]
fn no_thread_can_gain_privileges_and_state_is_written() {
    let regions = Regions::start();
    let home = Home::new(regions.port);
    let server = Server::start(&home);
    assert_eq!(status(&server, "NoNewPrivs"), "1");
    // What nothing has happened to is written once a minute only.
    regions.break_("oregon");
    wait_for("the state", || home.path("state").join("health.json").exists().then_some(()));
}

#[test]
fn a_process_of_root_becomes_its_user_without_capabilities_and_still_reloads() {
    if !rustix::process::getuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let regions = Regions::start();
    let home = Home::new(regions.port);
    home.edit("server.yaml", "listen:\n", &format!("user: {USER}\nlisten:\n"));
    fs::create_dir_all(home.path("state")).unwrap();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    chown(home.path("state"), Some(USER), Some(USER)).unwrap();
    let server = Server::start(&home);
    for (field, expected) in [
        ("Uid", format!("{USER}\t{USER}\t{USER}\t{USER}")),
        ("Gid", format!("{USER}\t{USER}\t{USER}\t{USER}")),
        ("Groups", String::new()),
        ("CapEff", "0000000000000000".to_owned()),
        ("CapPrm", "0000000000000000".to_owned()),
        ("NoNewPrivs", "1".to_owned()),
    ] {
        assert_eq!(status(&server, field), expected, "{field}");
    }
    assert_eq!(lines(&ask::ask(server.dns, QUESTION, Over::Udp))[0], "NoError aa");
    regions.break_("oregon");
    wait_for("the state", || home.path("state").join("health.json").exists().then_some(()));
    home.edit("api.example.com.yaml", "192.0.2.10", "192.0.2.11");
    wait_for("the reload", || {
        let answer = lines(&ask::ask(server.dns, QUESTION, Over::Udp));
        answer.iter().any(|line| line.ends_with("192.0.2.11")).then_some(())
    });
}

#[test]
fn a_user_that_is_none_keeps_the_server_from_starting() {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", "user: no-such-user\nlisten:\n");
    let ran = crate::run::meridian(&["serve", "--config", home.zones().to_str().expect("letters")]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(format!("{ran:?}").contains("`user: no-such-user` of server.yaml is no user"), "{ran:?}");
}

#[test]
fn a_secret_is_read_from_a_credential_of_systemd_and_its_absence_is_named() {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", "cookies: { active: { credential: cookies } }\nlisten:\n");
    fs::create_dir(home.path("credentials")).unwrap();
    let secret = home.path("credentials").join("cookies");
    fs::write(&secret, "e5e973e5a6b2a43f48e7dc849e37bfcf\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o400)).unwrap();
    let directory = home.path("credentials");
    let server =
        Server::start_with(&home, &[("CREDENTIALS_DIRECTORY", directory.to_str().expect("letters"))]);
    assert_eq!(lines(&ask::ask(server.dns, QUESTION, Over::Udp))[0], "NoError aa");
    drop(server);
    let ran = crate::run::meridian(&["serve", "--config", home.zones().to_str().expect("letters")]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("there is no credential `cookies`: $CREDENTIALS_DIRECTORY is not set"),
        "{ran:?}"
    );
}
