//! One of the other observers: what it tells, and whether it is heard.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::concern::Concern;
use super::facts::{Fact, FactKey};
use crate::health::DownQuorum;
use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};

/// How long a peer counts as heard: three of its heartbeats, of which two may be lost or late.
pub const FRESH_WITHIN: Duration = Duration::from_secs(3);

/// The most facts of a peer that are kept for a configuration to come: those of five thousand addresses with two canaries.
pub(super) const MAX_FOREIGN: usize = 10_000;

/// How several observers judge together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverRules {
    /// The name of this instance.
    pub name: String,
    /// The region in which it runs; `None`: outside of all.
    pub region: Option<String>,
    /// The names of the others, no two alike, at most six.
    pub peers: Vec<String>,
    pub down_quorum: DownQuorum,
    /// How long one that is silent is waited for.
    pub alone_after: Duration,
    /// How long observers may disagree on a region before operators are told.
    pub disagreement_after: Duration,
}

/// What a peer says of itself when its stream begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerHello {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// The version of its program.
    pub version: String,
    /// Which of its processes it is.
    pub boot: String,
    /// A digest of its configuration, without `server.yaml`.
    pub configuration: String,
    /// The region in which it runs.
    pub region: Option<String>,
    /// Whether it may be cut off from everything that it should see; `None`: it says so with its first heartbeat.
    pub is_blind: Option<bool>,
}

/// Something that a peer tells, or that is known of its connection.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerReport {
    /// The name of the peer; reports on one that is not configured are passed over.
    pub peer: String,
    pub news: PeerNews,
}

/// What a peer tells.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerNews {
    /// Its stream has begun. It counts as silent until all of its facts are here, and whether it is blind.
    Joined(PeerHello),
    /// All of its facts: what is not among these, it does not watch.
    State(Vec<(FactKey, Fact)>),
    /// Those that have changed.
    Changed(Vec<(FactKey, Fact)>),
    /// It is there, and may be cut off from everything that it should see.
    Alive { is_blind: bool },
    /// Its stream is over: why.
    Lost(String),
}

/// One of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Observer {
    pub name: Arc<str>,
    /// What it said of itself last; `None`: it was never heard.
    pub hello: Option<PeerHello>,
    pub link: Link,
    /// When its present stream began, or the last one ended.
    pub since: Moment,
    /// Whether it may be cut off from everything; `None`: its present stream has not said.
    pub is_blind: Option<bool>,
    /// When it last told a fact.
    pub told_at: Option<Moment>,
    /// Whether its present stream has told all of its facts.
    is_whole: bool,
    /// Its facts, in the order of the keys; `None`: it does not watch this.
    pub(super) facts: Vec<Option<Fact>>,
    /// Its facts about what is not watched here: after a rolling reload it may be.
    foreign: BTreeMap<FactKey, Fact>,
}

/// Whether an observer is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It was heard at this moment.
    Fresh(Moment),
    /// It is not heard.
    Silent {
        /// When it was heard last, or the start of this process.
        since: Moment,
        why: String,
    },
}

impl Observer {
    pub(super) fn new(name: &str, slots: usize, now: Moment) -> Self {
        let why = "it has not been heard yet".to_owned();
        Self {
            name: Arc::from(name),
            hello: None,
            link: Link::Silent { since: now, why },
            since: now,
            is_blind: None,
            told_at: None,
            is_whole: false,
            facts: vec![None; slots],
            foreign: BTreeMap::new(),
        }
    }

    /// Follows other keys, and keeps the facts about what is not among these.
    pub(super) fn reload(&mut self, before: &[FactKey], keys: &[FactKey]) {
        let mut known = std::mem::take(&mut self.foreign);
        let facts = before.iter().cloned().zip(self.facts.drain(..));
        known.extend(facts.filter_map(|(key, fact)| Some((key, fact?))));
        self.facts = keys.iter().map(|key| known.remove(key)).collect();
        self.foreign = known.into_iter().take(MAX_FOREIGN).collect();
    }

    /// Passes over one that has been silent for too long, until it says something again. Returns whether it has.
    pub(super) fn look(&mut self, now: Moment) -> bool {
        match self.link {
            Link::Fresh(at) if now.since(at) > FRESH_WITHIN => {
                self.lose(at, "it says nothing any more".to_owned(), now);
                true
            }
            Link::Fresh(_) | Link::Silent { .. } => false,
        }
    }

