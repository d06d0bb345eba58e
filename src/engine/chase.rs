//! Follows a question through the tree of names, from alias to alias, and writes what it finds.
//!
//! RFC 1034, section 4.3.2, with the wildcards of RFC 4592, the DNAME of RFC 6672, and the response code of
//! the end of the chain (RFC 6604). A chain that leaves the zones of this server ends there with NOERROR.
//! AA is that of the first name (RFC 1035, section 4.1.1): a referral at the end of a chain keeps it, as it
//! does in NSD, a referral at once does not set it.

use std::net::IpAddr;

use super::Source;
use crate::answer::{Delegation, Found, Node, Packed};
use crate::region::RegionId;
use crate::snapshot::{Choice, Kind, Steered};
use crate::steering::SteeringId;
use crate::wire::{Full, LowerName, Mark, Question, Rcode, Request, Section, Writer, rtype};
use crate::zone::Ttl;

/// The most names that one reply goes through. Resolvers give up at about as many (BIND: 11, Unbound: 11).
const MAX_HOPS: usize = 12;

/// What a reply says besides its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub rcode: Rcode,
    pub is_authoritative: bool,
    pub is_truncated: bool,
    /// The scope prefix length: zero unless a steered name was consulted.
    pub scope: u8,
    /// The zone of the question.
    pub zone: Option<usize>,
    /// The region of a steered answer.
    pub region: Option<RegionId>,
    /// Whether an address is in it that somebody is sent away from.
    pub is_leaving: bool,
}

impl Verdict {
    /// Returns the verdict of a reply without records.
    pub(super) fn of(rcode: Rcode) -> Self {
        Self {
            rcode,
            is_authoritative: false,
            is_truncated: false,
            scope: 0,
            zone: None,
            region: None,
            is_leaving: false,
        }
    }
}

/// Answers `question` for a client at `client` into `writer`.
pub(super) fn chase<'s, S>(
    source: &Source<'s, S>,
    request: &Request<'_>,
    question: &Question<'_>,
    client: IpAddr,
    writer: &mut Writer<'_>,
) -> Verdict
where
    S: Fn(SteeringId, Kind, IpAddr) -> Steered<'s>,
{
    let mut chase = Chase {
        source,
        qtype: question.qtype,
        client,
        start: writer.mark(),
        writer,
        turn: request.header.id,
        aliases: Places::default(),
        redirections: Places::default(),
        verdict: Verdict::of(Rcode::NoError),
    };
    let mut step = chase.step(&question.name);
    while let Ok(Step::Follow(name)) = step {
        step = chase.step(&name);
    }
    if step.is_err() {
        chase.verdict.is_truncated = true;
    }
    chase.verdict
}

/// What comes after a name.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, where a box would have to allocate")]
enum Step {
    /// Nothing.
    Done,
    /// The name that it is an alias for.
    Follow(LowerName),
}

/// The state of the way from name to name.
struct Chase<'c, 's, 'w, S> {
    source: &'c Source<'s, S>,
    qtype: u16,
    client: IpAddr,
    writer: &'c mut Writer<'w>,
    /// The reply with its question alone.
    start: Mark,
    /// Which record of an RRset comes first: the query's ID, so that the reply is a function of the query.
    turn: u16,
    /// The names that were found to be aliases.
    aliases: Places,
    /// The owners of the DNAME records that were added.
    redirections: Places,
    verdict: Verdict,
}

