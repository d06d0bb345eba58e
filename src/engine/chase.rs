//! Follows a question through the tree of names, from alias to alias, and writes what it finds.
//!
//! RFC 1034, section 4.3.2, with the wildcards of RFC 4592, the DNAME of RFC 6672, and the response code of
//! the end of the chain (RFC 6604). A chain that leaves the zones of this server ends there with NOERROR.
//! AA is that of the first name (RFC 1035, section 4.1.1): a referral at the end of a chain keeps it, as it
//! does in NSD, a referral at once does not set it.
//!
//! What does not fit into the reply sets TC (RFC 2181, section 9), the glue of a referral included (RFC 9471); the
//! question and the OPT record always fit.

use std::time::Duration;

use crate::answer::{Delegation, NameMatch, NameNode, NameTree, NodeId, Packed};
use crate::client::Requester;
use crate::config::Identity;
use crate::region::RegionId;
use crate::snapshot::{Kind, Steered, SteeredAnswer};
use crate::wire::{
    Checkpoint, CookieSecrets, ExtendedError, Full, LowerName, Query, Question, Rcode, ReplyWriter, Section,
    rtype,
};
use crate::zone::{Chooser, Ttl};

/// The most names that one reply goes through. Resolvers give up at about as many (BIND: 11, Unbound: 11).
pub const MAX_HOPS: usize = 12;

/// The parts of a reply besides its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyMeta {
    pub rcode: Rcode,
    pub is_authoritative: bool,
    pub is_truncated: bool,
    /// The scope prefix length: zero unless a steered name was consulted.
    pub scope: u8,
    /// Beside a response code that says too little, where there is room for it.
    pub extended_error: Option<ExtendedError>,
    /// The zone of the question.
    pub zone: Option<usize>,
    /// The name that decided about the question's name: itself, a wildcard, a zone cut.
    pub node: Option<NodeId>,
    /// Whether it says that there is no such name, or no such type.
    pub is_negative: bool,
    /// The region of a steered answer.
    pub region: Option<RegionId>,
    /// The part of the clients that it went to.
    pub part: Option<u16>,
    /// Whether an address is in it that clients are being moved away from.
    pub is_leaving: bool,
}

impl ReplyMeta {
    /// Returns those of a reply without records.
    pub(super) fn of(rcode: Rcode) -> Self {
        Self {
            rcode,
            is_authoritative: false,
            is_truncated: false,
            scope: 0,
            extended_error: None,
            zone: None,
            node: None,
            is_negative: false,
            region: None,
            part: None,
            is_leaving: false,
        }
    }
}

/// Answers `question` for `requester` into `writer`.
pub(super) fn chase<'s, S>(
    source: &AnswerSource<'s, S>,
    query: &Query<'_>,
    question: &Question<'_>,
    requester: Requester,
    writer: &mut ReplyWriter<'_>,
) -> ReplyMeta
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
{
    let mut chase = Chase {
        source,
        qtype: question.qtype,
        requester,
        start: writer.mark(),
        writer,
        turn: query.header.id,
        aliases: NameOffsets::default(),
        redirections: NameOffsets::default(),
        meta: ReplyMeta::of(Rcode::NoError),
    };
    let mut step = chase.step(&question.name);
    while let Ok(Step::Follow(name)) = step {
        step = chase.step(&name);
    }
    if step.is_err() {
        chase.meta.is_truncated = true;
    }
    chase.meta
}

/// The step after a name.
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, where a box would have to allocate")]
enum Step {
    Done,
    /// On to the target of an alias.
    Follow(LowerName),
}

/// The state of the way from name to name.
struct Chase<'c, 's, 'w, S> {
    source: &'c AnswerSource<'s, S>,
    qtype: u16,
    requester: Requester,
    writer: &'c mut ReplyWriter<'w>,
    /// The reply with its question alone, to come back to.
    start: Checkpoint,
    /// The record of an RRset that comes first: the query's ID, so that the reply is a function of the query.
    /// A counter would be shared between threads, and random numbers cost a system call or a state.
    turn: u16,
    /// The names that were found to be aliases.
    aliases: NameOffsets,
    /// The owners of the DNAME records that were added.
    redirections: NameOffsets,
    meta: ReplyMeta,
}

