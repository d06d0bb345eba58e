//! From the globe to the map: the Natural Earth projection, which neither tears the north apart nor hides it.

use crate::client::Coordinates;

/// The width of the map in its own units.
pub const WIDTH: f64 = 2000.0;

/// The height of the map, from 84° north to 57° south: no region lies beyond.
pub const HEIGHT: f64 = 870.0;

/// Where 84° north is, before the map is moved there.
const TOP: f64 = 84.0;

/// Units for each unit of the projection: the equator takes the whole width.
const SCALE: f64 = WIDTH / 2.0 / (0.8707 * std::f64::consts::PI);

/// Returns where a point of the globe is on the map. `world.json` was made with the same formula.
pub fn project(point: Coordinates) -> (f64, f64) {
    let (x, y) = natural_earth(point.latitude.clamp(-90.0, 90.0), point.longitude);
    let (_, top) = natural_earth(TOP, 0.0);
    (WIDTH / 2.0 + SCALE * x, (SCALE * (top - y)).clamp(0.0, HEIGHT))
}

/// The polynomials of Šavrič, Jenny, Patterson, Petrovič and Hurni (2011).
fn natural_earth(latitude: f64, longitude: f64) -> (f64, f64) {
    let (north, east) = (latitude.to_radians(), longitude.to_radians());
    let square = north * north;
    let fourth = square * square;
    let tenth = fourth * fourth * square;
    let stretch = 0.8707 - 0.131979 * square - 0.013791 * fourth + tenth * (0.003971 - 0.001529 * square);
    let sixth = fourth * square;
    let rise = 1.007226 + 0.015085 * square + sixth * (-0.044475 + 0.028874 * square - 0.005916 * fourth);
    (east * stretch, north * rise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(latitude: f64, longitude: f64, expected: (f64, f64)) {
        let (x, y) = project(Coordinates { latitude, longitude });
        assert!((x - expected.0).abs() < 0.1 && (y - expected.1).abs() < 0.1, "{x} {y}");
    }

    #[test]
    fn cities_are_where_the_outlines_expect_them() {
        check(84.0, 0.0, (1000.0, 0.0));
        check(35.68, 139.69, (1728.6, 275.2));
        check(-23.55, -46.63, (747.7, 657.1));
    }
}
