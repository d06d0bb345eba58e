//! Gives zones to plain secondaries: numbers them with each snapshot, saves the numbers, and tells secondaries.
//!
//! The writer asks for the numbers before it publishes a snapshot, and has the change announced after that: whoever is told
//! of a number finds it served. Messages and files are handled by tasks of their own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time;

use super::clock::SystemClock;
use super::secrets;
use super::state_writer::{Saver, save_latest};
use super::write_outcomes::WriteOutcomes;
use crate::files::Store;
use crate::metrics::{Metrics, TransferMetrics};
use crate::snapshot::Snapshot;
use crate::transfer::{NotifyMessage, NotifySchedule, SavedSerials, SerialBook, Transfers};
use crate::wire::TsigKey;

/// The most octets of an acknowledgement: a question and a signature.
const MAX_ACKNOWLEDGEMENT: usize = 1232;

/// The file of the serial numbers, and what it held.
pub type SerialsFile = (Store<SavedSerials>, Option<SavedSerials>);

/// Numbers zones, and has secondaries told.
#[derive(Debug)]
pub struct TransferKeeper {
    book: SerialBook,
    clock: SystemClock,
    latest: Arc<Transfers>,
    saved: watch::Sender<Arc<SavedSerials>>,
    announced: watch::Sender<Option<Announcement>>,
    saving: JoinHandle<()>,
    notifying: JoinHandle<()>,
}

/// What is served now, and the keys and address by which it is told.
#[derive(Clone, Debug)]
struct Announcement {
    transfers: Arc<Transfers>,
    keys: Arc<[TsigKey]>,
    /// The addresses that DNS is answered on.
    from: Vec<SocketAddr>,
}

impl TransferKeeper {
    /// Goes on after what the last run saved. Before anything is answered the disk has numbers that no later run goes below.
    pub async fn start(
        saved: Option<SerialsFile>,
        first: &Snapshot,
        (metrics, outcomes): (&Metrics, &WriteOutcomes),
        clock: &SystemClock,
    ) -> Self {
        let (store, saved) = saved.unzip();
        let mut book = SerialBook::after(saved.flatten().unwrap_or_default());
        let latest = book.take(first, clock.now());
        let mut saver = Saver::of(store, outcomes);
        if let (Some(saver), false) = (&mut saver, latest.zones.is_empty()) {
            saver.save_value(Arc::new(book.saved(false))).await;
        }
        let (saved, to_save) = watch::channel(Arc::default());
        let (announced, to_tell) = watch::channel(None);
        let notifier = Notifier {
            schedule: NotifySchedule::default(),
            sockets: [None, None],
            clock: clock.clone(),
            metrics: metrics.transfers.clone(),
        };
        Self {
            book,
            clock: clock.clone(),
            latest,
            saved,
            announced,
            saving: tokio::spawn(save_latest(saver, to_save)),
            notifying: tokio::spawn(notifier.run(to_tell)),
        }
    }

    /// Returns what secondaries are given under a snapshot that is about to be served.
    pub fn take(&mut self, snapshot: &Snapshot) -> Arc<Transfers> {
        let transfers = self.book.take(snapshot, self.clock.now());
        if !Arc::ptr_eq(&self.latest, &transfers) {
            self.latest = Arc::clone(&transfers);
            if !transfers.zones.is_empty() {
                self.saved.send_replace(Arc::new(self.book.saved(false)));
            }
        }
        transfers
    }

    /// Returns what secondaries are given now.
    pub fn latest(&self) -> Arc<Transfers> {
        Arc::clone(&self.latest)
    }

    /// Has secondaries told of what is served now.
    pub fn announce(&self, snapshot: &Snapshot) {
        let transfers = &self.latest;
        let is_told = |told: &Announcement| {
            Arc::ptr_eq(&told.transfers, transfers) && Arc::ptr_eq(&told.keys, &snapshot.base.tsig_keys)
        };
        if self.announced.borrow().as_ref().is_some_and(is_told) {
            return;
        }
        self.announced.send_replace(Some(Announcement {
            transfers: Arc::clone(transfers),
            keys: Arc::clone(&snapshot.base.tsig_keys),
            from: snapshot.base.config.server.listen.dns.clone(),
        }));
    }

