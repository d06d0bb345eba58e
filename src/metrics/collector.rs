//! Writes the summed answer counters in the form that prometheus-client asks for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use super::answers::AllAnswers;
use super::unread::UnreadDatagrams;

/// Sums the counters whenever metrics are read.
#[derive(Debug)]
pub struct AnswerCollector {
    pub answers: Arc<AllAnswers>,
    pub unread: UnreadDatagrams,
}

impl Collector for AnswerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = self.answers.totals();
        let queries = totals.queries.iter().map(|((zone, rtype, rcode, transport), count)| {
            let labels =
                [("zone", zone.as_str()), ("type", rtype), ("rcode", rcode), ("transport", transport)];
            (labels, *count)
        });
        counters(&mut encoder, "queries", "Queries answered", queries)?;
        let regions = totals.regions.iter().map(|(region, count)| ([("region", region.as_str())], *count));
        counters(&mut encoder, "region_answers", "Answers with the addresses of a region", regions)?;
        let truncated =
            totals.truncated.iter().map(|(transport, count)| ([("transport", *transport)], *count));
        counters(&mut encoder, "truncated_answers", "Answers with TC set by the engine", truncated)?;
        let subnets = std::iter::once(([], totals.with_client_subnet));
        counters::<0>(&mut encoder, "client_subnet_queries", "Queries with a client subnet (ECS)", subnets)?;
        let cookies = totals.cookies.iter().map(|(status, count)| ([("cookie", *status)], *count));
        let help = "Queries with a DNS cookie: new (none of a server yet), valid, bad (old, foreign, forged)";
        counters(&mut encoder, "cookie_queries", help, cookies)?;
        let limited = totals.limited.iter();
        let limited = limited.map(|((limit, sent), count)| ([("limit", *limit), ("sent", *sent)], *count));
        let help =
            "Replies over a rate limit, by the limit and by what was sent: nothing, truncated, bad_cookie";
        counters(&mut encoder, "limited_replies", help, limited)?;
        let evicted = std::iter::once(([], totals.evicted));
        let help = "Accounts of the rate limits that lost their place while they were not empty";
        counters::<0>(&mut encoder, "rate_limit_evictions", help, evicted)?;
        let dropped = [("malformed", totals.silent), ("unread", self.unread.total())];
        let dropped = dropped.into_iter().map(|(reason, count)| ([("reason", reason)], count));
        let help = "Requests left without an answer: malformed, or unread (dropped by the kernel: the receive buffer was full, or they were responses)";
        counters(&mut encoder, "dropped_queries", help, dropped)
    }
}

fn counters<'l, const LABELS: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: impl Iterator<Item = ([(&'l str, &'l str); LABELS], u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in counts {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
