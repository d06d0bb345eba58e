//! Something to serve, and questions to it, for the tests of transports.

use std::sync::Arc;

use super::limit::Limiter;
use super::serving::{Current, Serving};
use crate::config::RateLimit;
use crate::health::View;
use crate::metrics::{AnswerCounters, AnswerTimes, ResolverWatch, TransferMetrics};
use crate::snapshot::{Snapshot, fixture};
use crate::transfer::Transfers;
use crate::wire::{CookieSecret, CookieSecrets};

/// A query for `www.example.com.` A, which has one address.
pub const QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

/// The reply to [`QUERY`]: authoritative, with 192.0.2.7 for an hour.
pub const REPLY: &[u8] =
    b"\x12\x34\x84\0\0\x01\0\x01\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\xc0\0\x02\x07";

const REGIONS: &str = "regions:\n  tokyo:\n    location: { latitude: 35, longitude: 139 }\n    jurisdiction: JP\n    \
                       zones: { a: { addresses: [192.0.2.1] } }\n    canaries: []\n";

const ZONE: &str = "zone: example.com\nttl: 1h\nnameservers: [ns1.example.net]\nnames:\n  \
                    '@': { steer: { regions: [tokyo], order: listed } }\n  www: { A: [192.0.2.7] }\n  \
                    big: { TXT: [";

/// Returns a snapshot in which `www.example.com.` has one address, and `big.example.com.` text of about 30 000 octets.
pub fn current() -> Arc<Current> {
    Arc::new(Current::from_pointee(serving(None)))
}

/// Returns the same with limits of replies, and with a secret of DNS cookies.
pub fn serving(limits: Option<&RateLimit>) -> Serving {
    let texts: Vec<String> = (0..120).map(|number| format!("'{number:0>240}'")).collect();
    let mut base = fixture::base(REGIONS, &format!("{ZONE}{}] }}\n", texts.join(", ")));
    base.cookies = Some(CookieSecrets { active: CookieSecret([1; 16]), staged: None, retired: None });
    let config = Arc::clone(&base.config);
    let snapshot = Arc::new(Snapshot::compile(Arc::new(base), View::all_up(&config.regions), 1));
    let answers = Arc::new(AnswerCounters::new(&config, 1));
    Serving {
        transfers: Arc::new(Transfers::none(&snapshot.base)),
        transfer_metrics: TransferMetrics::default(),
        snapshot,
        answers,
        times: AnswerTimes::default(),
        watch: ResolverWatch::default(),
        limiter: Limiter::new(limits, [0; 16]),
    }
}
