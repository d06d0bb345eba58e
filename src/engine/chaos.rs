//! What the server says of itself: TXT of class CHAOS (RFC 4892), as BIND began it.

use super::chase::ReplyMeta;
use crate::config::Identity;
use crate::wire::{Question, Rcode, ReplyWriter, rtype};

/// Answers a question of class CHAOS, or refuses it: there are no zones of this class.
pub(super) fn describe(
    identity: &Identity,
    question: &Question<'_>,
    writer: &mut ReplyWriter<'_>,
) -> ReplyMeta {
    let text = match question.name.as_bytes() {
        b"\x02id\x06server\0" | b"\x08hostname\x04bind\0" => identity.server_id.as_deref(),
        b"\x07version\x06server\0" | b"\x07version\x04bind\0" => identity.version.as_deref(),
        _ => None,
    };
    let text = text.filter(|_| matches!(question.qtype, rtype::TXT | rtype::ANY));
    let written = text.is_some_and(|text| writer.chaos(question.name.as_bytes(), text).is_ok());
    match written {
        true => ReplyMeta { is_authoritative: true, ..ReplyMeta::of(Rcode::NoError) },
        false => ReplyMeta::of(Rcode::Refused),
    }
}