impl<'s, S> Chase<'_, 's, '_, S>
where
    S: Fn(Chooser, Kind, &Requester) -> Steered<'s>,
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
        let Some(NameMatch { node, is_exact }) = found else {
            if is_first {
                self.meta.extended_error = Some(ExtendedError::NOT_AUTHORITATIVE);
                self.meta.rcode = Rcode::Refused;
            }
            return Ok(Step::Done);
        };
        if is_first {
            self.meta.zone = Some(node.zone);
            self.meta.node = Some(if is_exact { node.id } else { node.wildcard.unwrap_or(node.id) });
        }
        if let Some(delegation) = &node.delegation
            && !(is_exact && self.qtype == rtype::DS)
        {
            return self.refer(name, node, delegation);
        }
        self.meta.is_authoritative = true;
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
    fn data(&mut self, name: &LowerName, node: &NameNode) -> Result<Step, Full> {
        if self.qtype == rtype::ANY {
            return self.any(name, node);
        }
        // A steered name has no static records of a type that is chosen, but HTTPS records where those are not.
        if let Some(rrset) = node.rrset(self.qtype) {
            self.put(Section::Answer, name.as_bytes(), rrset)?;
            return Ok(Step::Done);
        }
        if let (Some(chooser), Some(kind)) = (node.chooser, kind(self.qtype)) {
            let steered = self.steer(chooser, kind);
            return self.steered(name, node, steered.choice);
        }
        if self.qtype == rtype::SOA
            && let apex = self.source.tree.apex(node)
            && let Some(soa) = apex.soa.as_ref().filter(|_| apex.octets == node.octets)
        {
            self.put(Section::Answer, name.as_bytes(), soa)?;
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
    fn any(&mut self, name: &LowerName, node: &NameNode) -> Result<Step, Full> {
        if let Some(chooser) = node.chooser {
            for kind in [Kind::A, Kind::Aaaa] {
                let steered = self.steer(chooser, kind);
                if !matches!(steered.choice, SteeredAnswer::Nodata(_)) {
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

    /// Lets the snapshot choose, and notes scope and region.
    fn steer(&mut self, chooser: Chooser, kind: Kind) -> Steered<'s> {
        let steered = (self.source.steer)(chooser, kind, &self.requester);
        // Whatever was consulted on the way to the answer narrows it, ANY asks twice.
        self.meta.scope = self.meta.scope.max(steered.scope);
        self.meta.region = steered.region;
        self.meta.part = steered.part;
        self.meta.is_leaving = steered.is_leaving;
        self.meta.extended_error = steered.is_fail_open.then_some(ExtendedError::FAIL_OPEN);
        steered
    }

    /// Writes the answer that was chosen.
    fn steered(
        &mut self,
        name: &LowerName,
        node: &NameNode,
        choice: SteeredAnswer<'s>,
    ) -> Result<Step, Full> {
        match choice {
            SteeredAnswer::Records(rrset) => {
                self.put(Section::Answer, name.as_bytes(), rrset)?;
                Ok(Step::Done)
            }
            SteeredAnswer::Nodata(ttl) => self.negative(Rcode::NoError, name, node, ttl),
            SteeredAnswer::Refuse => Ok(self.decline(Rcode::Refused, ExtendedError::PROHIBITED)),
            SteeredAnswer::Prohibited => Ok(self.decline(Rcode::ServFail, ExtendedError::PROHIBITED)),
            SteeredAnswer::Servfail => Ok(self.decline(Rcode::ServFail, ExtendedError::ALL_DOWN)),
        }
    }

    /// Drops all records, aliases on the way included: with these codes no resolver would use them.
    fn decline(&mut self, rcode: Rcode, extended_error: ExtendedError) -> Step {
        self.writer.rewind(self.start);
        self.meta.extended_error = Some(extended_error);
        self.meta.rcode = rcode;
        self.meta.is_authoritative = false;
        Step::Done
    }

    /// Writes a negative answer, to be cached for as long as the zone says, and no longer than `most`.
    fn negative(&mut self, rcode: Rcode, name: &LowerName, node: &NameNode, most: Ttl) -> Result<Step, Full> {
        self.meta.rcode = rcode;
        self.meta.is_negative = true;
        let apex = self.source.tree.apex(node);
        let owner = name.ancestor(apex.octets);
        apex.negative.write_for(self.writer, Section::Authority, owner, most)?;
        Ok(Step::Done)
    }

    /// Writes a referral. A server below the cut cannot be found without its glue, so that lack of room for it is
    /// a truncation; other addresses are left out silently (RFC 9471).
    fn refer(&mut self, name: &LowerName, node: &NameNode, delegation: &Delegation) -> Result<Step, Full> {
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
    fn redirect(&mut self, name: &LowerName, node: &NameNode, dname: &Packed) -> Result<Step, Full> {
        let owner = name.ancestor(node.octets);
        if !self.redirections.hold(self.writer, owner) {
            self.redirections.add(self.writer.position());
            self.put(Section::Answer, owner, dname)?;
        }
        let target = dname.records().next().unwrap_or_default();
        let Some(next) = name.redirected(node.octets, target) else {
            self.meta.rcode = Rcode::YxDomain;
            return Ok(Step::Done);
        };
        self.aliases.add(self.writer.position());
        let (ttl, alias) = (dname.ttl_seconds(), [next.as_bytes()]);
        self.writer.rrset(Section::Answer, name.as_bytes(), rtype::CNAME, ttl, alias)?;
        // A query for the alias itself is answered by now.
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

/// Returns the choice that a type asks for.
pub(super) fn kind(qtype: u16) -> Option<Kind> {
    match qtype {
        rtype::A => Some(Kind::A),
        rtype::AAAA => Some(Kind::Aaaa),
        rtype::HTTPS => Some(Kind::Https),
        _ => None,
    }
}

/// Names on the way, by their offsets in the reply: keeping the names themselves would take 3 kB of stack.
#[derive(Default)]
struct NameOffsets {
    offsets: [usize; MAX_HOPS],
    count: usize,
}

impl NameOffsets {
    /// Adds an offset; each name of the chain adds one at most, and [`MAX_HOPS`] bounds the chain.
    fn add(&mut self, offset: usize) {
        self.offsets[self.count] = offset;
        self.count += 1;
    }

    /// Returns whether `name` is at one of the offsets.
    fn hold(&self, writer: &ReplyWriter<'_>, name: &[u8]) -> bool {
        let mut offsets = self.offsets[..self.count].iter();
        offsets.any(|&offset| writer.has_name_at(offset, name))
    }
}

/// The source of answers.
#[derive(Clone, Copy, Debug)]
pub struct AnswerSource<'a, S> {
    /// All names, the steered ones included.
    pub tree: &'a NameTree,
    /// What clients are told of the server.
    pub identity: &'a Identity,
    /// The secrets of cookies; `None`: there are no cookies.
    pub cookies: Option<&'a CookieSecrets>,
    /// How long a connection may be without a request (RFC 7828).
    pub idle: Duration,
    /// Whether zone transfers and signed requests are left to the caller.
    pub transactions: bool,
    /// Chooses the answer of a steered name for a client.
    pub steer: S,
}
