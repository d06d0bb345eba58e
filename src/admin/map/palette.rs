//! The colours of regions and phases, chosen so that people who see few colours tell them apart.

use crate::health::{LIMITED, Phase, WITHDRAWN};
use crate::region::RegionId;

/// The fills of countries by region. They were searched for the largest difference of any two to every kind of sight,
/// and of each to the fill of countries without clients; a test measures it.
const REGIONS: [&str; 9] =
    ["#47c5ff", "#efc745", "#9e82e6", "#a43e43", "#47b378", "#a87808", "#5f8290", "#764dab", "#f58cc0"];

/// The fill of a country that has no clients, and the ground of one whose clients are answered without a region.
pub const NO_CLIENTS: &str = "#d5dae0";

/// The lines over countries whose clients fail open, or get no region.
pub const HATCH: &str = "#1b2733";

/// Returns the colour of the countries whose clients go to a region. Beyond the ninth region colours come again, with
/// dots ([`texture`]).
pub fn of_region(region: RegionId) -> &'static str {
    REGIONS[usize::from(region.0) % REGIONS.len()]
}

/// Returns how dense the dots are over a region's colour, by which it differs from those of the same colour before it;
/// 0: it has none.
pub fn texture(region: RegionId) -> u8 {
    (usize::from(region.0) / REGIONS.len()).try_into().expect("there are few regions")
}

/// How a mark looks: never by colour alone.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The phase, as `/status` has it, or one of the words below.
    pub word: &'static str,
    /// Its fill.
    pub colour: &'static str,
    /// Its shape, around the origin.
    pub path: &'static str,
}

/// The word for a region that serves, and that its clients' requests keep a share of them from.
pub const DEGRADED: &str = "degraded";

/// The word for a region that serves, and that this instance cannot see, in whole or in part.
pub const BLIND: &str = "blind";

/// Returns every look, that of the best phase first.
pub fn looks() -> impl Iterator<Item = Look> {
    Phase::ALL.into_iter().map(of_phase).chain([
        // A disc without a sector: it serves, and a part of it does not.
        Look { word: LIMITED, colour: "#009e73", path: "M0 0V-12A12 12 0 1 0 12 0z" },
        // Half a disc: half of its clients.
        Look {
            word: DEGRADED,
            colour: "#e69f00",
            path: "M0-13A13 13 0 0 0 0 13zM3-13v26A13 13 0 0 0 3-13zM6-9a10 10 0 0 1 0 18z",
        },
        // A ring that is crossed out: not seen.
        Look {
            word: BLIND,
            colour: "#7d8894",
            path: "M0-13a13 13 0 1 0 .01 0zM-4.5 7.5 7.5-4.5A9 9 0 0 1-4.5 7.5zM-7.5 4.5A9 9 0 0 1 4.5-7.5z",
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of linear red, green and blue to the three kinds of people who lack one kind of cone (Machado,
    /// Oliveira and Fernandes 2009, severity 1), and to all others.
    const SIGHTS: [[[f64; 3]; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    /// Returns a colour in Oklab (Ottosson 2020), where equal distances look equally large.
    fn seen(colour: &str, sight: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = [1, 3, 5].map(|at| {
            let part = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour")) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        let mix = |rows: &[[f64; 3]; 3], of: [f64; 3]| {
            rows.map(|row| (0..3).map(|at| row[at] * of[at]).sum::<f64>())
        };
        let rgb = mix(sight, linear).map(|part| part.clamp(0.0, 1.0));
        let cones = mix(
            &[
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ],
            rgb,
        );
        mix(
            &[
                [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
                [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
                [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
            ],
            cones.map(f64::cbrt),
        )
    }

    #[test]
    fn no_two_fills_are_nearly_equal_to_any_kind_of_sight() {
        let fills: Vec<_> = REGIONS.into_iter().chain([NO_CLIENTS]).collect();
        for (kind, sight) in SIGHTS.iter().enumerate() {
            // 0.02 is a difference that can just be seen side by side; the scheme before had 0.036.
            let least = if kind == 0 { 0.16 } else { 0.10 };
            for (index, one) in fills.iter().enumerate() {
                for other in &fills[..index] {
                    let [one_seen, other_seen] = [one, other].map(|fill| seen(fill, sight));
                    let distance =
                        (0..3).map(|at| (one_seen[at] - other_seen[at]).powi(2)).sum::<f64>().sqrt();
                    assert!(distance >= least, "{one} and {other} are {distance:.3} apart to sight {kind}");
                }
            }
        }
    }

    #[test]
    fn regions_of_one_colour_differ_by_their_dots() {
        assert_eq!(of_region(RegionId(0)), of_region(RegionId(9)));
        assert_eq!([0, 8, 9, 17, 18].map(|number| texture(RegionId(number))), [0, 0, 1, 1, 2]);
    }
}
