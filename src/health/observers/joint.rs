//! The board of all observers: each canary of each address in the state that the quorum sees.
//!
//! An observer is asked nothing of a region in which it runs, nor of what it cannot probe or does not know, nor once it
//! has been silent for `alone_after`; then a smaller number is all. When none is left to be asked, this instance
//! goes by its own board, with all the rules for one that is alone.

use std::cmp::Reverse;
use std::sync::Arc;

use super::concern::Concern;
use super::facts::Fact;
use super::observer::{Link, Observer, ObserverRules};
use super::sights::{JointSights, LostPeer, RegionSights, Sight};
use crate::canary::{Criticality, Failure, Subject};
use crate::health::address::is_one_spell;
use crate::health::{AddressHealth, AddressState, Board, CanaryRecord, DownQuorum, Vote, joint_state};
use crate::moment::Moment;
use crate::region::{Family, RegionId, RegionSet, Regions, Site};

/// Judges anew what is concerned, and returns when the verdict on that may change although nothing happens.
pub(super) fn update(
    rules: &ObserverRules,
    peers: &[Observer],
    own: &Board,
    is_blind: bool,
    concern: &Concern,
    joint: &mut Board,
    now: Moment,
) -> Option<Moment> {
    let before = std::mem::take(&mut joint.joint_sights);
    let concerned = regions_of(concern, own);
    let mut poll = Poll::new(rules, peers, is_blind, own.regions(), now);
    let mut slot = 0;
    for (place, (subject, track)) in own.watched().enumerate() {
        let slots = slot..slot + track.records().len();
        slot = slots.end;
        let (region, last) = (region_of(subject, own.regions()), joint.track_mut(place));
        if concerned.contains(region) {
            poll.collect(track, slots.start);
            poll.count(subject, track, own.regions());
        }
        if !concern.includes(slots) {
            last.follow(track);
            poll.joint_sights.confirmations.push(before.confirmations[place]);
            continue;
        }
        let (joined, confirmations) = poll.join(track, last, &own.regions().region(region).name);
        *last = joined;
        poll.joint_sights.confirmations.push(confirmations);
    }
    poll.conclude(&before, concerned, own.regions());
    joint.references.clone_from(&own.references);
    joint.joint_sights = poll.joint_sights;
    poll.wake
}

/// Whether and how an observer takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Heard,
    /// It is waited for until then.
    Awaited(Moment),
    Lost,
}

/// One observer in one poll; the first of them is this instance.
struct Participant<'a> {
    name: Arc<str>,
    presence: Presence,
    region: Option<&'a str>,
    is_blind: bool,
    /// `None`: this instance, whose facts are on its board.
    facts: Option<&'a [Option<Fact>]>,
    /// By region and family.
    counts: Vec<[SightCount; 2]>,
}

/// What one observer sees of the addresses of a region.
#[derive(Clone, Copy, Debug, Default)]
struct SightCount {
    up: usize,
    down: usize,
    unknown: usize,
    blind: usize,
    is_down_as_a_whole: bool,
    /// Since when all are up that are.
    up_since: Moment,
}

/// How one observer sees an address, or a region as a whole.
#[derive(Clone, Copy, Debug)]
struct Seen {
    state: AddressState,
    since: Moment,
    is_blind: bool,
}

/// What one observer says of a canary, with the evidence.
#[derive(Clone, Copy)]
struct Ballot<'a> {
    /// Whether it cannot probe this, so that the state is an old one.
    is_blind: bool,
    state: AddressState,
    since: Moment,
    failing_since: Option<Moment>,
    succeeded: Option<Moment>,
    /// The fact of a peer; `None`: it is this instance's own.
    fact: Option<&'a Fact>,
}

struct Poll<'a> {
    rules: &'a ObserverRules,
    participants: Vec<Participant<'a>>,
    /// What each participant says of each canary of the present subject; `None`: it does not watch it.
    ballots: Vec<Vec<Option<Ballot<'a>>>>,
    joint_sights: JointSights,
    wake: Option<Moment>,
    now: Moment,
}

