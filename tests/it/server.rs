//! A running `meridian serve`, its log, and its end.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::Message;

use crate::ask::{self, Over};
use crate::home::Home;
use crate::region::regions_in;

/// How long anything that must happen may take, on a machine that is busy with other tests.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The pause between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `look` finds something.
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_at_most(DEADLINE, what, look)
}

fn wait_at_most<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for: {what}");
        thread::sleep(PAUSE);
    }
}

/// A process whose lines are collected. It is killed when this is dropped, and its lines are printed
/// when the test has failed.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts it and collects what it writes to standard output and standard error.
    pub fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))
    }

    /// Starts it with the input and output that it has, and collects what it writes to standard error, too.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let lines = Arc::<Mutex<Vec<String>>>::default();
        child.stdout.take().into_iter().for_each(|stream| collect(stream, &lines));
        collect(child.stderr.take().unwrap(), &lines);
        Self { child, lines }
    }

    /// Returns its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns all lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that contains a text, the first of them from line `from` on.
    pub fn line_after(&self, from: usize, text: &str) -> String {
        wait_for(&format!("a line with `{text}`"), || {
            self.lines().into_iter().skip(from).find(|line| line.contains(text))
        })
    }

    /// Waits for a line that contains a text.
    pub fn line(&self, text: &str) -> String {
        self.line_after(0, text)
    }

    /// Sends a signal: `TERM`, `HUP`, `KILL`. A process that is killed is gone afterwards, and its locks with it.
    pub fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success(), "{kill}");
        if signal == "KILL" {
            let process = format!("/proc/{}", self.child.id());
            // A zombie has closed its files, once no other thread is left that waits for a disk.
            let is_alone = || std::fs::read_dir(format!("{process}/task")).is_ok_and(|all| all.count() == 1);
            let is_zombie =
                || std::fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| stat.contains(") Z "));
            let is_gone = || is_zombie() && is_alone();
            wait_for("the end of a killed process", || is_gone().then_some(()));
        }
    }

    /// Waits for its end, no longer than this.
    pub fn wait_at_most(&mut self, limit: Duration) -> ExitStatus {
        let child = &mut self.child;
        wait_at_most(limit, "the end of the process", || child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- what the process wrote:\n{}", self.lines().join("\n"));
        }
    }
}

fn collect(stream: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

/// A server that answers.
pub struct Server {
    /// Where it answers.
    pub dns: SocketAddr,
    /// Its process.
    pub process: Process,
}

impl Server {
    /// Starts a server on a folder, and waits until it answers.
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// Starts a server on a folder with these variables in its environment, and waits until it answers.
    pub fn start_with(home: &Home, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_meridian"));
        command.envs(environment.iter().copied());
        Self::of(Process::start(command.arg("serve").arg("--config").arg(home.zones())))
    }

    /// Waits until the server that a process runs answers.
    pub fn of(process: Process) -> Self {
        let line = process.line("answering DNS on ");
        let address = line.split(' ').find_map(|word| word.parse().ok());
        Self { dns: address.expect("the log names the address"), process }
    }

    /// Asks over UDP.
    pub fn ask(&self, question: &str) -> Message {
        ask::ask(self.dns, question, Over::Udp)
    }

    /// Returns the regions that a client gets for `api.example.com. A`.
    pub fn regions(&self, client: &str) -> Vec<&'static str> {
        regions_in(&self.ask(&format!("api.example.com. A from {client}")))
    }

    /// Waits until the clients of the listed networks get these regions.
    pub fn settles(&self, expected: &[(&str, &str)]) {
        let mut last = Vec::new();
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            last = expected.iter().map(|(client, _)| self.regions(client)).collect();
            if last.iter().zip(expected).all(|(got, (_, region))| *got == [*region]) {
                return;
            }
            thread::sleep(PAUSE);
        }
        panic!("expected {expected:?}, got {last:?}");
    }
}
