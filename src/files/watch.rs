//! Notices that the configuration directory or a geo database may have changed.
//!
//! There is one wake-up some time after the last of a burst of changes, and no later than [`DEADLINE`] after the
//! first. The reader decides whether anything that matters is different.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// The pause that ends a burst: editors and `cp -r` write several files in a row.
const QUIET: Duration = Duration::from_millis(250);

/// The longest burst: a program that never stops writing must not keep the others' changes from being read.
const DEADLINE: Duration = Duration::from_secs(2);

/// The most symbolic links of one path; Linux follows no more (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// The paths to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchedPaths {
    pub directory: PathBuf,
    /// Files elsewhere that the configuration names, such as geo databases.
    pub files: Vec<PathBuf>,
}

/// Watches paths until it is dropped.
#[derive(Debug)]
pub struct FileWatcher {
    _watcher: RecommendedWatcher,
    changes: mpsc::Receiver<()>,
}

impl FileWatcher {
    /// Starts to watch directories, not files: editors, `mv` and Kubernetes' ConfigMaps replace files
    /// and symbolic links, and a watch on a replaced file would go on watching the old one.
    ///
    /// # Errors
    ///
    /// When the system does not let it, for example because the limit of watches is reached. Paths that do not
    /// exist are left out.
    pub fn start(places: &WatchedPaths) -> notify::Result<Self> {
        // One waiting change says as much as a hundred.
        let (changed, changes) = mpsc::channel(1);
        let directories = directories(places);
        let watched = directories.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(&event, &watched)) {
                let _ = changed.try_send(());
            }
        })?;
        for directory in directories.iter().filter(|directory| directory.path.is_dir()) {
            watcher.watch(&directory.path, directory.depth)?;
        }
        Ok(Self { _watcher: watcher, changes })
    }

    /// Completes after the next burst of changes. `None`: the system does not watch any more.
    pub async fn changed(&mut self) -> Option<()> {
        settle(&mut self.changes).await
    }
}

/// A directory, and what in it matters.
#[derive(Clone, Debug, PartialEq)]
struct Directory {
    path: PathBuf,
    depth: RecursiveMode,
    /// Only this path in it; `None`: everything.
    only: Option<PathBuf>,
}

fn directories(places: &WatchedPaths) -> Vec<Directory> {
    let directory = absolute(&places.directory);
    let mut watched =
        vec![Directory { path: directory.clone(), depth: RecursiveMode::Recursive, only: None }];
    // The directory itself may be replaced, or be a symbolic link that is turned elsewhere.
    watched.extend(directory.parent().map(|parent| Directory {
        path: parent.to_owned(),
        depth: RecursiveMode::NonRecursive,
        only: Some(directory.clone()),
    }));
    let paths = std::iter::once(&places.directory).chain(&places.files);
    watched.extend(paths.flat_map(|path| links(path)).filter_map(|link| {
        let path = link.parent()?.to_owned();
        Some(Directory { path, depth: RecursiveMode::NonRecursive, only: Some(link) })
    }));
    let outside = places.files.iter().map(|file| absolute(file));
    for parent in outside.filter_map(|file| file.parent().map(Path::to_owned)) {
        // Everything beside a database counts: it may be a link to a link (`..data`) to the file.
        if !watched.iter().any(|known| known.only.is_none() && parent.starts_with(&known.path)) {
            watched.retain(|known| known.path != parent);
            watched.push(Directory { path: parent, depth: RecursiveMode::NonRecursive, only: None });
        }
    }
    watched
}

/// Returns the symbolic links on the way to `path`, those behind links included: a deployment is turned
/// by its `current`, and nothing in the directories that it leads to changes then.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut links = Vec::new();
    let mut waiting = vec![std::path::absolute(path).unwrap_or_else(|_| path.to_owned())];
    while let Some(path) = waiting.pop() {
        for link in path.ancestors().filter(|ancestor| ancestor.is_symlink()).map(absolute) {
            let Ok(target) = link.read_link() else { continue };
            if links.len() < MAX_LINKS && !links.contains(&link) {
                waiting.push(link.parent().unwrap_or(&path).join(target));
                links.push(link);
            }
        }
    }
    links
}

/// Makes a path absolute and takes `..` out of it, so that it compares with what the system reports.
/// The last component stays as it is: a link there is watched as a link.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent().and_then(|parent| parent.canonicalize().ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.canonicalize().unwrap_or(path),
    }
}

/// Returns whether an event can mean other contents. Reading is reported, too, and we read ourselves.
fn is_change(event: &Event, watched: &[Directory]) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => {}
        EventKind::Access(_) => return false,
    }
    let matters = |path: &PathBuf| {
        let within = |directory: &Directory| match &directory.only {
            Some(only) => path == only,
            None => path.starts_with(&directory.path),
        };
        watched.iter().any(within)
    };
    event.paths.is_empty() || event.paths.iter().any(matters)
}

