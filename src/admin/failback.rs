//! `POST /failback/REGION`: an operator lets a region back that is held or quarantined.
//!
//! Who asks, and whether they may, is decided by `access`.

use axum::http::StatusCode;
use tokio::sync::mpsc::error::TrySendError;

use super::{Order, State};
use crate::config::suggest;
use crate::control::RegionReport;
use crate::health::Phase;
use crate::region::Family;

/// What is answered: a status, and a sentence.
pub(super) type Answer = (StatusCode, String);

/// Hands the order on to the writer, or says why not.
pub(super) fn order(state: &State, region: &str, author: String) -> Answer {
    match find(state, region) {
        Ok(()) => hand_on(state, Order { region: region.to_owned(), author }),
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
