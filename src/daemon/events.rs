//! Publishes every event: to the event log, to webhooks, and to the history that pages show. The writer waits for none.
//!
//! ```text
//!   writer ──▶ numbered ──▶ recent (memory) ──▶ webhooks, pages
//!                  ╰──────▶ log task ──▶ events.jsonl
//! ```
//!
//! When the disk is full, slow or gone, the log loses events and nothing else happens: they are counted, which is
//! logged once, and once more when it is over; and an event in the log says how many are missing there.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::state_writer::chain;
use crate::event::Event;
use crate::files::StateDirectory;
use crate::files::events::{self, EventLog};
use crate::metrics::Metrics;

/// The most events that wait for the disk: those of a thousand addresses that fall at once, 1 MiB or so.
const MAX_WAITING: usize = 1024;

/// The most events in memory: what a page shows, and what webhooks have without a state directory.
pub const MAX_RECENT: usize = 1000;

/// The most events that a webhook takes from the disk at once: some 100 KiB.
const BATCH: usize = 256;

/// The longest wait for the last events to be written when the server stops.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Numbers events and passes them on.
pub struct EventPublisher {
    /// The number of the next event.
    next: u64,
    log: Option<mpsc::Sender<Arc<Event>>>,
    task: Option<JoinHandle<()>>,
    /// Whether the log task has fallen behind, which is logged once.
    is_overrun: bool,
    history: Arc<EventHistory>,
    last: watch::Sender<u64>,
    metrics: Arc<Metrics>,
}

/// Past events: the last of them in memory, more in the state directory.
#[derive(Debug)]
pub struct EventHistory {
    recent: Mutex<VecDeque<Arc<Event>>>,
    directory: Option<PathBuf>,
}

impl EventPublisher {
    /// Starts with the events of the log in `directory`, and goes on with its numbers, or those after `spent` when
    /// they are higher. `None`: no event outlives the process.
    pub fn start(directory: Option<&StateDirectory>, spent: u64, metrics: Arc<Metrics>) -> Self {
        let directory = directory.map(|directory| directory.path().to_owned());
        let recent = directory.as_deref().map_or_else(Vec::new, load_recent);
        let written = recent.last().map_or(spent, |event| event.number);
        let (log, task) = match directory.clone() {
            Some(directory) => {
                let (log, waiting) = mpsc::channel(MAX_WAITING);
                let writing = LogWriter { log: EventLog::new(directory), written, trouble: None };
                (Some(log), Some(tokio::spawn(write_all(writing, waiting, Arc::clone(&metrics)))))
            }
            None => (None, None),
        };
        let last = written.max(spent);
        let recent = Mutex::new(recent.into_iter().map(Arc::new).collect());
        let history = Arc::new(EventHistory { recent, directory });
        let is_overrun = false;
        Self { next: last + 1, log, task, is_overrun, history, last: watch::Sender::new(last), metrics }
    }

    /// Returns past events.
    pub fn history(&self) -> Arc<EventHistory> {
        Arc::clone(&self.history)
    }

    /// Returns the number of the last event, and a way to wait for the next.
    pub fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Numbers an event and hands it on. It never waits.
    pub fn emit(&mut self, event: Event) -> Arc<Event> {
        let event = Arc::new(Event { number: self.next, ..event });
        self.next += 1;
        self.metrics.delivery.happened();
        self.history.add(Arc::clone(&event));
        if let Some(log) = &self.log {
            let is_lost = log.try_send(Arc::clone(&event)).is_err();
            if is_lost {
                self.metrics.delivery.events_lost(1);
            }
            if is_lost && !self.is_overrun {
                let why = "the disk does not take them as fast as they come";
                tracing::error!("events are lost to the log: {why}");
                self.metrics.delivery.log_is(Some(why.to_owned()));
            }
            self.is_overrun = is_lost;
        }
        self.last.send_replace(event.number);
        event
    }

