//! The law of generations: none goes back, whatever brings it and in whatever order.

use super::*;

/// Makes an arrival of a file `a` with this text, of this commit.
fn arrival(text: &str, commit: Option<&str>) -> DirectoryContent {
    let octets: std::sync::Arc<[u8]> = text.as_bytes().into();
    let file = ContentFile { name: "a.yaml".to_owned(), sha256: format!("sha of {text}"), octets };
    let content = ConfigContent::new(vec![file]);
    let checkout = commit.map(|commit| Checkout { commit: commit.to_owned(), author: Some("jo".to_owned()) });
    DirectoryContent { digest: content.listing(), content, checkout }
}

/// What an instance serves of what its directory holds, through restarts.
struct Instance {
    lineage: Lineage,
    held: DirectoryContent,
    served: DirectoryContent,
    now: u64,
}

impl Instance {
    fn start(held: DirectoryContent) -> Self {
        let lineage = Lineage::adopt("ns1", None, Moment(1000));
        let mut instance = Self { lineage, served: held.clone(), held, now: 1000 };
        instance.read();
        instance
    }

    /// Reads the directory, and serves what is to be served.
    fn read(&mut self) -> Option<PassedOver> {
        self.now += 1;
        let passed_over = self.lineage.passes_over(&self.held);
        if passed_over.is_some() {
            self.serve_head();
        } else {
            self.lineage.accept(self.held.clone(), Moment(self.now));
            self.served = self.held.clone();
        }
        passed_over
    }

    fn serve_head(&mut self) {
        let head = self.lineage.head().expect("there is one");
        let content = head.content.clone().expect("it is kept");
        self.served = DirectoryContent { content, digest: head.digest.clone(), checkout: None };
    }

    fn writes(&mut self, held: DirectoryContent) -> Option<PassedOver> {
        self.held = held;
        self.read()
    }

    fn rolls_back(&mut self, counter: u64) -> Result<(), RollbackRefusal> {
        self.now += 1;
        let held = self.held.digest.clone();
        self.lineage.roll_back(counter, &held, "alice", Moment(self.now))?;
        self.serve_head();
        Ok(())
    }

    fn restarts(&mut self) -> Option<PassedOver> {
        let text = serde_json::to_string(&self.lineage.saved()).expect("JSON");
        let saved = serde_json::from_str(&text).expect("what was saved");
        self.lineage = Lineage::adopt("ns1", Some(saved), Moment(self.now));
        self.read()
    }

    fn check(&self, text: &str, counter: u64) {
        let octets = &self.served.content.files()[0].octets;
        let head = self.lineage.head().expect("there is one").generation.counter;
        assert_eq!((str::from_utf8(octets).expect("text"), head), (text, counter));
    }
}

#[test]
fn a_rollback_is_a_new_generation_and_what_it_passed_over_does_not_come_back_by_itself() {
    let mut instance = Instance::start(arrival("one", None));
    instance.writes(arrival("two", None));
    instance.check("two", 2);
    instance.rolls_back(1).expect("it is kept");
    instance.check("one", 3);
    let rolled_back = Some(PassedOver::RolledBack { served: 3 });
    assert_eq!(instance.read(), rolled_back);
    assert_eq!(instance.restarts(), rolled_back);
    instance.check("one", 3);
    // Its next change is one.
    assert_eq!(instance.writes(arrival("three", None)), None);
    instance.check("three", 4);
    assert_eq!(instance.writes(arrival("two", None)), None);
    instance.check("two", 5);
}

#[test]
fn a_directory_that_is_made_what_is_served_is_no_longer_passed_over() {
    let mut instance = Instance::start(arrival("one", None));
    instance.writes(arrival("two", None));
    instance.rolls_back(1).expect("it is kept");
    assert_eq!(instance.writes(arrival("one", None)), None);
    instance.check("one", 3);
    assert_eq!(instance.writes(arrival("two", None)), None);
    instance.check("two", 4);
}

#[test]
fn an_edit_that_is_undone_is_a_change_and_an_older_commit_that_comes_late_is_none() {
    let mut instance = Instance::start(arrival("one", Some("c1")));
    instance.writes(arrival("edited", Some("c1")));
    assert_eq!(instance.writes(arrival("one", Some("c1"))), None);
    instance.check("one", 3);
    instance.writes(arrival("two", Some("c2")));
    let late = Some(PassedOver::Late { served: 4, found: 3 });
    assert_eq!(instance.writes(arrival("one", Some("c1"))), late);
    assert_eq!(instance.restarts(), late);
    instance.check("two", 4);
    // A commit that undoes another is another commit.
    assert_eq!(instance.writes(arrival("one", Some("c3"))), None);
    instance.check("one", 5);
}

#[test]
fn a_commit_that_changed_nothing_is_late_after_the_next_one_and_that_is_not_refused_for_it() {
    let mut instance = Instance::start(arrival("one", Some("c1")));
    assert_eq!(instance.writes(arrival("one", Some("c2"))), None);
    assert_eq!(instance.writes(arrival("two", Some("c3"))), None);
    let late = Some(PassedOver::Late { served: 2, found: 1 });
    for commit in ["c2", "c1"] {
        assert_eq!(instance.writes(arrival("one", Some(commit))), late, "{commit}");
    }
    assert_eq!(instance.writes(arrival("two", Some("c3"))), None);
    instance.check("two", 2);
}

