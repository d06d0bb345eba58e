//! Breaks and heals the services, on request of `demo break` and `demo heal` in another terminal.
//!
//! The requests come over a small HTTP API of the demo's own, on loopback: `POST /break` and `POST
//! /heal`. The server hears nothing of it and has to find out by its canaries.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::screen::{Actor, Screen};
use super::service::{DemoService, FailureMode};
use super::world::zones;
use crate::region::Target;

/// All services, and the screen that shows what becomes of them.
#[derive(Debug)]
pub struct Switchboard {
    services: Mutex<Vec<DemoService>>,
    screen: Screen,
}

/// The body of a request.
#[derive(Debug, Serialize, Deserialize)]
struct DemoRequest {
    /// A region, or one availability zone of it: `tokyo/tokyo-a`.
    target: Target,
    /// The way to fail, by default `refuse`. `/heal` ignores it.
    how: Option<FailureMode>,
}

/// The status, and lines to print.
type DemoReply = (StatusCode, String);

impl Switchboard {
    /// Takes charge of the services.
    pub fn new(services: Vec<DemoService>, screen: Screen) -> Self {
        let services = Mutex::new(services);
        Self { services, screen }
    }

    /// Returns the HTTP API.
    pub fn router(self) -> Router {
        let break_ = |State(board): State<Arc<Self>>, Json(body): Json<DemoRequest>| async move {
            let how = body.how.unwrap_or(FailureMode::Refuse);
            board.set(&body.target, Some(how)).await
        };
        let heal = |State(board): State<Arc<Self>>, Json(body): Json<DemoRequest>| async move {
            board.set(&body.target, None).await
        };
        Router::new().route("/break", post(break_)).route("/heal", post(heal)).with_state(Arc::new(self))
    }

    /// Breaks or heals every service of a target, and returns a line for each.
    async fn set(&self, target: &Target, fault: Option<FailureMode>) -> DemoReply {
        let zones = match zones(target) {
            Ok(zones) => zones,
            Err(error) => return (StatusCode::NOT_FOUND, error.to_string()),
        };
        let mut services = self.services.lock().await;
        let mut lines = String::new();
        for service in services.iter_mut().filter(|service| zones.contains(&service.zone)) {
            match self.set_one(service, fault).await {
                Ok(line) => lines.extend([&line, "\n"]),
                Err(sentence) => return (StatusCode::INTERNAL_SERVER_ERROR, sentence),
            }
        }
        (StatusCode::OK, lines)
    }

    async fn set_one(&self, service: &mut DemoService, fault: Option<FailureMode>) -> Result<String, String> {
        let (zone, address) = (service.zone, service.address);
        let before = service
            .set(fault)
            .await
            .map_err(|error| format!("{zone} stays broken: it cannot listen on {address} again: {error}"))?;
        let line = format!("{zone} {}", change(before, fault));
        if before != fault {
            self.screen.event(Actor::You, &line);
        }
        Ok(line)
    }
}

/// Returns what a request changed, or that it changed nothing.
fn change(before: Option<FailureMode>, after: Option<FailureMode>) -> String {
    match (before, after) {
        (None, None) => "is healthy already".to_owned(),
        (Some(fault), None) => format!("is healed; it {} no more", fault.does()),
        (Some(old), Some(new)) if old == new => format!("already {}", new.does()),
        (None | Some(_), Some(new)) => format!("now {}", new.does()),
    }
}

/// Why a running demo breaks or heals nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no demo answers on {0}; start one with `meridian demo`, or name its --control address")]
    NotRunning(SocketAddr, #[source] reqwest::Error),
    /// The demo refuses, with this reason.
    #[error("{0}")]
    Refused(String),
}

/// Asks the demo behind `control` to break a target, or to heal it when there is no failure. Returns the lines to
/// print.
///
/// # Errors
///
/// When no demo answers, or it cannot do so.
pub async fn ask(control: SocketAddr, target: Target, fault: Option<FailureMode>) -> Result<String, Error> {
    let not_running = |error| Error::NotRunning(control, error);
    let verb = if fault.is_some() { "break" } else { "heal" };
    let body = DemoRequest { target, how: fault };
    let response = send(control, verb, &body).await.map_err(not_running)?;
    let is_done = response.status().is_success();
    let text = response.text().await.map_err(not_running)?;
    if is_done { Ok(text) } else { Err(Error::Refused(text)) }
}

async fn send(control: SocketAddr, verb: &str, body: &DemoRequest) -> reqwest::Result<reqwest::Response> {
    // A client wants a TLS provider even for plain HTTP; that there is one already is fine.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("http://{control}/{verb}"));
    request.json(body).send().await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::super::clients::DemoTraffic;
    use super::super::world::{DemoRegion, REGIONS};
    use super::*;

    /// Starts every service on free ports, and the API in front of them.
    async fn start() -> SocketAddr {
        let mut services = Vec::new();
        for zone in REGIONS.iter().flat_map(DemoRegion::zones) {
            let listener = TcpListener::bind((zone.ipv4(), 0)).await.expect("a free port");
            let traffic = watch::Sender::new(DemoTraffic::default()).subscribe();
            services.push(DemoService::start(zone, listener, traffic).expect("a bound listener"));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let router = Switchboard::new(services, Screen::plain()).router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    async fn check(control: SocketAddr, place: &str, fault: Option<FailureMode>, lines: &str) {
        let place = place.parse().expect("a place of the world");
        let answer = ask(control, place, fault).await.expect("the demo answers");
        assert_eq!(answer, lines);
    }

    #[tokio::test]
    async fn a_region_breaks_with_all_its_zones_and_a_zone_heals_alone() {
        let control = start().await;
        check(
            control,
            "paris",
            Some(FailureMode::Status),
            "paris/paris-a now answers with status 503\nparis/paris-b now answers with status 503\n",
        )
        .await;
        check(
            control,
            "paris/paris-b",
            None,
            "paris/paris-b is healed; it answers with status 503 no more\n",
        )
        .await;
    }

    #[tokio::test]
    async fn breaking_what_is_broken_and_healing_what_is_healthy_say_so() {
        let control = start().await;
        let refuse = Some(FailureMode::Refuse);
        let place = "tokyo/tokyo-a";
        check(control, place, None, "tokyo/tokyo-a is healthy already\n").await;
        check(control, place, refuse, "tokyo/tokyo-a now refuses connections\n").await;
        check(control, place, refuse, "tokyo/tokyo-a already refuses connections\n").await;
    }

    #[tokio::test]
    async fn a_target_that_does_not_exist_is_refused_by_the_demo_too() {
        let control = start().await;
        let body = DemoRequest { target: Target::of_region("tokio"), how: None };
        let response = send(control, "heal", &body).await.expect("the demo answers");
        assert_eq!(response.status(), 404);
        let text = response.text().await.expect("a text");
        assert!(text.contains("did you mean `tokyo`?"), "{text}");
    }

    #[tokio::test]
    async fn without_a_demo_the_error_says_how_to_start_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let nobody = listener.local_addr().expect("a bound listener");
        drop(listener);
        let error = ask(nobody, "tokyo".parse().expect("a target"), None).await;
        let error = error.expect_err("nobody listens").to_string();
        assert!(error.contains("start one with `meridian demo`"), "{error}");
    }
}