    /// Writes the events that wait, and stops.
    pub async fn finish(self) {
        let Self { log, task, .. } = self;
        drop(log);
        if let Some(task) = task
            && tokio::time::timeout(FINISH_WITHIN, task).await.is_err()
        {
            tracing::warn!("the last events could not be written to the log in time");
        }
    }
}

impl EventHistory {
    /// Returns the last events, at most as many as asked for and as are kept in memory, the latest last. Those
    /// of earlier runs are among them when there is a state directory.
    pub fn latest(&self, at_most: usize) -> Vec<Arc<Event>> {
        let recent = self.recent();
        recent.iter().skip(recent.len().saturating_sub(at_most)).cloned().collect()
    }

    /// Returns the first events after the one with this number: from memory if it goes back so far, else from
    /// the disk, where it blocks.
    pub fn after(&self, number: u64) -> Vec<Arc<Event>> {
        let (first, recent) = self.remembered_after(number);
        let Some(directory) = self.directory.as_ref().filter(|_| first > number + 1) else {
            return recent;
        };
        let mut older = events::after(directory, number, BATCH).unwrap_or_else(|error| {
            tracing::warn!("{}", chain(&error));
            Vec::new()
        });
        older.retain(|event| event.number < first);
        if older.is_empty() { recent } else { older.into_iter().map(Arc::new).collect() }
    }

    /// Returns the number of the first event in memory, and those after `number`.
    fn remembered_after(&self, number: u64) -> (u64, Vec<Arc<Event>>) {
        let recent = self.recent();
        let first = recent.front().map_or(u64::MAX, |event| event.number);
        (first, recent.iter().filter(|event| event.number > number).cloned().collect())
    }

