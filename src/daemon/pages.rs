//! Connects the admin pages with what they show, and serves them.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::chain;
use super::clock::SystemClock;
use super::events::EventHistory;
use super::load::{self, LoadedDirectory};
use crate::admin::{self, OperatorOrder, Published, RollbackOrder};
use crate::canary::Sighting;
use crate::control::Control;
use crate::metrics::Metrics;
use crate::probe::Prober;
use crate::region::Target;
use crate::serve::Current;

/// Returns the state of the admin pages before the first event.
pub fn state(
    loaded: &LoadedDirectory,
    facts: admin::ConfigOrigin,
    clock: &SystemClock,
    metrics: &Arc<Metrics>,
    control: &Control,
    current: &Current,
    sources: admin::AdminSources,
) -> admin::AdminState {
    let snapshot = Arc::clone(&current.load().snapshot);
    let published = Published { snapshot, published_at: clock.boot(), report: control.report(clock.boot()) };
    let state = admin::AdminState::new(published, facts, Arc::clone(metrics), clock.boot(), sources);
    state.access.store(Arc::clone(&loaded.access));
    state
}

/// Returns the sources of what is looked up for a request.
pub fn sources(
    clock: SystemClock,
    prober: &Prober,
    current: &Arc<Current>,
    history: Arc<EventHistory>,
    orders: mpsc::Sender<OperatorOrder>,
    rollbacks: mpsc::Sender<RollbackOrder>,
) -> admin::AdminSources {
    let (latest, current) = (prober.latest(), Arc::clone(current));
    let (sees, tells) = (clock.clone(), clock.clone());
    let last = move |target: &Target, canary: &str| {
        let last = match target.address() {
            Some(address) => latest.last(address, canary),
            None => latest.last_of_region(target.region(), canary),
        }?;
        Some(Sighting { at: sees.told(last.at), ..last })
    };
    let locate = move |client| {
        let base = Arc::clone(&current.load().snapshot.base);
        let located = load::locate(&base.config.server.geo, client);
        located.inspect_err(|error| tracing::warn!("cannot locate a client: {}", chain(error))).ok()
    };
    let now = Box::new(move || clock.now());
    let told = Box::new(move |steady| tells.told(steady));
    let history = Box::new(move |at_most| history.latest(at_most));
    admin::AdminSources {
        now,
        told,
        last: Box::new(last),
        locate: Box::new(locate),
        history,
        orders,
        rollbacks,
    }
}

/// Serves the admin pages until `stop` turns true; without a listener, it returns at once.
pub async fn serve(
    listener: Option<admin::AdminListener>,
    state: Arc<admin::AdminState>,
    mut stop: watch::Receiver<bool>,
) {
    let Some(listener) = listener else { return };
    let scheme = if state.access.load().tls.is_some() { "https" } else { "http" };
    tracing::info!("admin pages on {scheme}://{}", listener.address);
    let stopped = async move { _ = stop.wait_for(|stop| *stop).await };
    if let Err(error) = admin::serve(listener, state, stopped).await {
        tracing::error!("the admin pages are gone, answers go on: {error}");
    }
}
