//! Faults that were found in the product and mended. Each test names the symptom that it keeps away.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// How long a server may take to say something: far more than it ever needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `meridian serve`, and what it logs.
struct Server {
    process: Child,
    lines: Receiver<String>,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_meridian"))
            .args(["serve", "--config"])
            .arg(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary is built");
        let log = BufReader::new(process.stderr.take().expect("it is piped"));
        let (said, lines) = mpsc::channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        Self { process, lines }
    }

    /// Waits for a line of the log that holds `text`.
    fn wait_for(&self, text: &str) {
        let mut log = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => log = format!("{log}{line}\n"),
                Err(error) => panic!("`{text}` is not said ({error}) after:\n{log}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Writes the smallest configuration that is served, with this zone.
fn write_configuration(directory: &Path, zone: &str) {
    fs::create_dir_all(directory).expect("the place is writable");
    fs::write(directory.join("server.yaml"), "name: ns1\nlisten: { dns: [\"127.0.0.1:0\"] }\n")
        .expect("the place is writable");
    let zone = format!("zone: {zone}\nnameservers: [ns1.example.net]\n");
    fs::write(directory.join("zone.yaml"), zone).expect("the place is writable");
}

#[test]
fn edits_are_noticed_after_the_directory_was_replaced_by_another() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let [zones, old, new] = ["zones", "old", "new"].map(|name| root.path().join(name));
    write_configuration(&zones, "example.org");
    write_configuration(&new, "example.com");
    let server = Server::start(&zones);
    server.wait_for("answering DNS on");
    fs::rename(&zones, &old).expect("the directory is moved away");
    server.wait_for("cannot read the configuration directory");
    fs::rename(&new, &zones).expect("another takes its place");
    server.wait_for("reloaded");
    fs::write(zones.join("zone.yaml"), "zone: [").expect("the file is writable");
    server.wait_for("not valid YAML");
}
