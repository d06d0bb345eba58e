//! Puts the names of regions beside their marks, so that no two lie on each other where that can be helped.

/// How large a letter is, about, in units of the map: labels are set in this size.
pub const SIZE: f64 = 22.0;

/// The width of a letter as a part of its size: that of wide bold sans-serif fonts.
const LETTER: f64 = 0.66;

/// How far a label stands from the middle of its mark.
const GAP: f64 = 18.0;

/// Where a label begins or ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// From the middle of the mark to the right.
    pub x: f64,
    /// From the middle of the mark down to the foot of the letters.
    pub y: f64,
    /// `start`, `middle` or `end`, as SVG has it.
    pub anchor: &'static str,
}

/// The places beside a mark that are tried, the best first: right, left, above, below, and the corners.
const PLACES: [Label; 8] = [
    Label { x: GAP, y: 8.0, anchor: "start" },
    Label { x: -GAP, y: 8.0, anchor: "end" },
    Label { x: 0.0, y: -GAP, anchor: "middle" },
    Label { x: 0.0, y: GAP + 16.0, anchor: "middle" },
    Label { x: 10.0, y: -GAP, anchor: "start" },
    Label { x: 10.0, y: GAP + 16.0, anchor: "start" },
    Label { x: -10.0, y: -GAP, anchor: "end" },
    Label { x: -10.0, y: GAP + 16.0, anchor: "end" },
];

/// How much farther away a label is put when there is no room beside its mark: the heights of some lines. A line leads to
/// it then.
const FARTHER: [f64; 5] = [0.0, 24.0, 48.0, 72.0, 96.0];

/// Below this distance from its mark a label needs no line to it.
const NEAR: f64 = 50.0;

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

impl Label {
    /// Returns whether a line has to lead to it.
    pub fn is_far(&self) -> bool {
        self.y.abs() > NEAR
    }

    /// Returns the area of a label of so many letters beside a mark.
    fn area(&self, x: f64, y: f64, letters: usize) -> Area {
        let width = letters as f64 * SIZE * LETTER;
        let left = x + self.x
            - match self.anchor {
                "start" => 0.0,
                "end" => width,
                _ => width / 2.0,
            };
        [left, y + self.y - SIZE * 0.8, left + width, y + self.y + SIZE * 0.2]
    }
}

/// Returns where to put the labels of marks at these places, with so many letters each, on a map of this width.
pub fn place(marks: &[(f64, f64, usize)], width: f64) -> Vec<Label> {
    // No label may lie on any mark, and none on those that were put before it.
    let mut taken: Vec<Area> =
        marks.iter().map(|(x, y, _)| [x - 14.0, y - 14.0, x + 14.0, y + 14.0]).collect();
    let mut labels = vec![PLACES[0]; marks.len()];
    // Those first that have the most neighbours: the others find a place anywhere.
    let mut order: Vec<usize> = (0..marks.len()).collect();
    order.sort_by_key(|own| std::cmp::Reverse(neighbours(marks, *own)));
    for own in order {
        let (x, y, letters) = marks[own];
        let cost = |label: &Label| {
            let area = label.area(x, y, letters);
            let others = taken.iter().enumerate().filter(|(number, _)| *number != own);
            let outside = (-area[0]).max(0.0) + (area[2] - width).max(0.0);
            others.map(|(_, other)| common(&area, other)).sum::<f64>() + outside * SIZE
        };
        let best = candidates().min_by(|one, other| cost(one).total_cmp(&cost(other)));
        let best = best.expect("there are places");
        taken.push(best.area(x, y, letters));
        labels[own] = best;
    }
    labels
}

/// Returns all places, the nearest first: the first of those that cost the same is taken.
fn candidates() -> impl Iterator<Item = Label> {
    FARTHER.into_iter().flat_map(|farther| {
        let is_near = farther == 0.0;
        let places = PLACES.into_iter().filter(move |place| is_near || place.y.abs() > GAP - 1.0);
        places.map(move |place| Label { y: place.y + farther * place.y.signum(), ..place })
    })
}

