//! The colours of regions and phases, chosen so that people who see few colours tell them apart.

use crate::health::{LIMITED, Phase, WITHDRAWN};
use crate::region::RegionId;

/// The fills of countries by region: Paul Tol's "light" scheme without its grey, a purple of his "discrete
/// rainbow", then his "muted" scheme (Colour Schemes, SRON technical note, 2021), each made for areas and for
/// every kind of sight.
const REGIONS: [&str; 17] = [
    "#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#99ddff", "#44bb99", "#bbcc33", "#aaaa00", "#caaccb",
    "#ddcc77", "#117733", "#cc6677", "#88ccee", "#44aa99", "#999933", "#882255", "#332288",
];

/// The fill of a country whose clients go nowhere, or has none.
pub const NO_CLIENTS: &str = "#d5dae0";

/// Returns the colour of the countries whose clients go to a region. Beyond the seventeenth region colours
/// come again; neighbours in the list still differ.
pub fn of_region(region: RegionId) -> &'static str {
    REGIONS[usize::from(region.0) % REGIONS.len()]
}

/// How a mark looks: never by colour alone.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The phase, as `/status` has it, [`LIMITED`] or [`WITHDRAWN`].
    pub word: &'static str,
    /// Its colour, by Okabe and Ito (2008).
    pub colour: &'static str,
    /// Its shape, around the origin.
    pub path: &'static str,
}

/// Returns every look, that of the best phase first.
pub fn looks() -> impl Iterator<Item = Look> {
    Phase::ALL.into_iter().map(of_phase).chain([
        // A disc without a sector: it serves, and a part of it does not.
        Look { word: LIMITED, colour: "#009e73", path: "M0 0V-12A12 12 0 1 0 12 0z" },
        // The sign that forbids to enter: well, and without clients.
        Look { word: WITHDRAWN, colour: "#4b5c9e", path: "M0-14a14 14 0 1 0 .01 0zM-9-3H9V3H-9z" },
    ])
}

/// Returns how a phase looks: whole where a region serves, pointed where it is in doubt, crossed where it is out.
fn of_phase(phase: Phase) -> Look {
    let (colour, path) = match phase {
        Phase::Healthy => ("#009e73", "M0-11a11 11 0 1 0 .01 0z"),
        Phase::Unknown => ("#7d8894", "M0-11a11 11 0 1 0 .01 0zM0-5a5 5 0 1 1-.01 0z"),
        Phase::Suspect => ("#e69f00", "M0-14 14 11-14 11z"),
        Phase::Ramp => ("#56b4e9", "M0-14 14 0 0 14-14 0z"),
        Phase::Held => ("#cc79a7", "M-10-12h7v24h-7zM3-12h7v24H3z"),
        Phase::Recovering => ("#0072b2", "M0-14 14 0 0 14-14 0zM0-6-6 0 0 6 6 0z"),
        Phase::Quarantined => ("#a0527f", "M-12-12h24v24h-24zM-6-6v12H6V-6z"),
        Phase::Down => ("#d55e00", "M-13-7-7-13 0-6 7-13 13-7 6 0 13 7 7 13 0 6-7 13-13 7-6 0z"),
    };
    Look { word: phase.as_str(), colour, path }
}