    /// Returns when it is passed over unless it says something; `None`: it is.
    pub(super) fn silent_at(&self) -> Option<Moment> {
        match self.link {
            Link::Fresh(at) => Some(at.plus(FRESH_WITHIN).plus(Duration::from_millis(1))),
            Link::Silent { .. } => None,
        }
    }

    fn lose(&mut self, heard: Moment, why: String, now: Moment) {
        self.link = Link::Silent { since: heard, why };
        self.since = now;
    }

    /// Forgets what an earlier stream has told.
    fn forget(&mut self) {
        (self.is_whole, self.is_blind) = (false, None);
        self.facts.fill(None);
        self.foreign.clear();
    }

    /// Takes what is told, and returns what the verdict may be another about now.
    pub(super) fn hear(&mut self, news: PeerNews, slots: &HashMap<FactKey, usize>, now: Moment) -> Concern {
        let mut concern = Concern::default();
        match news {
            PeerNews::Joined(hello) => {
                concern.include_all_if(self.is_heard());
                let (Link::Fresh(since) | Link::Silent { since, .. }) = self.link;
                self.lose(since, "it has not told everything yet".to_owned(), now);
                self.forget();
                self.is_blind = hello.is_blind;
                self.hello = Some(hello);
            }
            PeerNews::State(facts) => {
                self.facts.fill(None);
                self.foreign.clear();
                self.take(facts, slots, now);
                self.is_whole = true;
                self.touch(now);
                concern = Concern::Everything;
            }
            PeerNews::Changed(facts) => {
                concern = self.take(facts, slots, now);
                concern.include_all_if(self.touch(now));
            }
            PeerNews::Alive { is_blind } => {
                let is_other = self.is_blind.replace(is_blind) != Some(is_blind);
                concern.include_all_if(self.touch(now) || (is_other && self.is_heard()));
            }
            PeerNews::Lost(why) => {
                self.forget();
                match &mut self.link {
                    Link::Fresh(at) => {
                        let at = *at;
                        self.lose(at, why, now);
                        concern = Concern::Everything;
                    }
                    Link::Silent { why: before, .. } => *before = why,
                }
            }
        }
        concern
    }

    fn is_heard(&self) -> bool {
        matches!(self.link, Link::Fresh(_))
    }

    /// Hears it, if it has told everything, and returns whether it was not heard before.
    fn touch(&mut self, now: Moment) -> bool {
        match &mut self.link {
            Link::Fresh(at) => *at = now,
            Link::Silent { .. } if self.is_whole && self.is_blind.is_some() => {
                (self.link, self.since) = (Link::Fresh(now), now);
                return true;
            }
            Link::Silent { .. } => {}
        }
        false
    }

    #[cfg(test)]
    pub(super) fn foreign_facts(&self) -> usize {
        self.foreign.len()
    }

    /// Takes facts, and returns those by which the verdict may be another. Those about nothing that is watched here are
    /// kept for another configuration, as far as there is room.
    fn take(&mut self, facts: Vec<(FactKey, Fact)>, slots: &HashMap<FactKey, usize>, now: Moment) -> Concern {
        let mut concern = Concern::default();
        for (key, fact) in facts {
            if let Some(slot) = slots.get(&key) {
                let before = &mut self.facts[*slot];
                let fact = match before {
                    Some(before) => fact.after(before),
                    None => fact,
                };
                if !before.as_ref().is_some_and(|before| before.judges_like(&fact)) {
                    concern.include(*slot);
                }
                *before = Some(fact);
            } else if self.foreign.len() < MAX_FOREIGN || self.foreign.contains_key(&key) {
                self.foreign.insert(key, fact);
            }
        }
        self.told_at = Some(now);
        concern
    }
}

follows_clock!(Observer: link, since, told_at, facts, foreign);
follows_clock!(PeerReport: news);

impl FollowClock for PeerNews {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::State(facts) | Self::Changed(facts) => {
                facts.iter_mut().for_each(|(_, fact)| fact.follow_clock(step));
            }
            Self::Joined(_) | Self::Alive { .. } | Self::Lost(_) => {}
        }
    }
}

impl FollowClock for Link {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Fresh(at) => at.follow_clock(step),
            Self::Silent { since, .. } => since.follow_clock(step),
        }
    }
}