#[test]
fn there_is_no_way_to_what_is_unknown_in_force_or_not_kept() {
    let mut instance = Instance::start(arrival("one", None));
    let refusal = instance.rolls_back(7).expect_err("there is no such generation");
    assert_eq!(refusal.to_string(), "no generation 7 is known (known: 1)");
    assert_eq!(instance.rolls_back(1), Err(RollbackRefusal::InForce(1)));
    let large = "x".repeat(20 * 1024 * 1024);
    instance.writes(arrival(&large, None));
    instance.writes(arrival(&format!("{large}y"), None));
    assert_eq!(instance.rolls_back(2), Err(RollbackRefusal::Unkept(2)));
    assert_eq!(instance.lineage.head().expect("one").generation.counter, 3);
}

#[test]
fn ten_generations_are_kept_and_their_numbers_go_on() {
    let mut instance = Instance::start(arrival("1", None));
    for text in 2..=14 {
        instance.writes(arrival(&text.to_string(), None));
    }
    let kept: Vec<u64> = instance.lineage.records().iter().map(|record| record.generation.counter).collect();
    assert_eq!(kept, (5..=14).collect::<Vec<u64>>());
}

#[test]
fn a_generation_says_how_it_differs() {
    let mut instance = Instance::start(arrival("a\nb\nc", None));
    instance.writes(arrival("a\nc\nd\ne", None));
    instance.writes(arrival("c\na\nd\ne", None));
    let said: Vec<&str> = instance.lineage.records().iter().map(|record| record.changes.as_str()).collect();
    assert_eq!(said, ["1 file", "a.yaml +2 -1", "a.yaml in another order"]);
}

#[test]
fn a_restored_generation_is_later_than_all_that_the_lost_machine_made_before() {
    let mut lost = Instance::start(arrival("one", None));
    let backup = lost.lineage.saved();
    lost.writes(arrival("two", None));
    let mut restored = Lineage::adopt("ns1", Some(backup), Moment(5000));
    restored.restore(None, Moment(5000));
    let [restored, lost] = [&restored, &lost.lineage].map(|one| one.head().expect("one").generation.clone());
    assert!(restored > lost, "{restored:?} {lost:?}");
    assert_eq!(restored.counter, 2);
}

/// Lets a writer of the directory, a writer that is late, an operator, backups and restarts take turns at random. Whatever
/// they do, the number in force never falls, and the content in force is that of the last change, rollback or restore.
#[test]
fn no_interleaving_of_late_writers_rollbacks_restores_and_restarts_serves_something_older() {
    let mut steps = 0;
    for seed in 0..2500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let text = |version: u64| arrival(&format!("v{version}"), Some(&format!("c{version}")));
        let mut version = 1;
        let mut instance = Instance::start(text(1));
        let mut expected = instance.held.digest.clone();
        let mut highest = instance.lineage.head().expect("one").generation.clone();
        let mut backup: Option<(SavedLineage, String)> = None;
        for _ in 0..40 {
            steps += 1;
            match random.u8(0..7) {
                0 | 1 => {
                    version += 1;
                    instance.writes(text(version));
                    expected.clone_from(&instance.held.digest);
                }
                // A writer that is late has any earlier version; the one in force is no news.
                2 => {
                    let records = instance.lineage.records();
                    let known = records.iter().filter(|record| record.commit.is_some());
                    let known: Vec<_> = known.map(|record| record.commit.clone()).collect();
                    let commit = known[random.usize(..known.len())].clone().expect("it has one");
                    instance.writes(text(commit[1..].parse().expect("a number")));
                }
                3 => {
                    let records = instance.lineage.records();
                    let target = &records[random.usize(..records.len())];
                    let (counter, digest) = (target.generation.counter, target.digest.clone());
                    match instance.rolls_back(counter) {
                        Ok(()) => expected = digest,
                        Err(refusal) => assert_eq!(refusal, RollbackRefusal::InForce(counter)),
                    }
                }
                4 => drop(instance.restarts()),
                5 => backup = Some((instance.lineage.saved(), expected.clone())),
                // A machine that is set up anew has the directory and the generations of the backup.
                _ => {
                    let Some((saved, digest)) = backup.clone() else { continue };
                    instance.now += 1;
                    instance.lineage = Lineage::adopt("ns1", Some(saved), Moment(instance.now));
                    instance.lineage.restore(None, Moment(instance.now));
                    let head = instance.lineage.head().expect("one").clone();
                    let checkout = head.commit.map(|commit| Checkout { commit, author: None });
                    let content = head.content.expect("it is kept");
                    instance.held = DirectoryContent { content, digest: head.digest, checkout };
                    instance.read();
                    expected = digest;
                }
            }
            let head = instance.lineage.head().expect("one").generation.clone();
            assert!(head >= highest, "seed {seed}: {head:?} after {highest:?}");
            assert!(!instance.served.content.files().is_empty(), "seed {seed}: an empty answer");
            assert_eq!(instance.served.digest, expected, "seed {seed}: something else is served");
            highest = head;
        }
    }
    assert_eq!(steps, 100_000);
}