impl<'a> Poll<'a> {
    fn new(
        rules: &'a ObserverRules,
        peers: &'a [Observer],
        is_blind: bool,
        regions: &Regions,
        now: Moment,
    ) -> Self {
        let counts = || vec![<[SightCount; 2]>::default(); regions.len()];
        let own = Participant {
            name: Arc::from(rules.name.as_str()),
            presence: Presence::Heard,
            region: rules.region.as_deref(),
            is_blind,
            facts: None,
            counts: counts(),
        };
        let others = peers.iter().map(|peer| Participant {
            name: Arc::clone(&peer.name),
            presence: presence(peer, rules, now),
            region: peer.hello.as_ref().and_then(|hello| hello.region.as_deref()),
            is_blind: peer.is_blind == Some(true),
            facts: Some(&peer.facts),
            counts: counts(),
        });
        let participants: Vec<_> = std::iter::once(own).chain(others).collect();
        let names = peers.iter().map(|peer| peer.name.to_string()).collect();
        let joint_sights = JointSights { peers: names, ..JointSights::default() };
        let ballots = vec![Vec::new(); participants.len()];
        let mut poll = Self { rules, participants, ballots, joint_sights, wake: None, now };
        for peer in peers {
            match (&peer.link, presence(peer, rules, now)) {
                (Link::Fresh(_), _) => {}
                (_, Presence::Awaited(until)) => poll.wake_at(until),
                (Link::Silent { since, why }, _) => poll.joint_sights.lost.push(LostPeer {
                    name: peer.name.to_string(),
                    since: *since,
                    why: why.clone(),
                }),
            }
        }
        poll
    }

    fn wake_at(&mut self, at: Moment) {
        if at > self.now {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
    }

    /// Collects what each says of one subject, whose facts begin at this slot.
    fn collect(&mut self, own: &AddressHealth, slot: usize) {
        for (participant, ballots) in self.participants.iter().zip(&mut self.ballots) {
            ballots.clear();
            let records = own.records().iter().zip(slot..);
            ballots.extend(records.map(|(record, slot)| participant.ballot(own, record, slot)));
        }
    }

    /// Returns what all see of the present subject, and how many see it down if it is.
    fn join(&mut self, own: &AddressHealth, last: &AddressHealth, region: &str) -> (AddressHealth, u8) {
        let (mut records, mut failing_since, mut confirmations) = (Vec::new(), None::<Moment>, 0);
        for (index, record) in own.records().iter().enumerate() {
            let (votes, ballots) = self.ask(index, region);
            let before = &last.records()[index];
            let joined = joined(record, before, &votes, &ballots, self.rules.down_quorum, self.now);
            if record.effect == Criticality::Critical && joined.streak.state().is_down() {
                let down = ballots.iter().filter(|ballot| ballot.state.is_down()).count();
                confirmations = confirmations.max(u8::try_from(down).expect("observers are few"));
            }
            let failing = ballots.iter().filter(|ballot| ballot.state > AddressState::Up);
            let failing = failing.filter_map(|ballot| ballot.failing_since).min();
            failing_since = [failing_since, failing].into_iter().flatten().min();
            records.push(joined);
        }
        (AddressHealth::joined(records, failing_since, last, self.now), confirmations)
    }

    /// Asks every observer that is to be asked of one canary of the present subject.
    fn ask(&mut self, index: usize, region: &str) -> (Vec<Vote>, Vec<Ballot<'a>>) {
        let (mut votes, mut ballots) = (Vec::new(), Vec::new());
        let mut unknown_until = None;
        let all = self.participants.iter().zip(&self.ballots);
        for (participant, said) in all.filter(|(one, _)| one.region != Some(region)) {
            match participant.presence {
                Presence::Heard if participant.is_blind => continue,
                Presence::Heard => {}
                Presence::Awaited(_) => {
                    votes.push(Vote::Silent);
                    continue;
                }
                Presence::Lost => continue,
            }
            let Some(ballot) = said[index] else { continue };
            let until = ballot.since.plus(self.rules.alone_after);
            match ballot.state {
                _ if ballot.is_blind => {}
                // It has just begun to probe, and soon knows.
                AddressState::Unknown if self.now < until => {
                    unknown_until = [unknown_until, Some(until)].into_iter().flatten().min();
                    votes.push(Vote::Silent);
                }
                AddressState::Unknown => {}
                state => {
                    votes.push(Vote::Sees(state));
                    ballots.push(ballot);
                }
            }
        }
        if let Some(until) = unknown_until {
            self.wake_at(until);
        }
        (votes, ballots)
    }

    /// Counts what each observer sees of the present subject.
    fn count(&mut self, subject: Subject, track: &AddressHealth, regions: &Regions) {
        let family = match subject {
            Subject::Address(id) => Some(Family::of(regions.address(id).ip)),
            Subject::Region(_) => None,
        };
        let region = region_of(subject, regions);
        for (participant, ballots) in self.participants.iter_mut().zip(&self.ballots) {
            let seen = seen(track, ballots);
            let counts = &mut participant.counts[usize::from(region.0)];
            match (family, seen) {
                (_, None) => {}
                (Some(family), Some(seen)) => counts[family as usize].add(seen),
                (None, Some(seen)) => counts.iter_mut().for_each(|count| count.add_whole(seen)),
            }
        }
    }

    /// Says of every region who sees what.
    fn conclude(&mut self, before: &JointSights, concerned: RegionSet, regions: &Regions) {
        for (id, region) in regions.iter() {
            let sights = Family::BOTH.map(|family| {
                let last = before.region(id, family);
                match last.filter(|_| !concerned.contains(id)) {
                    Some(last) => last.clone(),
                    None => self.sights(id, &region.name, family, last, regions),
                }
            });
            for sights in &sights {
                let due = sights.disputed.map(|since| since.plus(self.rules.disagreement_after));
                due.into_iter().for_each(|due| self.wake_at(due));
            }
            self.joint_sights.regions.push(sights);
        }
    }

    fn sights(
        &self,
        id: RegionId,
        name: &str,
        family: Family,
        last: Option<&RegionSights>,
        regions: &Regions,
    ) -> RegionSights {
        let total = regions.addresses_of(id).filter(|(_, address)| Family::of(address.ip) == family).count();
        let needed = regions.needed(Site::Region(id), total);
        let (mut sights, mut ups) = (RegionSights::default(), Vec::new());
        for participant in &self.participants {
            let sight = participant.sight(id, name, family, needed);
            if sight == Sight::Up {
                ups.push(participant.counts[usize::from(id.0)][family as usize].up_since);
            }
            if let (Sight::Silent, Presence::Awaited(until)) = (sight, participant.presence) {
                sights.until = sights.until.max(Some(until));
            }
            sights.by.push((Arc::clone(&participant.name), sight));
        }
        sights.by.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let counted = sights.by.iter().filter(|(_, sight)| sight.counts()).count();
        let needed = self.rules.down_quorum.of(counted);
        sights.needed = u8::try_from(needed).expect("observers are few");
        ups.sort_unstable();
        sights.up_since = ups.get(counted.saturating_sub(needed)).copied();
        let last = last.and_then(|last| last.disputed);
        // One that is silent for the moment of a reload has not come to agree.
        sights.disputed = match last {
            Some(since) => (sights.is_disputed() || sights.until.is_some()).then_some(since),
            None => sights.is_disputed().then_some(self.now),
        };
        if let Some(since) = sights.disputed {
            sights.is_told = self.now >= since.plus(self.rules.disagreement_after);
        }
        sights
    }
}

impl<'a> Participant<'a> {
    /// Returns what it says of a canary; `None`: it does not watch it.
    fn ballot(&self, track: &AddressHealth, record: &CanaryRecord, slot: usize) -> Option<Ballot<'a>> {
        let Some(facts) = self.facts else {
            return Some(Ballot {
                is_blind: record.blind.is_some(),
                state: record.streak.state(),
                since: record.since,
                failing_since: track.failing_since(),
                succeeded: record.succeeded,
                fact: None,
            });
        };
        let fact = facts[slot].as_ref()?;
        let Fact { state, since, failing_since, succeeded, is_blind, .. } = *fact;
        Some(Ballot { is_blind, state, since, failing_since, succeeded, fact: Some(fact) })
    }

