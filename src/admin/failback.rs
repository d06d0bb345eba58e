//! `POST /failback/REGION`: an operator lets a region back that is held or quarantined.
//!
//! There is no access control yet, so it is taken from this machine only, and only with a header that says
//! who asks: no web page can make a browser send that unasked, because a header of one's own needs a
//! preflight (Fetch, section 3.2), which is not answered here. A page whose own name was turned to this
//! machine needs none, so the request must not be addressed to a name either.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, StatusCode, header};
use tokio::sync::mpsc::error::TrySendError;

use super::{Order, State};
use crate::config::suggest;
use crate::control::RegionReport;
use crate::health::Phase;
use crate::region::Family;

/// The header that says who asks.
pub const AUTHOR: &str = "meridian-author";

/// The longest name of an author, in octets: it goes into a line of the log.
const MAX_AUTHOR: usize = 100;

/// What is answered: a status, and a sentence.
pub(super) type Answer = (StatusCode, String);

/// Hands the order on to the writer, or says why not.
pub(super) fn order(state: &State, region: &str, peer: SocketAddr, headers: &HeaderMap) -> Answer {
    match permitted(peer, headers).and_then(|author| find(state, region).map(|()| author)) {
        Ok(author) => hand_on(state, Order { region: region.to_owned(), author }),
        Err(refusal) => refusal,
    }
}

fn hand_on(state: &State, order: Order) -> Answer {
    let region = order.region.clone();
    match state.sources.orders.try_send(order) {
        Ok(()) => {
            (StatusCode::ACCEPTED, format!("{region} is let back: it takes its clients share by share\n"))
        }
        Err(TrySendError::Full(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "too many orders wait, so try again\n".to_owned())
        }
        Err(TrySendError::Closed(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n".to_owned())
        }
    }
}

/// Returns who asks, if they may.
fn permitted(peer: SocketAddr, headers: &HeaderMap) -> Result<String, Answer> {
    let refuse = |sentence: &str| Err((StatusCode::FORBIDDEN, format!("{sentence}\n")));
    if !peer.ip().to_canonical().is_loopback() {
        return refuse("regions are let back from this machine only, so ask there");
    }
    if !headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_plain) {
        return refuse("regions are let back at an IP address or `localhost` only, so address it so");
    }
    let author = headers.get(AUTHOR).and_then(|author| std::str::from_utf8(author.as_bytes()).ok());
    let author = author.map(str::trim).filter(|author| {
        !author.is_empty() && author.len() <= MAX_AUTHOR && !author.chars().any(char::is_control)
    });
    author.map(str::to_owned).ok_or_else(|| {
        let sentence = format!(
            "say who asks, in at most {MAX_AUTHOR} octets, with the header `Meridian-Author: NAME`\n"
        );
        (StatusCode::BAD_REQUEST, sentence)
    })
}

/// Returns whether a `Host` is an IP address or `localhost`, with or without a port.
fn is_plain(host: &str) -> bool {
    let name = match host.parse::<SocketAddr>() {
        Ok(_) => return true,
        Err(_) => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let is_ip = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    name.eq_ignore_ascii_case("localhost") || is_ip(name) || is_ip(host)
}

/// Finds the region, and whether there is anything to let back.
fn find(state: &State, name: &str) -> Result<(), Answer> {
    let seen = state.seen.load();
    let regions = &seen.report.regions;
    let Some(region) = regions.iter().find(|region| region.name == name) else {
        let nearest = suggest::nearest(name, regions.iter().map(|region| region.name.as_str()));
        let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        return Err((StatusCode::NOT_FOUND, format!("no region is called `{name}`{hint}\n")));
    };
    let of_zones = region.zones.iter().flat_map(|zone| &zone.courses);
    let mut phases = region.courses.iter().chain(of_zones).map(|course| course.phase);
    if phases.any(|phase| matches!(phase, Phase::Held(_) | Phase::Quarantined { .. })) {
        return Ok(());
    }
    let sentence = format!("{name} is neither held nor quarantined: it is {}\n", phases_of(region));
    Err((StatusCode::CONFLICT, sentence))
}

/// Says where a region is on its course: `healthy`, or `down in IPv4 and healthy in IPv6`.
fn phases_of(region: &RegionReport) -> String {
    let of = |family: Family| region.courses[family as usize].phase.as_str();
    let [(_, v4), (_, v6)] = region.families;
    match (v4.count(), v6.count()) {
        (Some(_), Some(_)) if of(Family::V4) != of(Family::V6) => {
            format!("{} in IPv4 and {} in IPv6", of(Family::V4), of(Family::V6))
        }
        (None, _) => of(Family::V6).to_owned(),
        (Some(_), _) => of(Family::V4).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_plain_when_no_name_server_was_asked_for_it() {
        for host in ["127.0.0.1", "127.0.0.1:8053", "[::1]:8053", "[::1]", "localhost", "LocalHost:8053"] {
            assert!(is_plain(host), "{host}");
        }
        for host in ["", "evil.example", "evil.example:8053", "127.0.0.1.evil.example", ":8053"] {
            assert!(!is_plain(host), "{host}");
        }
    }
}