    fn add(&self, event: Arc<Event>) {
        let mut recent = self.recent();
        if recent.len() == MAX_RECENT {
            recent.pop_front();
        }
        recent.push_back(event);
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the last events of the log. One that cannot be read is a warning, and the server starts all the same.
fn load_recent(directory: &Path) -> Vec<Event> {
    events::latest(directory, MAX_RECENT).unwrap_or_else(|error| {
        tracing::warn!("{}", chain(&error));
        Vec::new()
    })
}

/// The log as it is written.
struct LogWriter {
    log: EventLog,
    /// The number of the last event that is in it: whatever is missing between that and the next was lost.
    written: u64,
    /// Why the last event could not be written.
    trouble: Option<String>,
}

impl LogWriter {
    /// Writes an event, and before it how many are missing. Returns that number.
    fn write(&mut self, event: &Event) -> Result<u64, events::Error> {
        let lost = event.number.saturating_sub(self.written + 1);
        if lost > 0 {
            let why = self.trouble.as_deref().unwrap_or("the disk did not take them as fast as they came");
            let loss = Event::events_lost(lost, why, event);
            self.log.append(&loss)?;
            self.written = loss.number;
        }
        self.log.append(event)?;
        self.written = event.number;
        Ok(lost)
    }
}

async fn write_all(mut writing: LogWriter, mut waiting: mpsc::Receiver<Arc<Event>>, metrics: Arc<Metrics>) {
    while let Some(event) = waiting.recv().await {
        let written = tokio::task::spawn_blocking(move || {
            let written = writing.write(&event);
            (writing, written)
        });
        let Ok((back, written)) = written.await else {
            tracing::error!("the event log is no longer written");
            return;
        };
        writing = back;
        match written {
            Ok(lost) => {
                if lost > 0 || writing.trouble.is_some() {
                    tracing::info!("events are written to the log again, {lost} are missing there");
                    metrics.delivery.log_is(None);
                }
                writing.trouble = None;
            }
            Err(error) => {
                metrics.delivery.events_lost(1);
                let why = chain(&error);
                if writing.trouble.is_none() {
                    tracing::error!("events are lost to the log: {why}");
                }
                metrics.delivery.log_is(Some(why.clone()));
                writing.trouble = Some(why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::moment::Moment;

    fn event() -> Event {
        Event::failback("tokyo", "Jo", Moment(0))
    }

    fn start(directory: &Path, spent: u64) -> EventPublisher {
        EventPublisher::start(Some(&StateDirectory::unlocked(directory)), spent, Arc::default())
    }

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[tokio::test]
    async fn numbers_go_on_after_a_restart_and_the_events_of_before_are_there() {
        let home = tempfile::tempdir().expect("a directory");
        let mut events = start(home.path(), 0);
        (0..3).for_each(|_| _ = events.emit(event()));
        events.finish().await;
        let mut events = start(home.path(), 0);
        assert_eq!(events.emit(event()).number, 4);
        assert_eq!(numbers(&events.history().latest(2)), [3, 4]);
        assert_eq!(numbers(&events.history().after(1)), [2, 3, 4]);
        events.finish().await;
    }

    #[tokio::test]
    async fn a_number_that_a_webhook_has_had_is_given_to_no_other_event() {
        let home = tempfile::tempdir().expect("a directory");
        assert_eq!(start(home.path(), 17).emit(event()).number, 18);
    }

    #[tokio::test]
    async fn what_memory_has_forgotten_comes_from_the_disk() {
        let home = tempfile::tempdir().expect("a directory");
        let mut events = start(home.path(), 0);
        let count = MAX_RECENT as u64 + 10;
        for _ in 0..count {
            events.emit(event());
            // The disk is not to be overrun here.
            tokio::task::yield_now().await;
            while events.log.as_ref().is_some_and(|log| log.capacity() == 0) {
                tokio::task::yield_now().await;
            }
        }
        let history = events.history();
        events.finish().await;
        let first = numbers(&history.after(0));
        assert_eq!(first, (1..=10).collect::<Vec<_>>(), "those that only the disk has");
        assert_eq!(history.after(10).len(), MAX_RECENT);
    }

    #[tokio::test]
    async fn events_that_the_disk_does_not_take_are_counted_and_the_log_says_how_many() {
        let home = tempfile::tempdir().expect("a directory");
        let in_the_way = home.path().join(events::FILE);
        fs::create_dir(&in_the_way).expect("a directory in the way");
        let metrics = Arc::<Metrics>::default();
        let mut events =
            EventPublisher::start(Some(&StateDirectory::unlocked(home.path())), 0, Arc::clone(&metrics));
        (0..3).for_each(|_| _ = events.emit(event()));
        while metrics.delivery.report().events_lost < 3 {
            tokio::task::yield_now().await;
        }
        assert!(metrics.delivery.report().trouble.is_some_and(|why| why.contains("events.jsonl")));
        fs::remove_dir(in_the_way).expect("it is empty");
        assert_eq!(numbers(&events.history().after(0)), [1, 2, 3], "webhooks miss none of them");
        events.emit(event());
        events.finish().await;
        let logged = events::latest(home.path(), 9).expect("readable");
        let lines: Vec<_> = logged.iter().map(|event| (event.number, event.text.as_str())).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].1.starts_with("3 events were lost before this one: events cannot be written"));
        assert_eq!((lines[0].0, lines[1].0), (3, 4));
        assert_eq!(metrics.delivery.report().trouble, None);
    }

    #[tokio::test]
    async fn a_disk_that_hangs_costs_events_in_the_log_and_nobody_waits() {
        let metrics = Arc::<Metrics>::default();
        let mut events = EventPublisher::start(None, 0, Arc::clone(&metrics));
        let (log, stuck) = mpsc::channel(2);
        events.log = Some(log);
        (0..5).for_each(|_| _ = events.emit(event()));
        assert_eq!(metrics.delivery.report().events_lost, 3);
        assert_eq!(events.history().latest(9).len(), 5);
        drop(stuck);
    }
}
