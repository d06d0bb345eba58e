//! What the process has given up by the time it answers.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use crate::ask::{self, Over, lines};
use crate::home::Home;
use crate::region::Regions;
use crate::run::{Ran, meridian};
use crate::server::{Process, Server, wait_for};

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

/// Returns a home that [`USER`] may read, and whose state it may write.
fn of_user(canary_port: u16) -> Home {
    let home = Home::new(canary_port);
    fs::create_dir_all(home.path("state")).unwrap();
    fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    if rustix::process::getuid().is_root() {
        chown(home.path("state"), Some(USER), Some(USER)).unwrap();
    }
    home
}

/// Returns what runs the program as [`USER`], who has `capabilities`; `None`: this machine cannot.
fn as_user(capabilities: &str) -> Option<Vec<String>> {
    let id = format!("{USER}");
    let words = ["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"];
    let given = ["--bounding-set", capabilities, "--inh-caps", capabilities, "--ambient-caps", capabilities];
    let words: Vec<String> = words
        .iter()
        .chain(&given)
        .chain(&[env!("CARGO_BIN_EXE_meridian")])
        .map(|&word| word.to_owned())
        .collect();
    let tried = Command::new(&words[0]).args(&words[1..]).arg("--version").output();
    tried.is_ok_and(|output| output.status.success()).then_some(words)
}

fn serve(home: &Home) -> Ran {
    meridian(&["serve", "--config", home.zones().to_str().expect("letters")])
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
    let home = of_user(regions.port);
    home.edit("server.yaml", "listen:\n", &format!("user: {USER}\nlisten:\n"));
    let server = Server::start(&home);
    for (field, expected) in [
        ("Uid", format!("{USER}\t{USER}\t{USER}\t{USER}")),
        ("Gid", format!("{USER}\t{USER}\t{USER}\t{USER}")),
        ("Groups", String::new()),
        ("CapEff", "0000000000000000".to_owned()),
        ("CapPrm", "0000000000000000".to_owned()),
        ("CapInh", "0000000000000000".to_owned()),
        ("CapAmb", "0000000000000000".to_owned()),
        ("CapBnd", "0000000000000000".to_owned()),
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
fn a_capability_that_systemd_gives_for_port_53_is_given_up_when_it_is_bound() {
    let Some(words) = as_user("-all,+net_bind_service") else {
        println!("skipped: only root can start another user with a capability");
        return;
    };
    let home = of_user(Regions::start().port);
    // No other test has this address of loopback.
    home.edit("server.yaml", "127.0.0.1:0", "127.53.53.1:53");
    let mut command = Command::new(&words[0]);
    let server =
        Server::of(Process::start(command.args(&words[1..]).arg("serve").arg("--config").arg(home.zones())));
    assert_eq!(lines(&ask::ask(server.dns, QUESTION, Over::Udp))[0], "NoError aa");
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status(&server, field), "0000000000000000", "{field}");
    }
}

#[test]
fn what_is_given_up_is_told_by_the_status_of_the_running_server() {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", "admin: \"127.0.0.1:0\"\nlisten:\n");
    let server = Server::start(&home);
    let line = server.process.line("admin pages on http://");
    let address = line.rsplit("http://").next().expect("an address");
    let shown = meridian(&["status", "--admin", address, "--verbose"]);
    let is_root = rustix::process::getuid().is_root();
    assert!(shown.out.contains("\nconfinement\n  user      "), "{shown:?}");
    assert_eq!(shown.out.contains(", without capabilities\n"), !is_root, "{shown:?}");
    assert!(shown.out.contains("  programs  gain no privileges\n"), "{shown:?}");
    // What the kernel says of every thread.
    let is_filtered = status(&server, "Seccomp") == "2";
    assert_eq!(shown.out.contains("  seccomp   in force\n"), is_filtered, "{shown:?}");
    assert!(shown.out.contains("  Landlock  "), "{shown:?}");
}

#[test]
fn a_user_that_is_none_keeps_the_server_from_starting() {
    let home = Home::new(Regions::start().port);
    home.edit("server.yaml", "listen:\n", "user: no-such-user\nlisten:\n");
    let ran = serve(&home);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(format!("{ran:?}").contains("`user: no-such-user` in server.yaml is no user"), "{ran:?}");
}

