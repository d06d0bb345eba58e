//! Programs that answer, what they cost, and queries for them.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use meridian::serve;

/// The queries that are on their way at once.
pub const BURST: usize = 64;

/// The argument with which a bench is its own echo.
pub const ECHO: &str = "--echo";

/// How long a program may take until it answers, and a reply until it counts as lost.
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOST_AFTER: Duration = Duration::from_secs(5);

/// Answers on any port, whose number is the first line of the output, if the program was started as an echo.
pub fn echo_if_asked() {
    if !std::env::args().any(|argument| argument == ECHO) {
        return;
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    println!("answering DNS on {} by echo", socket.local_addr().expect("bound"));
    serve::echo(&socket).expect("loopback");
    std::process::exit(0);
}

/// A process that answers, on core 0.
pub struct Running {
    pub process: Child,
    pub address: SocketAddr,
    /// From its start to its first answer, where that was waited for.
    pub ready_after: Duration,
}

impl Running {
    pub fn meridian(directory: &std::path::Path) -> Self {
        let mut command = pinned(env!("CARGO_BIN_EXE_meridian"));
        Self::that_says(command.arg("serve").arg("--config").arg(directory).stderr(Stdio::piped()))
    }

    pub fn echo() -> Self {
        let own = std::env::current_exe().expect("this program");
        Self::that_says(pinned(own.to_str().expect("a path of letters")).arg(ECHO).stdout(Stdio::piped()))
    }

    /// Starts a program that says where it answers.
    fn that_says(command: &mut Command) -> Self {
        let started = Instant::now();
        let mut process = command.spawn().expect("the program runs");
        let output: Box<dyn Read + Send> = match process.stderr.take() {
            Some(stderr) => Box::new(stderr),
            None => Box::new(process.stdout.take().expect("it is piped")),
        };
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next().expect("it says where it answers").expect("text");
            if let Some((_, rest)) = line.split_once("answering DNS on ") {
                break rest.split(' ').next().and_then(|word| word.parse().ok()).expect("an address");
            }
        };
        // What it says later is read and left.
        thread::spawn(move || lines.for_each(drop));
        Self { process, address, ready_after: started.elapsed() }
    }

    /// Starts a program that answers at an address, and asks until it does.
    pub fn at(address: SocketAddr, command: &mut Command, request: &[u8]) -> Result<Self, String> {
        let started = Instant::now();
        let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = spawned.map_err(|error| error.to_string())?;
        let mut running = Self { process, address, ready_after: Duration::ZERO };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.connect(address).expect("loopback");
        socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a socket");
        let mut reply = [0; 2048];
        while started.elapsed() < READY_WITHIN {
            let answered = socket.send(request).and_then(|_| socket.recv(&mut reply));
            if answered.is_ok_and(|length| is_answer(request, &reply[..length])) {
                running.ready_after = started.elapsed();
                return Ok(running);
            }
            if let Ok(Some(status)) = running.process.try_wait() {
                return Err(format!("it has ended: {status}"));
            }
        }
        Err("it does not answer".to_owned())
    }

    /// Returns how long its threads, and those of the processes that it has started, have been on a core.
    pub fn time_on_core(&self) -> Duration {
        let times = self.family().into_iter().flat_map(threads).filter_map(|thread| {
            let text = fs::read_to_string(thread.join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(times.sum())
    }

    /// Returns how much memory they hold, in MB.
    pub fn memory(&self) -> u64 {
        let kilobytes = self.family().into_iter().filter_map(|process| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim_matches([' ', '\t', 'k', 'B']).parse::<u64>().ok()
        });
        kilobytes.sum::<u64>() * 1024 / 1_000_000
    }

    /// Returns the process, and those that it has started.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.process.id()];
        let mut next = 0;
        while let Some(process) = family.get(next) {
            let children = threads(*process).into_iter();
            let children = children.filter_map(|thread| fs::read_to_string(thread.join("children")).ok());
            let children: Vec<String> = children.collect();
            family.extend(
                children
                    .iter()
                    .flat_map(|text| text.split_whitespace())
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
            next += 1;
        }
        family
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // So that it ends the processes that it has started.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let told = Instant::now();
        while told.elapsed() < LOST_AFTER && self.process.try_wait().is_ok_and(|status| status.is_none()) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the folders of the threads of a process.
fn threads(process: u32) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    threads.filter_map(|thread| Some(thread.ok()?.path())).collect()
}

/// Writes a configuration whose regions have no canaries, so that none of them fails here, and that does not limit the loader.
pub fn configure(directory: &std::path::Path, regions: &str, database: &str) {
    let server = format!(
        "name: bench\nlisten: {{ threads: 1, tcp: {{ per_client: 1000 }}, dns: [\"127.0.0.1:0\"] }}\n\
         rate_limit: {{ exempt: [127.0.0.0/8] }}\ngeo: {{ database: {database} }}\n"
    );
    let regions = regions.replace("    canaries: [shallow]\n", "");
    let zone = include_str!("../../src/demo/zones/api.example.com.yaml");
    for (file, text) in [("server.yaml", &server[..]), ("regions.yaml", &regions), ("zone.yaml", zone)] {
        fs::write(directory.join(file), text).expect("a file");
    }
}

/// Returns a command that runs a program on core 0.
pub fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}

/// Puts this thread, and those that it starts, on some of the cores.
pub fn move_to(cores: &str) {
    let own = std::process::id().to_string();
    let status = Command::new("taskset").args(["-cp", cores, &own]).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "the loader is pinned");
}

/// Returns whether a reply answers a request: its ID, NOERROR, and a record in the answer.
pub fn is_answer(request: &[u8], reply: &[u8]) -> bool {
    reply.len() > 12 && reply[..2] == request[..2] && reply[3] & 0xf == 0 && reply[6..8] != [0, 0]
}

/// What a flood took.
#[derive(Clone, Copy)]
pub struct Flood {
    /// How long the other side was on the core.
    pub on_core: Duration,
    /// By the clock.
    pub whole: Duration,
}

/// Sends every request, a burst at a time, and checks the replies.
pub fn flood(running: &Running, requests: &[Vec<u8>], is_right: impl Fn(&[u8], &[u8]) -> bool) -> Flood {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(running.address).expect("loopback");
    socket.set_read_timeout(Some(LOST_AFTER)).expect("a socket");
    let (before, started) = (running.time_on_core(), Instant::now());
    let mut reply = [0; 2048];
    for burst in requests.chunks(BURST) {
        burst.iter().for_each(|request| _ = socket.send(request).expect("loopback takes it"));
        for request in burst {
            let length = socket.recv(&mut reply).expect("every query gets a reply");
            assert!(is_right(request, &reply[..length]), "{}", reply[..length].escape_ascii());
        }
    }
    Flood { on_core: running.time_on_core() - before, whole: started.elapsed() }
}

/// Returns the middle one.
pub fn middle(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
