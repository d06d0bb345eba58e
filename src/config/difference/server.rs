//! The keys of `server.yaml` that differ.

use super::setting::{ChangeKind, SettingChange, SubjectDifference};
use crate::config::Server;

/// Returns the keys that differ; `None`: none does.
pub(super) fn difference(before: &Server, after: &Server) -> Option<SubjectDifference> {
    let Server {
        name,
        tsig_keys,
        listen,
        identity,
        cookies,
        rate_limit,
        admin,
        access,
        geo,
        state,
        start,
        backup,
        user,
        references,
        resolvers,
        peers,
        webhooks,
        log,
    } = after;
    let differs = [
        ("name", *name != before.name),
        ("tsig_keys", *tsig_keys != before.tsig_keys),
        ("listen", *listen != before.listen),
        ("identity", *identity != before.identity),
        ("cookies", *cookies != before.cookies),
        ("rate_limit", *rate_limit != before.rate_limit),
        ("admin", *admin != before.admin),
        ("access", *access != before.access),
        ("geo.database", geo.database != before.geo.database),
        ("geo.asn", geo.asn != before.geo.asn),
        ("geo.networks", geo.networks != before.geo.networks),
        ("state", *state != before.state),
        ("start", *start != before.start),
        ("backup", *backup != before.backup),
        ("user", *user != before.user),
        ("references", *references != before.references),
        ("resolvers", *resolvers != before.resolvers),
        ("peers", *peers != before.peers),
        ("webhooks", *webhooks != before.webhooks),
        ("log", *log != before.log),
    ];
    let changed = differs.into_iter().filter(|(_, differs)| *differs);
    let settings =
        changed.map(|(key, _)| SettingChange { setting: key.to_owned(), before: None, after: None });
    let settings: Vec<_> = settings.collect();
    let subject = "server.yaml".to_owned();
    (!settings.is_empty()).then_some(SubjectDifference { subject, change: ChangeKind::Changed, settings })
}