/// Returns how many marks are so near that their labels may meet.
fn neighbours(marks: &[(f64, f64, usize)], own: usize) -> usize {
    let (x, y, _) = marks[own];
    marks
        .iter()
        .filter(|(other_x, other_y, _)| (x - other_x).abs() < 200.0 && (y - other_y).abs() < 60.0)
        .count()
}

/// Returns how much of two areas is common.
fn common(one: &Area, other: &Area) -> f64 {
    let overlap = |from: usize, to: usize| (one[to].min(other[to]) - one[from].max(other[from])).max(0.0);
    overlap(0, 2) * overlap(1, 3)
}

#[cfg(test)]
mod tests {
    use super::super::projection::{WIDTH, project};
    use super::*;
    use crate::client::Coordinates;

    fn check(marks: &[(f64, f64, usize)], anchors: &str) {
        let found: Vec<_> = place(marks, WIDTH).iter().map(|label| label.anchor).collect();
        assert_eq!(found.join(" "), anchors);
    }

    #[test]
    fn a_label_stands_right_of_its_mark_unless_something_is_there() {
        check(&[(100.0, 100.0, 5)], "start");
        check(&[(100.0, 100.0, 5), (500.0, 100.0, 5)], "start start");
        // Osaka is left of Tokyo, and near.
        check(&[(1728.0, 275.0, 5), (1708.0, 281.0, 5)], "start end");
        check(&[(WIDTH - 40.0, 100.0, 8)], "end");
    }

    #[test]
    fn no_labels_of_a_cloud_provider_with_thirty_regions_lie_on_each_other() {
        // Where large providers have regions, with room for a load behind the name.
        let places = [
            ("virginia", 39.04, -77.49),
            ("ohio", 40.0, -83.0),
            ("oregon", 45.84, -119.7),
            ("california", 37.35, -121.96),
            ("montreal", 45.5, -73.57),
            ("toronto", 43.65, -79.38),
            ("mexico", 20.59, -100.39),
            ("saopaulo", -23.55, -46.63),
            ("santiago", -33.45, -70.67),
            ("dublin", 53.35, -6.26),
            ("london", 51.51, -0.13),
            ("paris", 48.86, 2.35),
            ("frankfurt", 50.11, 8.68),
            ("zurich", 47.37, 8.54),
            ("milan", 45.46, 9.19),
            ("stockholm", 59.33, 18.07),
            ("warsaw", 52.23, 21.01),
            ("madrid", 40.42, -3.7),
            ("telaviv", 32.08, 34.78),
            ("bahrain", 26.07, 50.56),
            ("dubai", 25.2, 55.27),
            ("capetown", -33.92, 18.42),
            ("mumbai", 19.08, 72.88),
            ("hyderabad", 17.38, 78.49),
            ("singapore", 1.35, 103.82),
            ("jakarta", -6.21, 106.85),
            ("hongkong", 22.32, 114.17),
            ("seoul", 37.57, 126.98),
            ("osaka", 34.69, 135.5),
            ("tokyo", 35.68, 139.69),
            ("sydney", -33.87, 151.21),
            ("melbourne", -37.81, 144.96),
        ];
        let marks: Vec<_> = places
            .iter()
            .map(|(name, latitude, longitude)| {
                let (x, y) = project(Coordinates { latitude: *latitude, longitude: *longitude });
                (x, y, name.len() + " 100%".len())
            })
            .collect();
        let areas: Vec<_> = place(&marks, WIDTH)
            .iter()
            .zip(&marks)
            .map(|(label, (x, y, letters))| label.area(*x, *y, *letters))
            .collect();
        for (index, one) in areas.iter().enumerate() {
            for (other_index, other) in areas[..index].iter().enumerate() {
                let (names, area) = ((places[index].0, places[other_index].0), common(one, other));
                assert!(area < 1.0, "{names:?} have {area:.0} in common");
            }
            assert!(one[0] >= 0.0 && one[2] <= WIDTH, "{} is beside the map", places[index].0);
        }
    }
}