impl<'s, S> Chase<'_, 's, '_, S>
where
    S: Fn(SteeringId, Kind, IpAddr) -> Steered<'s>,
{
    /// Answers for one name of the chain.
    fn step(&mut self, name: &LowerName) -> Result<Step, Full> {
        let tree = self.source.tree;
        let found = match self.qtype {
            // DS records live on the parent's side of a zone cut (RFC 4035, section 3.1.4.1).
            rtype::DS => tree.find_above(name),
            _ => tree.find(name),
        };
        let is_first = self.aliases.count == 0;
        let Some(Found { node, is_exact }) = found else {
            if is_first {
                self.verdict.rcode = Rcode::Refused;
            }
            return Ok(Step::Done);
        };
        if is_first {
            self.verdict.zone = Some(node.zone);
        }
        if let Some(delegation) = &node.delegation
            && !(is_exact && self.qtype == rtype::DS)
        {
            return self.refer(name, node, delegation);
        }
        self.verdict.is_authoritative = true;
        if is_exact {
            self.data(name, node)
        } else if let Some(dname) = node.rrset(rtype::DNAME) {
            self.redirect(name, node, dname)
        } else if let Some(wildcard) = node.wildcard {
            self.data(name, tree.node(wildcard))
        } else {
            self.negative(Rcode::NxDomain, name, node, Ttl::MAX)
        }
    }

    /// Answers from the node of the name, or from the wildcard that stands for it.
    fn data(&mut self, name: &LowerName, node: &Node) -> Result<Step, Full> {
        if self.qtype == rtype::ANY {
            return self.any(name, node);
        }
        if let (Some(id), Some(kind)) = (node.steering, kind(self.qtype)) {
            let steered = self.steer(id, kind);
            return self.steered(name, node, steered.choice);
        }
        if let Some(rrset) = node.rrset(self.qtype) {
            self.put(Section::Answer, name.as_bytes(), rrset)?;
            return Ok(Step::Done);
        }
        if let Some(alias) = node.rrset(rtype::CNAME) {
            self.aliases.add(self.writer.position());
            self.put(Section::Answer, name.as_bytes(), alias)?;
            let target = alias.records().next().unwrap_or_default();
            return Ok(self.follow(LowerName::read(target, 0).ok().map(|(name, _)| name)));
        }
        self.negative(Rcode::NoError, name, node, Ttl::MAX)
    }

    /// Answers a question for any type with one RRset (RFC 8482, section 4.1): the steered address records
    /// if the name is steered, else the first static one.
    fn any(&mut self, name: &LowerName, node: &Node) -> Result<Step, Full> {
        if let Some(id) = node.steering {
            for kind in [Kind::A, Kind::Aaaa] {
                let steered = self.steer(id, kind);
                if !matches!(steered.choice, Choice::Nodata(_)) {
                    return self.steered(name, node, steered.choice);
                }
            }
        }
        match node.rrsets.first() {
            Some(rrset) => {
                self.put(Section::Answer, name.as_bytes(), rrset)?;
                Ok(Step::Done)
            }
            None => self.negative(Rcode::NoError, name, node, Ttl::MAX),
        }
    }

    /// Lets the snapshot choose, and keeps what the reply says of that.
    fn steer(&mut self, id: SteeringId, kind: Kind) -> Steered<'s> {
        let steered = (self.source.steer)(id, kind, self.client);
        // Whatever was consulted on the way to the answer narrows it, ANY asks twice.
        self.verdict.scope = self.verdict.scope.max(steered.scope);
        self.verdict.region = steered.region;
        self.verdict.is_leaving = steered.is_leaving;
        steered
    }

    /// Answers what was chosen.
    fn steered(&mut self, name: &LowerName, node: &Node, choice: Choice<'s>) -> Result<Step, Full> {
        match choice {
            Choice::Records(rrset) => {
                self.put(Section::Answer, name.as_bytes(), rrset)?;
                Ok(Step::Done)
            }
            Choice::Nodata(ttl) => self.negative(Rcode::NoError, name, node, ttl),
            Choice::Refuse => Ok(self.decline(Rcode::Refused)),
            Choice::Servfail => Ok(self.decline(Rcode::ServFail)),
        }
    }

    /// Answers nothing, not even the aliases on the way: with these codes nobody would use them.
    fn decline(&mut self, rcode: Rcode) -> Step {
        self.writer.rewind(self.start);
        self.verdict.rcode = rcode;
        self.verdict.is_authoritative = false;
        Step::Done
    }

    /// Says that there is nothing, and how long that holds: as long as the zone says, and no longer
    /// than `most`.
    fn negative(&mut self, rcode: Rcode, name: &LowerName, node: &Node, most: Ttl) -> Result<Step, Full> {
        self.verdict.rcode = rcode;
        let apex = self.source.tree.apex(node);
        let owner = name.ancestor(apex.octets);
        apex.negative.write_for(self.writer, Section::Authority, owner, most)?;
        Ok(Step::Done)
    }

    /// Names the servers of a zone below. The ones that nobody could find without their glue are useless
    /// without it, so that its lack is a truncation; other addresses are left out silently (RFC 9471).
    fn refer(&mut self, name: &LowerName, node: &Node, delegation: &Delegation) -> Result<Step, Full> {
        let cut = name.ancestor(node.octets);
        self.put(Section::Authority, cut, &delegation.servers)?;
        for glue in &delegation.glue {
            let written = self.put(Section::Additional, &glue.owner, &glue.addresses);
            if glue.is_required {
                written?;
            }
        }
        Ok(Step::Done)
    }

    /// Follows a DNAME: adds it, and the CNAME that it makes of this name (RFC 6672, section 3.1).
    fn redirect(&mut self, name: &LowerName, node: &Node, dname: &Packed) -> Result<Step, Full> {
        let owner = name.ancestor(node.octets);
        if !self.redirections.hold(self.writer, owner) {
            self.redirections.add(self.writer.position());
            self.put(Section::Answer, owner, dname)?;
        }
        let target = dname.records().next().unwrap_or_default();
        let Some(next) = name.redirected(node.octets, target) else {
            self.verdict.rcode = Rcode::YxDomain;
            return Ok(Step::Done);
        };
        self.aliases.add(self.writer.position());
        let (ttl, alias) = (dname.ttl_seconds(), [next.as_bytes()]);
        self.writer.rrset(Section::Answer, name.as_bytes(), rtype::CNAME, ttl, alias)?;
        // Who asks for the alias itself has it now.
        if matches!(self.qtype, rtype::CNAME | rtype::ANY) {
            return Ok(Step::Done);
        }
        Ok(self.follow(Some(next)))
    }

    /// Goes on to the target of an alias, unless that closes a loop or the chain is too long; then the
    /// reply holds what there is so far.
    fn follow(&self, target: Option<LowerName>) -> Step {
        let is_new = |name: &LowerName| !self.aliases.hold(self.writer, name.as_bytes());
        match target.filter(is_new) {
            Some(name) if self.aliases.count < MAX_HOPS => Step::Follow(name),
            _ => Step::Done,
        }
    }

    /// Writes an RRset whole, or not at all.
    fn put(&mut self, section: Section, owner: &[u8], rrset: &Packed) -> Result<(), Full> {
        rrset.write(self.writer, section, owner, self.turn)
    }
}

/// Returns which choice a type asks for.
fn kind(qtype: u16) -> Option<Kind> {
    match qtype {
        rtype::A => Some(Kind::A),
        rtype::AAAA => Some(Kind::Aaaa),
        rtype::HTTPS => Some(Kind::Https),
        _ => None,
    }
}

/// Names on the way, by where they stand in the reply.
#[derive(Default)]
struct Places {
    places: [usize; MAX_HOPS],
    count: usize,
}

impl Places {
    /// Adds a place; each name of the chain adds one at most, and [`MAX_HOPS`] bounds the chain.
    fn add(&mut self, place: usize) {
        self.places[self.count] = place;
        self.count += 1;
    }

    /// Returns whether `name` stands at one of the places.
    fn hold(&self, writer: &Writer<'_>, name: &[u8]) -> bool {
        let mut places = self.places[..self.count].iter();
        places.any(|&place| writer.has_name_at(place, name))
    }
}
