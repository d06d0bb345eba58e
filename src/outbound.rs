//! Requests to other servers that are no probes, events to webhooks and streams from peers: how the other end is
//! reached, why it could not be, and how long to wait before the next attempt.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, retry};

use crate::probe::Trust;

/// What a request says of its sender.
const USER_AGENT: &str = concat!("meridian/", env!("CARGO_PKG_VERSION"));

/// Returns a client for requests to one URL, whose limits of time are left to the caller. It follows no redirect, asks no
/// proxy, repeats nothing and keeps no connection; names are looked up as those of canaries are.
pub fn client(url: &str, trust: &Trust) -> ClientBuilder {
    let tls = if url.starts_with("https:") { trust.encrypted(None) } else { Trust::plain() };
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        // Requests are rare: a connection that was kept is closed at the other end by then.
        .pool_max_idle_per_host(0)
        .user_agent(USER_AGENT);
    match trust.names() {
        Ok(names) => client.dns_resolver(names),
        Err(error) => {
            tracing::warn!("the system's name servers are not known: {error}");
            client
        }
    }
}

/// Returns why a request failed, without the URL, which may be a secret.
pub fn failure(error: reqwest::Error) -> String {
    let error = error.without_url();
    // The last cause says most: `Connection refused`, and not that a request could not be sent.
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// How long to wait before an attempt is repeated.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// Returns how long to wait after this many failures in a row, one at least: twice as long each time, less up
    /// to a half by chance (`luck`, 0 to 1), so that instances that failed together do not come back together.
    pub fn wait(self, failures: u32, luck: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let wait = self.first.saturating_mul(1 << doublings).min(self.longest);
        wait.mul_f64(1.0 - luck.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_the_first_to_the_longest_and_chance_takes_at_most_half() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        let longest: Vec<u64> = (1..=8).map(|failures| backoff.wait(failures, 0.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60]);
        let shortest: Vec<u128> = (1..=3).map(|failures| backoff.wait(failures, 1.0).as_millis()).collect();
        assert_eq!(shortest, [500, 1000, 2000]);
        assert_eq!(backoff.wait(u32::MAX, 0.0), backoff.longest);
    }
}
