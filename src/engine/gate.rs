//! Turns away what is no ordinary question, with the response code that says why.

use crate::wire::{Opcode, Question, Rcode, Request, class, rtype};

/// Returns the question, if it is one to look up.
///
/// The order matters: the body of a request with another opcode follows another format, and nothing is
/// known of a request with another version of EDNS, so that neither is judged further.
pub(super) fn admit<'r, 'a>(request: &'r Request<'a>) -> Result<&'r Question<'a>, Rcode> {
    if request.header.opcode != Opcode::QUERY {
        return Err(Rcode::NotImp);
    }
    if request.edns.is_some_and(|edns| edns.version != 0) {
        return Err(Rcode::BadVers);
    }
    let question = match &request.question {
        Some(question) if request.is_well_formed => question,
        _ => return Err(Rcode::FormErr),
    };
    match question.qtype {
        // These exist only as parts of other messages (BIND does the same; NXNAME: RFC 9824).
        rtype::OPT | rtype::TSIG | rtype::NXNAME => Err(Rcode::FormErr),
        // These ask for work that is not done here.
        rtype::TKEY | rtype::MAILA | rtype::MAILB => Err(Rcode::NotImp),
        rtype::AXFR | rtype::IXFR => Err(Rcode::Refused),
        // Class ANY, too: all zones here are of class IN, and nobody asks so except to probe.
        _ if question.class != class::IN => Err(Rcode::Refused),
        _ => Ok(question),
    }
}
