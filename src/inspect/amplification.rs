//! How much longer replies can be than the queries that ask for them: what a forged sender makes of this server.

use crate::config::Config;
use crate::engine::{self, Arrival, Disposition, Transport};
use crate::moment::Moment;
use crate::snapshot::Snapshot;
use crate::wire::{UDP_PAYLOAD, rtype};
use crate::zone::{Name, Node};

/// An OPT record without options, of a sender that takes the longest replies.
const OPT: [u8; 11] = {
    let [high, low] = UDP_PAYLOAD.to_be_bytes();
    [0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]
};

/// A query, and how long its reply over UDP is.
#[derive(Clone, Debug, PartialEq)]
pub struct Amplification {
    pub name: Name,
    pub rtype: hickory_proto::rr::RecordType,
    /// Whether the query has an OPT record: without one it is shorter, and its reply has 512 octets at most.
    pub has_edns: bool,
    /// In octets.
    pub query: usize,
    /// In octets.
    pub reply: usize,
}

impl Amplification {
    /// Returns how many octets are sent for each that comes.
    pub fn factor(&self) -> f64 {
        self.reply as f64 / self.query as f64
    }
}

/// Returns the names that amplify most, at most so many, each with its worst type; the worst name comes first.
pub fn amplification(snapshot: &Snapshot, most: usize) -> Vec<Amplification> {
    let mut worst = Vec::new();
    for (name, node) in names(&snapshot.base.config) {
        let types = types(node);
        let found = types.flat_map(|rtype| [true, false].map(|edns| of_query(snapshot, name, rtype, edns)));
        worst.extend(found.max_by(|one, other| one.factor().total_cmp(&other.factor())));
        worst.sort_by(|one: &Amplification, other| other.factor().total_cmp(&one.factor()));
        worst.truncate(most);
    }
    worst
}

fn names(config: &Config) -> impl Iterator<Item = (&Name, &Node)> {
    config.zones.iter().flat_map(|zone| &zone.nodes)
}

/// Returns the types that a name has records of, and those that lead to a referral or to a steered answer.
fn types(node: &Node) -> impl Iterator<Item = u16> {
    let own = node.rrsets.iter().map(|rrset| u16::from(rrset.rtype));
    own.chain([rtype::A, rtype::AAAA, rtype::HTTPS])
}

fn of_query(snapshot: &Snapshot, name: &Name, rtype: u16, has_edns: bool) -> Amplification {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, has_edns.into()];
    for label in name {
        query.push(u8::try_from(label.len()).expect("a label has 63 octets at most"));
        query.extend(label);
    }
    query.push(0);
    query.extend([rtype.to_be_bytes(), [0, 1]].concat());
    if has_edns {
        query.extend(OPT);
    }
    let arrival = Arrival {
        client: std::net::Ipv4Addr::UNSPECIFIED.into(),
        transport: Transport::Udp,
        at: Moment::default(),
    };
    let mut buffer = [0; UDP_PAYLOAD as usize];
    let reply = match engine::answer(snapshot, &query, arrival, &mut buffer) {
        Disposition::Reply { length, .. } => length,
        Disposition::Silence | Disposition::Transaction => 0,
    };
    Amplification { name: name.clone(), rtype: rtype.into(), has_edns, query: query.len(), reply }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::health::View;
    use crate::snapshot::fixture;

    #[test]
    fn the_worst_names_are_found_with_their_worst_types() {
        let regions = "regions: { tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, canaries: [], \
                       zones: { a: { addresses: [192.0.2.1] } } } }\n";
        let texts = |count: usize, octets: usize| {
            let texts = (0..count).map(|number| format!("'{number}{}'", "x".repeat(octets - 1)));
            texts.collect::<Vec<_>>().join(", ")
        };
        let zone = format!(
            "zone: example.com\nttl: 1h\nnameservers: [ns1.example.net]\nnames:\n  '@': {{ steer: {{ regions: [tokyo], \
             order: listed }} }}\n  big: {{ TXT: [{}], A: [192.0.2.7] }}\n  less: {{ TXT: [{}] }}\n  huge: {{ TXT: [{}] }}\n",
            texts(3, 250),
            texts(1, 200),
            texts(9, 250),
        );
        let base = Arc::new(fixture::base(regions, &zone));
        let up = View::all_up(&base.config.regions);
        let found = amplification(&Snapshot::compile(base, up, 1), 2);
        let told: Vec<_> = found
            .iter()
            .map(|one| format!("{} {} {} {} {}", one.name, one.rtype, one.has_edns, one.query, one.reply))
            .collect();
        // What does not fit is truncated, and as long as its query. Where both fit, a query without EDNS is the shorter one.
        assert_eq!(told, ["big.example.com. TXT true 44 833", "less.example.com. TXT false 34 247"]);
        assert!((found[0].factor() - 18.9).abs() < 0.1);
    }
}