    fn sight(&self, id: RegionId, name: &str, family: Family, needed: usize) -> Sight {
        let count = self.counts[usize::from(id.0)][family as usize];
        match self.presence {
            _ if self.region == Some(name) => Sight::Inside,
            Presence::Lost => Sight::Lost,
            Presence::Awaited(_) => Sight::Silent,
            Presence::Heard if self.is_blind || (count.blind > 0 && count.up + count.down == 0) => {
                Sight::Blind
            }
            Presence::Heard if count.is_down_as_a_whole => Sight::Down,
            Presence::Heard if count.up + count.down == 0 => Sight::Unknown,
            // What it cannot tell may be up.
            Presence::Heard if count.up + count.unknown + count.blind < needed => Sight::Down,
            Presence::Heard => Sight::Up,
        }
    }
}

impl SightCount {
    fn add(&mut self, seen: Seen) {
        let counter = match seen.state {
            _ if seen.is_blind => &mut self.blind,
            AddressState::Unknown => &mut self.unknown,
            AddressState::Up | AddressState::Suspect => {
                self.up_since = self.up_since.max(seen.since);
                &mut self.up
            }
            AddressState::Rising | AddressState::Down => &mut self.down,
        };
        *counter += 1;
    }

    /// Adds what it sees of the region as a whole.
    fn add_whole(&mut self, seen: Seen) {
        self.is_down_as_a_whole |= seen.state.is_down() && !seen.is_blind;
        self.up_since = self.up_since.max(seen.since);
    }
}