    /// Saves the numbers that were told last, and stops.
    pub async fn finish(self) {
        let Self { book, latest, saved, announced, saving, notifying, .. } = self;
        if !latest.zones.is_empty() {
            saved.send_replace(Arc::new(book.saved(true)));
        }
        drop((saved, announced));
        notifying.abort();
        if let Err(error) = saving.await {
            tracing::error!("the serial numbers are not saved: {error}");
        }
    }
}

/// Tells secondaries of changes until they acknowledge them.
struct Notifier {
    schedule: NotifySchedule,
    /// By family, once there is a secondary of it.
    sockets: [Option<UdpSocket>; 2],
    clock: SystemClock,
    metrics: TransferMetrics,
}

impl Notifier {
    async fn run(mut self, mut announced: watch::Receiver<Option<Announcement>>) {
        let mut latest: Option<Announcement> = None;
        loop {
            let due = self.schedule.due_at();
            let wait = due.map(|due| due.since(self.clock.steady()));
            let mut buffers = [[0; MAX_ACKNOWLEDGEMENT]; 2];
            let [v4, v6] = &mut buffers;
            tokio::select! {
                changed = announced.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    latest.clone_from(&announced.borrow_and_update());
                    if let Some(Announcement { transfers, from, .. }) = &latest {
                        self.schedule.take(transfers, self.clock.steady());
                        self.open(transfers, from);
                    }
                }
                () = time::sleep(wait.unwrap_or_default()), if wait.is_some() => {
                    if let Some(latest) = &latest {
                        self.tell(latest).await;
                    }
                }
                (length, from) = received(self.sockets[0].as_ref(), v4) => {
                    self.acknowledged(&v4[..length], from, latest.as_ref());
                }
                (length, from) = received(self.sockets[1].as_ref(), v6) => {
                    self.acknowledged(&v6[..length], from, latest.as_ref());
                }
            }
            if let Some(Announcement { transfers, .. }) = &latest {
                self.metrics.report(transfers, &self.schedule);
            }
        }
    }

    /// Opens the sockets that are needed and not there yet. They have the address that secondaries know the server by, if it
    /// listens on one.
    fn open(&mut self, transfers: &Transfers, listened: &[SocketAddr]) {
        for (socket, is_v6) in self.sockets.iter_mut().zip([false, true]) {
            let mut targets = transfers.zones.iter().flat_map(|zone| zone.notified());
            if socket.is_some() || !targets.any(|target| target.address.is_ipv6() == is_v6) {
                continue;
            }
            let any = if is_v6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { Ipv4Addr::UNSPECIFIED.into() };
            let own = listened.iter().map(SocketAddr::ip).find(|ip| ip.is_ipv6() == is_v6);
            let opened = own.map_or_else(|| bind(any), |own| bind(own).or_else(|_| bind(any)));
            match opened {
                Ok(opened) => *socket = Some(opened),
                Err(error) => tracing::error!("secondaries cannot be told of changes: {error}"),
            }
        }
    }

    async fn tell(&mut self, latest: &Announcement) {
        let (steady, wall) = (self.clock.steady(), self.clock.now());
        let id = || {
            let random = secrets::random();
            u16::from_be_bytes([random[0], random[1]])
        };
        let due = self.schedule.due(&latest.transfers, &latest.keys, (steady, wall), id);
        for NotifyMessage { address, zone, octets, .. } in due {
            let Some(socket) = &self.sockets[usize::from(address.is_ipv6())] else { continue };
            // A secondary that cannot be reached is told again.
            match socket.send_to(&octets, address).await {
                Ok(_) => self.metrics.notified(&zone, "sent"),
                Err(error) => {
                    tracing::debug!(%address, zone, "a secondary cannot be told of a change: {error}")
                }
            }
        }
    }

    fn acknowledged(&mut self, reply: &[u8], from: SocketAddr, latest: Option<&Announcement>) {
        let keys = latest.map_or(&[][..], |latest| &latest.keys);
        if let Some(zone) = self.schedule.acknowledge(from, reply, keys) {
            self.metrics.notified(&zone, "acknowledged");
        }
    }
}

fn bind(ip: IpAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Returns the next message that comes, and from where; never without a socket. An error is that of a message that was sent,
/// whose address cannot be reached: it is told again.
async fn received(socket: Option<&UdpSocket>, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let Some(socket) = socket else { return std::future::pending().await };
    loop {
        if let Ok(received) = socket.recv_from(buffer).await {
            return received;
        }
    }
}
