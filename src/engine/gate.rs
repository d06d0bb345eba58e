//! Turns away queries that ask no question of class IN or CHAOS, each with its response code.

use crate::wire::{Opcode, Query, Question, Rcode, class, rtype};

/// Returns whether a request is a zone transfer, or signed: these are no work for the engine, which keeps no keys and writes one
/// message.
pub(super) fn is_transaction(query: &Query<'_>) -> bool {
    let is_transfer = |question: &Question<'_>| [rtype::AXFR, rtype::IXFR].contains(&question.qtype);
    query.header.opcode == Opcode::QUERY
        && (query.tsig_at.is_some() || query.question.as_ref().is_some_and(is_transfer))
}

/// Returns the question, if it is one to look up.
///
/// The order matters: the body of a query with another opcode follows another format, and nothing is
/// known of one with another version of EDNS, so that neither is judged further.
pub(super) fn admit<'r, 'a>(query: &'r Query<'a>) -> Result<&'r Question<'a>, Rcode> {
    if query.header.opcode != Opcode::QUERY {
        return Err(Rcode::NotImp);
    }
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Err(Rcode::BadVers);
    }
    let question = match &query.question {
        Some(question) if query.is_well_formed => question,
        _ => return Err(Rcode::FormErr),
    };
    match question.qtype {
        // These exist only as parts of other messages (BIND does the same; NXNAME: RFC 9824).
        rtype::OPT | rtype::TSIG | rtype::NXNAME => Err(Rcode::FormErr),
        // These ask for work that is not done here.
        rtype::TKEY | rtype::MAILA | rtype::MAILB => Err(Rcode::NotImp),
        // Here no zone is transferred; where one is, `transfer` has taken them.
        rtype::AXFR | rtype::IXFR => Err(Rcode::Refused),
        // Class ANY, too: all zones here are of class IN, and only scanners ask so.
        _ if !matches!(question.class, class::IN | class::CH) => Err(Rcode::Refused),
        _ => Ok(question),
    }
}