fn presence(peer: &Observer, rules: &ObserverRules, now: Moment) -> Presence {
    match peer.link {
        Link::Fresh(_) => Presence::Heard,
        Link::Silent { since, .. } => {
            let until = since.plus(rules.alone_after);
            if now < until { Presence::Awaited(until) } else { Presence::Lost }
        }
    }
}

/// Returns how an observer sees one subject, by the worst of the critical canaries; `None`: it does not watch it.
fn seen(track: &AddressHealth, ballots: &[Option<Ballot<'_>>]) -> Option<Seen> {
    let critical = track.records().iter().zip(ballots);
    let critical = critical.filter(|(record, _)| record.effect == Criticality::Critical);
    let seen = critical.filter_map(|(_, ballot)| {
        let Ballot { state, since, is_blind, .. } = (*ballot)?;
        Some(Seen { state, since, is_blind })
    });
    seen.reduce(|all, one| Seen {
        state: all.state.max(one.state),
        since: all.since.max(one.since),
        is_blind: all.is_blind || one.is_blind,
    })
}

fn region_of(subject: Subject, regions: &Regions) -> RegionId {
    match subject {
        Subject::Address(id) => regions.address(id).region,
        Subject::Region(region) => region,
    }
}

/// Returns the regions of what is concerned.
fn regions_of(concern: &Concern, board: &Board) -> RegionSet {
    let mut slot = 0;
    let concerned = board.watched().filter(|(_, track)| {
        let slots = slot..slot + track.records().len();
        slot = slots.end;
        concern.includes(slots)
    });
    concerned.map(|(subject, _)| region_of(subject, board.regions())).collect()
}

/// Returns the record of one canary as all see it, given the one of this instance and the last one of all.
fn joined(
    own: &CanaryRecord,
    last: &CanaryRecord,
    votes: &[Vote],
    ballots: &[Ballot<'_>],
    quorum: DownQuorum,
    now: Moment,
) -> CanaryRecord {
    if votes.is_empty() {
        return own.clone();
    }
    let state = joint_state(votes, quorum, last.streak.state());
    let is_own = own.streak.state() == state;
    let told = ballots.iter().filter_map(|ballot| ballot.fact).find(|fact| fact.state == state);
    let streak = match told {
        _ if is_own => own.streak,
        Some(fact) => fact.streak(),
        None => last.streak,
    };
    let succeeded = ballots.iter().filter_map(|ballot| ballot.succeeded).chain(own.succeeded).max();
    CanaryRecord {
        streak,
        since: since(state, last, votes.len(), ballots, quorum, now),
        succeeded,
        failure: failure(state, own, last, ballots),
        ..own.clone()
    }
}

/// Returns when a quorum first saw this state, or a worse one.
fn since(
    state: AddressState,
    last: &CanaryRecord,
    voters: usize,
    ballots: &[Ballot<'_>],
    quorum: DownQuorum,
    now: Moment,
) -> Moment {
    if is_one_spell(last.streak.state(), state) {
        return last.since;
    }
    let mut worst: Vec<_> = ballots.iter().map(|ballot| (ballot.state, ballot.since)).collect();
    worst.sort_unstable_by_key(|(state, since)| (Reverse(*state), *since));
    let decisive = worst.into_iter().take(quorum.of(voters)).map(|(_, since)| since).max();
    decisive.unwrap_or(now).min(now)
}

/// Returns why it is in this state: the same at all instances, and only what all of them refuse is refused.
fn failure(
    state: AddressState,
    own: &CanaryRecord,
    last: &CanaryRecord,
    ballots: &[Ballot<'_>],
) -> Option<Failure> {
    if state <= AddressState::Up {
        return own.failure.clone();
    }
    let failing = ballots.iter().filter(|ballot| ballot.state >= state);
    let failures = failing.filter_map(|ballot| match ballot.fact {
        Some(fact) => fact.failure.as_ref(),
        None => own.failure.as_ref(),
    });
    // The greatest class is the one that comes last in the list of classes; a refusal comes first.
    let softest = failures.max_by(|one, other| (one.class, &one.detail).cmp(&(other.class, &other.detail)));
    softest.or(last.failure.as_ref()).or(own.failure.as_ref()).cloned()
}
