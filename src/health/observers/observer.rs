//! One of the other observers: what it tells, and whether it is heard.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::facts::{Fact, FactKey};
use crate::health::DownQuorum;
use crate::moment::{ClockStep, FollowClock, Moment, follows_clock};

/// How long a peer counts as heard: three of its heartbeats, of which two may be lost or late.
pub const FRESH_WITHIN: Duration = Duration::from_secs(3);

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
    /// Its stream has begun. It counts as silent until all of its facts are here.
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
    /// Whether it may be cut off from everything.
    pub is_blind: bool,
    /// When it last told a fact.
    pub told_at: Option<Moment>,
    /// Its facts, in the order of the keys; `None`: it does not watch this.
    pub(super) facts: Vec<Option<Fact>>,
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
            is_blind: false,
            told_at: None,
            facts: vec![None; slots],
        }
    }

    /// Ends a stream that has been silent for too long.
    pub(super) fn look(&mut self, now: Moment) {
        if let Link::Fresh(at) = self.link
            && now.since(at) > FRESH_WITHIN
        {
            self.lose(at, "it says nothing any more".to_owned(), now);
        }
    }

    fn lose(&mut self, heard: Moment, why: String, now: Moment) {
        self.link = Link::Silent { since: heard, why };
        self.since = now;
        self.facts.fill(None);
    }

    /// Takes what is told, and returns whether the verdict may be another now.
    pub(super) fn hear(&mut self, news: PeerNews, slots: &HashMap<FactKey, usize>, now: Moment) -> bool {
        match news {
            PeerNews::Joined(hello) => {
                let was_heard = matches!(self.link, Link::Fresh(_));
                self.hello = Some(hello);
                self.is_blind = false;
                let (Link::Fresh(since) | Link::Silent { since, .. }) = self.link;
                self.lose(since, "it has not told everything yet".to_owned(), now);
                was_heard
            }
            PeerNews::State(facts) => {
                self.facts.fill(None);
                self.take(facts, slots, now);
                self.link = Link::Fresh(now);
                true
            }
            PeerNews::Changed(facts) => {
                let is_news = self.take(facts, slots, now);
                self.touch(now);
                is_news
            }
            PeerNews::Alive { is_blind } => {
                self.touch(now);
                std::mem::replace(&mut self.is_blind, is_blind) != is_blind
            }
            PeerNews::Lost(why) => match &mut self.link {
                Link::Fresh(at) => {
                    let at = *at;
                    self.lose(at, why, now);
                    true
                }
                Link::Silent { why: before, .. } => {
                    *before = why;
                    false
                }
            },
        }
    }

    fn touch(&mut self, now: Moment) {
        if let Link::Fresh(at) = &mut self.link {
            *at = now;
        }
    }

    /// Takes facts, of which those about nothing that is watched here are passed over, and returns whether one of
    /// them matters.
    fn take(&mut self, facts: Vec<(FactKey, Fact)>, slots: &HashMap<FactKey, usize>, now: Moment) -> bool {
        let mut is_news = false;
        for (key, fact) in facts {
            let Some(slot) = slots.get(&key) else { continue };
            let before = self.facts[*slot].replace(fact);
            let after = self.facts[*slot].as_ref();
            is_news |= !before.zip(after).is_some_and(|(before, after)| before.judges_like(after));
        }
        self.told_at = Some(now);
        is_news
    }
}

follows_clock!(Observer: link, since, told_at, facts);

impl FollowClock for Link {
    fn follow_clock(&mut self, step: ClockStep) {
        match self {
            Self::Fresh(at) => at.follow_clock(step),
            Self::Silent { since, .. } => since.follow_clock(step),
        }
    }
}
