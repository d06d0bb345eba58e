//! The colours of regions and phases, chosen so that people who see few colours tell them apart.

use crate::region::RegionId;

/// The fills of countries by region: Paul Tol's "light" scheme without its grey, a purple of his "discrete
/// rainbow", then his "muted" scheme (Colour Schemes, SRON technical note, 2021), each made for areas and for
/// every kind of sight.
const REGIONS: [&str; 17] = [
    "#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#99ddff", "#44bb99", "#bbcc33", "#aaaa00", "#caaccb",
    "#ddcc77", "#117733", "#cc6677", "#88ccee", "#44aa99", "#999933", "#882255", "#332288",
];

/// The fill of a country whose clients go nowhere, or of which nobody knows any.
pub const NOBODY: &str = "#d5dae0";

/// Returns the colour of the countries whose clients go to a region. Beyond the seventeenth region colours
/// come again; neighbours in the list still differ.
pub fn of_region(region: RegionId) -> &'static str {
    REGIONS[usize::from(region.0) % REGIONS.len()]
}

/// The look of a region that operators keep everybody away from.
pub const WITHDRAWN: &str = "withdrawn";

/// How a phase looks: never by colour alone.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The phase, as `/status` has it, or [`WITHDRAWN`].
    pub phase: &'static str,
    /// Its colour, by Okabe and Ito (2008).
    pub colour: &'static str,
    /// Its shape, around the origin.
    pub path: &'static str,
}

/// How every phase looks: whole where a region serves, pointed where it is in doubt, crossed where it is out.
pub const LOOKS: [Look; 9] = [
    Look { phase: "healthy", colour: "#009e73", path: "M0-11a11 11 0 1 0 .01 0z" },
    Look { phase: "unknown", colour: "#7d8894", path: "M0-11a11 11 0 1 0 .01 0zM0-5a5 5 0 1 1-.01 0z" },
    Look { phase: "suspect", colour: "#e69f00", path: "M0-14 14 11-14 11z" },
    Look { phase: "ramp", colour: "#56b4e9", path: "M0-14 14 0 0 14-14 0z" },
    Look { phase: "recovering", colour: "#0072b2", path: "M0-14 14 0 0 14-14 0zM0-6-6 0 0 6 6 0z" },
    Look { phase: "held", colour: "#cc79a7", path: "M-10-12h7v24h-7zM3-12h7v24H3z" },
    Look { phase: "quarantined", colour: "#a0527f", path: "M-12-12h24v24h-24zM-6-6v12H6V-6z" },
    // The sign that forbids to enter: well, and nobody goes there.
    Look { phase: WITHDRAWN, colour: "#4b5c9e", path: "M0-14a14 14 0 1 0 .01 0zM-9-3H9V3H-9z" },
    Look {
        phase: "down",
        colour: "#d55e00",
        path: "M-13-7-7-13 0-6 7-13 13-7 6 0 13 7 7 13 0 6-7 13-13 7-6 0z",
    },
];