/// Waits for a change, and then for quiet or the deadline. `None`: no change can come any more.
async fn settle(changes: &mut mpsc::Receiver<()>) -> Option<()> {
    changes.recv().await?;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let quiet = Instant::now() + QUIET;
        match timeout_at(quiet.min(deadline), changes.recv()).await {
            Ok(Some(())) => {}
            Ok(None) | Err(_) => return Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reports changes at these milliseconds; returns when the burst counted as over.
    async fn check(changes_at: &[u64]) -> u64 {
        let (changed, mut changes) = mpsc::channel(1);
        let start = Instant::now();
        let times = changes_at.to_vec();
        tokio::spawn(async move {
            for at in times {
                tokio::time::sleep_until(start + Duration::from_millis(at)).await;
                let _ = changed.try_send(());
            }
            std::future::pending::<()>().await;
        });
        settle(&mut changes).await.expect("changes go on");
        u64::try_from(start.elapsed().as_millis()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_over_a_quarter_of_a_second_after_its_last_change() {
        assert_eq!(check(&[100]).await, 350);
        assert_eq!(check(&[100, 200, 400]).await, 650);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_that_does_not_end_is_cut_two_seconds_after_its_first_change() {
        let every_tenth: Vec<u64> = (1..100).map(|tenth| tenth * 100).collect();
        assert_eq!(check(&every_tenth).await, 2100);
    }

    /// Watches `directory/zones` and `directory/geo/world.mmdb`, does `act`, and waits for the change.
    async fn notices(act: impl FnOnce(&Path)) {
        let directory = tempfile::tempdir().unwrap();
        for name in ["zones", "geo"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let mut watch = FileWatcher::start(&WatchedPaths {
            directory: directory.path().join("zones"),
            files: vec![directory.path().join("zones/../geo/world.mmdb")],
        })
        .unwrap();
        act(directory.path());
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, watch.changed()).await.expect("the change is noticed");
    }

    #[tokio::test]
    async fn a_written_file_is_noticed() {
        notices(|root| std::fs::write(root.join("zones/server.yaml"), "name: ns1").unwrap()).await;
    }

    #[tokio::test]
    async fn a_database_renamed_into_its_place_elsewhere_is_noticed() {
        notices(|root| {
            std::fs::write(root.join("new.mmdb"), "new").unwrap();
            std::fs::rename(root.join("new.mmdb"), root.join("geo/world.mmdb")).unwrap();
        })
        .await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_config_map_that_turns_its_link_is_noticed() {
        notices(|root| {
            std::fs::create_dir(root.join("later")).unwrap();
            std::os::unix::fs::symlink(root.join("later"), root.join("link")).unwrap();
            std::fs::rename(root.join("link"), root.join("zones/..data")).unwrap();
        })
        .await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_release_that_is_turned_to_by_a_link_on_the_way_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, root.path().join("new")).unwrap();
            std::fs::rename(root.path().join("new"), root.path().join(name)).unwrap();
        };
        for release in ["first", "second"] {
            std::fs::create_dir_all(root.path().join(release).join("zones")).unwrap();
        }
        link("first", "release");
        link("release", "current");
        let directory = root.path().join("current/zones");
        let mut watch = FileWatcher::start(&WatchedPaths { directory, files: vec![] }).unwrap();
        link("second", "release");
        let limit = Duration::from_secs(20);
        tokio::time::timeout(limit, watch.changed()).await.expect("the change is noticed");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_a_circle_are_followed_to_an_end() {
        let root = tempfile::tempdir().unwrap();
        for (target, name) in [("b", "a"), ("a/x", "b")] {
            std::os::unix::fs::symlink(target, root.path().join(name)).unwrap();
        }
        assert_eq!(links(&root.path().join("a/zones")).len(), 2);
    }

    #[tokio::test]
    async fn a_directory_that_is_replaced_whole_is_noticed() {
        notices(|root| {
            std::fs::rename(root.join("zones"), root.join("old")).unwrap();
            std::fs::create_dir(root.join("zones")).unwrap();
        })
        .await;
    }

    #[test]
    fn reading_is_no_change_and_neither_is_a_neighbour_of_the_directory() {
        let watched = directories(&WatchedPaths { directory: "/nowhere/zones".into(), files: vec![] });
        let read = Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any)))
            .add_path("/nowhere/zones/a".into());
        assert!(!is_change(&read, &watched));
        let beside = Event::new(EventKind::Any).add_path("/nowhere/elsewhere".into());
        assert!(!is_change(&beside, &watched));
        let within = Event::new(EventKind::Any).add_path("/nowhere/zones/a".into());
        assert!(is_change(&within, &watched));
    }
}
