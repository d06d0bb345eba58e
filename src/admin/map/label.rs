//! Puts the names of regions beside their marks, so that no two lie on each other where that can be helped.

/// How large a letter is, about, in units of the map: labels are set in this size.
pub const SIZE: f64 = 22.0;

/// The width of a letter as a part of its size: a little more than that of common sans-serif fonts.
const LETTER: f64 = 0.58;

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

/// The places that are tried, the best first: right, left, above, below.
const PLACES: [Label; 4] = [
    Label { x: GAP, y: 8.0, anchor: "start" },
    Label { x: -GAP, y: 8.0, anchor: "end" },
    Label { x: 0.0, y: -GAP, anchor: "middle" },
    Label { x: 0.0, y: GAP + 16.0, anchor: "middle" },
];

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

/// Returns where to put the labels of marks at these places, with so many letters each.
pub fn place(marks: &[(f64, f64, usize)]) -> Vec<Label> {
    // No label may lie on any mark, and none on those that were put before it.
    let mut taken: Vec<Area> =
        marks.iter().map(|(x, y, _)| [x - 14.0, y - 14.0, x + 14.0, y + 14.0]).collect();
    let labels = marks.iter().enumerate().map(|(own, (x, y, letters))| {
        let cost = |label: &Label| {
            let area = area(label, *x, *y, *letters);
            let others = taken.iter().enumerate().filter(|(number, _)| *number != own);
            others.map(|(_, other)| common(&area, other)).sum::<f64>()
        };
        let best = PLACES.iter().min_by(|one, other| cost(one).total_cmp(&cost(other)));
        let best = *best.expect("there are four places");
        taken.push(area(&best, *x, *y, *letters));
        best
    });
    labels.collect()
}

fn area(label: &Label, x: f64, y: f64, letters: usize) -> Area {
    let width = letters as f64 * SIZE * LETTER;
    let left = x + label.x
        - match label.anchor {
            "start" => 0.0,
            "end" => width,
            _ => width / 2.0,
        };
    [left, y + label.y - SIZE * 0.8, left + width, y + label.y + SIZE * 0.2]
}

/// Returns how much of two areas is common.
fn common(one: &Area, other: &Area) -> f64 {
    let overlap = |from: usize, to: usize| (one[to].min(other[to]) - one[from].max(other[from])).max(0.0);
    overlap(0, 2) * overlap(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marks: &[(f64, f64, usize)], anchors: &str) {
        let found: Vec<_> = place(marks).iter().map(|label| label.anchor).collect();
        assert_eq!(found.join(" "), anchors);
    }

    #[test]
    fn a_label_stands_right_of_its_mark_unless_something_is_there() {
        check(&[(100.0, 100.0, 5)], "start");
        check(&[(100.0, 100.0, 5), (500.0, 100.0, 5)], "start start");
        // Osaka is left of Tokyo, and near.
        check(&[(1728.0, 275.0, 5), (1708.0, 281.0, 5)], "start end");
        check(&[(100.0, 100.0, 5), (130.0, 100.0, 5), (70.0, 100.0, 5)], "middle start end");
    }
}