#[test]
fn a_user_whose_number_is_minus_one_is_refused_with_its_place_and_the_server_is_not_started_as_root() {
    let home = Home::new(1);
    home.edit("server.yaml", "listen:\n", "user: 4294967295\nlisten:\n");
    let ran = serve(&home);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("server.yaml:") && ran.err.contains("is the number of no user"), "{ran:?}");
}

#[test]
fn a_second_process_of_root_is_told_of_the_state_directory_and_not_of_the_port() {
    if !rustix::process::getuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let home = of_user(Regions::start().port);
    home.edit("server.yaml", "listen:\n", &format!("user: {USER}\nlisten:\n"));
    let first = Server::start(&home);
    home.edit("server.yaml", "127.0.0.1:0", &first.dns.to_string());
    let second = serve(&home);
    assert_eq!(second.code, 1, "{second:?}");
    let words = format!("is in use by process {}", first.process.id());
    assert!(second.err.contains(&words) && !second.err.contains("port"), "{second:?}");
}

#[test]
fn a_state_directory_that_the_user_may_not_write_is_one_sentence_at_the_start() {
    if !rustix::process::getuid().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let home = of_user(1);
    home.edit("server.yaml", "listen:\n", &format!("user: {USER}\nlisten:\n"));
    chown(home.path("state"), Some(0), Some(0)).unwrap();
    let ran = serve(&home);
    assert_eq!(ran.code, 1, "{ran:?}");
    let said = format!("may not be written by user {USER}: `mkdir -p ");
    assert!(ran.err.contains(&said) && ran.err.contains("chown -R 65532 "), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

/// Starts the server with sockets as systemd passes them, as [`USER`] without any capability where that can be.
fn activated(home: &Home, udp: UdpSocket, tcp: TcpListener) -> Process {
    let program = as_user("-all").unwrap_or_else(|| vec![env!("CARGO_BIN_EXE_meridian").to_owned()]);
    // The shell becomes the server, so that its number is the right one.
    let script =
        "exec 3<&0 4<&1 1>&2 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=dns:dns exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(program).arg("serve").arg("--config").arg(home.zones());
    Process::spawn(command.stdin(OwnedFd::from(udp)).stdout(OwnedFd::from(tcp)))
}

/// Binds what a socket unit would: UDP and TCP on one port.
fn bound(address: &str) -> (UdpSocket, TcpListener) {
    wait_for("a port that is free for both", || {
        let tcp = TcpListener::bind((address, 0)).expect("loopback");
        let udp = UdpSocket::bind(tcp.local_addr().expect("bound")).ok()?;
        Some((udp, tcp))
    })
}

#[test]
fn sockets_that_systemd_passes_are_answered_on_without_any_privilege_and_outlive_the_process() {
    let regions = Regions::start();
    let home = of_user(regions.port);
    let (udp, tcp) = bound("127.0.0.1");
    let address = tcp.local_addr().unwrap();
    home.edit("server.yaml", "127.0.0.1:0", &address.to_string());
    for _ in 0..2 {
        let given = (udp.try_clone().unwrap(), tcp.try_clone().unwrap());
        let mut server = Server::of(activated(&home, given.0, given.1));
        assert_eq!(server.dns, address);
        for over in [Over::Udp, Over::Tcp] {
            assert_eq!(lines(&ask::ask(address, QUESTION, over))[0], "NoError aa");
        }
        server.process.signal("TERM");
        assert!(server.process.wait_at_most(crate::server::DEADLINE).success());
    }
}

#[test]
fn a_socket_that_is_passed_and_not_listened_on_is_one_sentence() {
    let home = of_user(1);
    let (udp, tcp) = bound("127.0.0.1");
    let address = tcp.local_addr().unwrap();
    let mut process = activated(&home, udp, tcp);
    let status = process.wait_at_most(crate::server::DEADLINE);
    assert_eq!(status.code(), Some(1));
    process
        .line(&format!("was started with a UDP socket for {address}, which server.yaml does not listen on"));
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
    let ran = serve(&home);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("there is no credential `cookies`: $CREDENTIALS_DIRECTORY is not set"),
        "{ran:?}"
    );
}
