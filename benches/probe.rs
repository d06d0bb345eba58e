//! What probing costs a server that answers nobody: five thousand addresses every ten seconds. Prints; judges
//! nothing.
//!
//! The server is `meridian serve` itself, in a process of its own; what it probes is this process, whose time
//! does not count. Loopback moves packets in the time of whoever sends them.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/fleet.rs"]
mod fleet;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use figures::{memory_of, print, print_time};
use fleet::Fleet;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

const ADDRESSES: usize = 5000;

/// How long is measured, after as long for the first round, which starts everything.
const ROUND: Duration = Duration::from_secs(10);
const ROUNDS: u32 = 2;

/// How often sockets are counted.
const COUNT_EVERY: Duration = Duration::from_millis(200);

/// What every address says.
const BODY: &str = r#"{"status":"ok","load":0.42,"errors":0.001,"p95":0.180,"requests":9000}"#;

#[tokio::main]
async fn main() {
    let answered = Arc::new(AtomicU64::new(0));
    let port = serve(&answered);
    for canary in ["shallow", "deep"] {
        measure(canary, port, &answered).await;
    }
}

async fn measure(canary: &str, port: u16, answered: &AtomicU64) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let fleet = Fleet { regions: 20, zones: 3, addresses: ADDRESSES, port };
    for (name, text) in fleet.files(canary) {
        fs::write(directory.path().join(name), text).expect("a file is written");
    }
    let mut server = Server(
        Command::new(env!("CARGO_BIN_EXE_meridian"))
            .args(["serve", "--config"])
            .arg(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs"),
    );
    sleep(ROUND * 3 / 2).await;
    let (time, probes) = (server.time(), answered.load(Ordering::Relaxed));
    let (started, mut sockets) = (Instant::now(), 0);
    while started.elapsed() < ROUND * ROUNDS {
        sleep(COUNT_EVERY).await;
        sockets = sockets.max(server.sockets());
    }
    let lasted = started.elapsed();
    let (time, probes) = (server.time() - time, answered.load(Ordering::Relaxed) - probes);
    let what = format!("probe/{ADDRESSES} addresses, {canary}");
    let share = time.as_secs_f64() / lasted.as_secs_f64() * 100.0;
    print(&format!("{what}: of a core"), format!("{share:.1} %"), "under 25 %");
    let rate = format!("{:.0} a second", probes as f64 / lasted.as_secs_f64());
    print(&format!("{what}: probes"), rate, "");
    print_time(&format!("{what}: each"), time.div_f64(probes as f64), "");
    print(&format!("{what}: sockets at most"), sockets, "");
    print(&format!("{what}: memory"), memory_of("VmRSS", &server.0.id().to_string()), "");
    server.0.kill().expect("it runs until then");
}

/// `meridian serve`.
struct Server(Child);

impl Server {
    /// Returns the processor time that it has used so far.
    fn time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
        // After the name in parentheses: the state is the first, utime the 12th and stime the 13th (proc(5)).
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        let fields = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = fields.map(|field| field.parse::<u32>().expect("a number of ticks")).sum();
        // USER_HZ is 100 on every architecture that this runs on.
        Duration::from_millis(10) * ticks
    }

    /// Returns how many sockets it has open.
    fn sockets(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.0.id())).expect("it runs");
        let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers every connection to any loopback address, counts them, and returns the port.
fn serve(answered: &Arc<AtomicU64>) -> u16 {
    let listener = listener().expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let answered = Arc::clone(answered);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answered = Arc::clone(&answered);
            tokio::spawn(async move {
                answer(stream).await;
                answered.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    port
}

/// Reads one request, and answers it if it is one.
async fn answer(mut stream: TcpStream) {
    let mut request = [0; 2048];
    if matches!(stream.read(&mut request).await, Ok(1..)) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
        let reply = format!("{head} {}\r\n\r\n{BODY}", BODY.len());
        let _ = stream.write_all(reply.as_bytes()).await;
        // Until the other side closes, as a server with connections to reuse does.
        let _ = stream.read(&mut request).await;
    }
}

/// Listens on every address of the loopback interface, and on no other interface.
fn listener() -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind_device(Some(b"lo"))?;
    socket.bind(&SockAddr::from(std::net::SocketAddr::from(([0, 0, 0, 0], 0))))?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}
