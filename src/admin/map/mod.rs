//! Draws the map of the world: each country in the colour of the region where its clients go, each region
//! with a mark for how it stands.
//!
//! Countries whose clients fail open are hatched over their region's colour, those whose clients get no region over grey.
//!
//! The picture stands on its own: it names no font, style sheet or image, and is light, for documents. The
//! page takes the same picture and only changes colours and marks from then on, by the ids that are given
//! here: `country-JP`, `mark-tokyo`, `open-47c5ff`; it stripes countries whose clients go to two regions, and draws where
//! those of a region went that has left. How it was outlined is in `README.md` beside `world.json`.

mod label;
pub mod palette;
mod projection;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use crate::client::{Coordinates, Country};
use crate::geo::countries;
use crate::inspect::{Atlas, Fractions};
use crate::region::RegionId;
use crate::units::Percent;
use palette::{HATCH, Look, NO_CLIENTS};
use projection::{HEIGHT, WIDTH, project};

/// What is on a map.
pub struct Drawing<'a> {
    /// What it shows, in a sentence.
    pub title: String,
    /// The regions, by `RegionId`.
    pub marks: Vec<Mark<'a>>,
    /// Where the clients go.
    pub atlas: &'a Atlas,
}

/// A region on a map.
pub struct Mark<'a> {
    pub name: &'a str,
    pub at: Coordinates,
    /// How it looks: its phase, [`LIMITED`](crate::health::LIMITED) or [`WITHDRAWN`](crate::health::WITHDRAWN).
    pub look: &'static str,
    /// How it stands, in words: `healthy, 1 of 3 zones held`.
    pub state: String,
    /// The share of its capacity that is in use, if that is known.
    pub load: Option<f64>,
}

/// The outline of every country that can be seen on a map of this size, as the path of an SVG.
static WORLD: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("world.json")).expect("the outlines are ours and have no escapes")
});

/// The fraction of a country's clients from which it is hatched.
const WORTH_A_HATCH: f64 = 0.05;

/// The height of the legend below the map.
const LEGEND: f64 = 130.0;

/// Draws a map as SVG.
pub fn draw(drawing: &Drawing<'_>) -> String {
    let mut svg = String::with_capacity(64 << 10);
    write_map(&mut svg, drawing).expect("a String takes everything");
    svg
}

fn write_map(svg: &mut String, drawing: &Drawing<'_>) -> fmt::Result {
    let title = Escaped(&drawing.title);
    let height = HEIGHT + LEGEND;
    write!(svg, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" "#)?;
    writeln!(svg, r#"font-family="system-ui, sans-serif" font-size="{}">"#, label::SIZE)?;
    writeln!(svg, "<title>{title}</title>\n<defs>")?;
    for Look { word, colour, path } in palette::looks() {
        writeln!(svg, r#"<path id="phase-{word}" fill="{colour}" fill-rule="evenodd" d="{path}"/>"#)?;
    }
    write_patterns(svg, drawing)?;
    writeln!(svg, r##"</defs><rect class="sea" width="{WIDTH}" height="{height}" fill="#f5f7f9"/>"##)?;
    writeln!(svg, r##"<g class="countries" stroke="#f5f7f9" stroke-width="1.2">"##)?;
    for entry in countries::ALL.iter() {
        write_country(svg, drawing, entry)?;
    }
    writeln!(svg, r#"</g><g class="regions">"#)?;
    write_marks(svg, drawing)?;
    writeln!(svg, r#"</g><g class="legend">"#)?;
    write_legend(svg, drawing)?;
    writeln!(svg, "</g></svg>")
}

/// Draws what fills countries besides plain colours.
fn write_patterns(svg: &mut String, drawing: &Drawing<'_>) -> fmt::Result {
    let lines = format!(r#"<path d="M0 0V12" stroke="{HATCH}" stroke-width="6"/>"#);
    let size = r#"width="12" height="12" patternUnits="userSpaceOnUse""#;
    let mut colours: Vec<_> =
        (0u8..).zip(&drawing.marks).map(|(id, _)| palette::of_region(RegionId(id))).collect();
    colours.sort_unstable();
    colours.dedup();
    for colour in colours.into_iter().chain([NO_CLIENTS]) {
        write!(svg, r#"<pattern id="open-{}" {size} patternTransform="rotate(-45)">"#, &colour[1..])?;
        writeln!(svg, r#"<rect width="12" height="12" fill="{colour}"/>{lines}</pattern>"#)?;
    }
    for (id, _) in (0u8..).zip(&drawing.marks).filter(|(id, _)| palette::texture(RegionId(*id)) > 0) {
        let region = RegionId(id);
        let (colour, step) = (palette::of_region(region), 20 / u32::from(palette::texture(region)).min(2));
        let half = step / 2;
        write!(
            svg,
            r#"<pattern id="dots-{id}" width="{step}" height="{step}" patternUnits="userSpaceOnUse">"#
        )?;
        write!(svg, r#"<rect width="{step}" height="{step}" fill="{colour}"/>"#)?;
        writeln!(svg, r##"<circle cx="{half}" cy="{half}" r="3.5" fill="#fff"/></pattern>"##)?;
    }
    Ok(())
}

/// Returns the fill of countries whose clients go to a region.
fn fill(region: RegionId) -> String {
    match palette::texture(region) {
        0 => palette::of_region(region).to_owned(),
        _ => format!("url(#dots-{})", region.0),
    }
}

/// Returns the fill of a country by the region of most of its clients, if they have one, and how many of them fail open.
fn fill_of(drawing: &Drawing<'_>, country: Country) -> String {
    let Some(fractions) = drawing.atlas.countries.get(&country) else { return NO_CLIENTS.to_owned() };
    let is_open = drawing.atlas.failing_open.get(&country).is_some_and(|part| *part >= WORTH_A_HATCH);
    match fractions.first() {
        Some((most, _)) if is_open => format!("url(#open-{})", &palette::of_region(*most)[1..]),
        Some((most, _)) => fill(*most),
        None => format!("url(#open-{})", &NO_CLIENTS[1..]),
    }
}

/// Draws a country; one that is too small for an outline becomes a dot, if it has inhabitants.
fn write_country(svg: &mut String, drawing: &Drawing<'_>, entry: &countries::CountryEntry) -> fmt::Result {
    let country: Country = entry.code.parse().expect("the codes of the table are codes");
    let fractions = drawing.atlas.countries.get(&country);
    let fill = fill_of(drawing, country);
    let (code, name) = (entry.code, Escaped(entry.name));
    let told = told(drawing, fractions) + open(drawing, country);
    let attributes = format!(r#"id="country-{code}" data-name="{name}" fill="{fill}""#);
    match (WORLD.get(entry.code), fractions) {
        (Some(path), _) => {
            writeln!(svg, r#"<path {attributes} d="{path}"><title>{name}: {told}</title></path>"#)
        }
        (None, Some(_)) => {
            let (x, y) = project(entry.point);
            write!(svg, r#"<circle {attributes} cx="{x:.0}" cy="{y:.0}" r="4">"#)?;
            writeln!(svg, "<title>{name}: {told}</title></circle>")
        }
        (None, None) => Ok(()),
    }
}

/// Says where clients go: `tokyo 90 %, osaka 10 %`.
fn told(drawing: &Drawing<'_>, fractions: Option<&Fractions>) -> String {
    let Some(fractions) = fractions else {
        return "no clients are known here".to_owned();
    };
    let part = |(region, part): &(RegionId, f64)| {
        let name = drawing.marks.get(usize::from(region.0)).map_or("?", |mark| mark.name);
        format!("{} {}", Escaped(name), Percent::of_fraction((part * 1000.0).round() / 1000.0))
    };
    match fractions.is_empty() {
        true => "no region answers them".to_owned(),
        false => fractions.iter().map(part).collect::<Vec<_>>().join(", "),
    }
}

/// Says that clients of a country fail open; empty: none do.
fn open(drawing: &Drawing<'_>, country: Country) -> &'static str {
    match drawing.atlas.failing_open.get(&country) {
        Some(part) if *part > 0.999 => ", all of them although it is down (fail open)",
        Some(_) => ", some of them although it is down (fail open)",
        None => "",
    }
}

fn write_marks(svg: &mut String, drawing: &Drawing<'_>) -> fmt::Result {
    // Loads come and go, and are written by the page in the same place.
    let room = if drawing.marks.iter().any(|mark| mark.load.is_some()) { " 100%".len() } else { 0 };
    let places = drawing.marks.iter().map(|mark| {
        let (x, y) = project(mark.at);
        (x, y, mark.name.chars().count() + room)
    });
    let places: Vec<_> = places.collect();
    let labels = label::place(&places, WIDTH);
    for ((mark, (x, y, _)), label) in drawing.marks.iter().zip(&places).zip(labels) {
        let (name, look, state) = (Escaped(mark.name), mark.look, Escaped(&mark.state));
        write!(svg, r#"<g id="mark-{name}" data-phase="{look}" transform="translate({x:.0} {y:.0})">"#)?;
        if label.is_far() {
            let end = if label.y < 0.0 { label.y + 4.0 } else { label.y - label::SIZE };
            write!(
                svg,
                r##"<path class="leader" d="M0 0L{} {end}" stroke="#1b2733" stroke-width="1.5"/>"##,
                label.x
            )?;
        }
        write!(svg, r##"<title>{name}: {state}</title><use href="#phase-{look}" stroke="#fff" "##)?;
        write!(svg, r#"stroke-width="3" paint-order="stroke"/><text x="{}" y="{}" "#, label.x, label.y)?;
        write!(svg, r##"text-anchor="{}" fill="#1b2733" stroke="#fff" stroke-width="5" "##, label.anchor)?;
        writeln!(svg, r#"paint-order="stroke" font-weight="600">{}</text></g>"#, Escaped(&written(mark)))?;
    }
    Ok(())
}

/// Returns what is written beside a mark: the name, and the load if it is known.
fn written(mark: &Mark<'_>) -> String {
    match mark.load {
        Some(load) => format!("{} {}", mark.name, Percent::rounded(load)),
        None => mark.name.to_owned(),
    }
}

/// Draws what the colours and the shapes mean.
fn write_legend(svg: &mut String, drawing: &Drawing<'_>) -> fmt::Result {
    let text = r##"fill="#1b2733""##;
    writeln!(
        svg,
        r#"<text x="30" y="{}" {text} font-weight="600">{}</text>"#,
        HEIGHT + 20.0,
        Escaped(&drawing.title)
    )?;
    // Two rows: how each phase looks, and as many regions as have room.
    let mut x = 30.0;
    for Look { word, .. } in palette::looks() {
        let y = HEIGHT + 60.0;
        write!(svg, r##"<use href="#phase-{word}" x="{}" y="{y}"/>"##, x + 12.0)?;
        writeln!(svg, r#"<text x="{}" y="{}" {text}>{word}</text>"#, x + 34.0, y + 8.0)?;
        x += 70.0 + word.len() as f64 * 13.0;
    }
    let ground = &NO_CLIENTS[1..];
    let mut x = 30.0;
    write!(
        svg,
        r#"<rect x="{x}" y="{}" width="24" height="24" fill="url(#open-{ground})"/>"#,
        HEIGHT + 90.0
    )?;
    writeln!(svg, r#"<text x="{}" y="{}" {text}>fail open, or no region</text>"#, x + 34.0, HEIGHT + 110.0)?;
    x += 350.0;
    for (number, mark) in (0u8..).zip(&drawing.marks) {
        let (y, colour) = (HEIGHT + 90.0, fill(RegionId(number)));
        let width = 54.0 + mark.name.len() as f64 * 13.0;
        if x + width > WIDTH {
            return Ok(());
        }
        write!(svg, r#"<rect x="{x}" y="{y}" width="24" height="24" fill="{colour}"/>"#)?;
        writeln!(svg, r#"<text x="{}" y="{}" {text}>{}</text>"#, x + 34.0, y + 20.0, Escaped(mark.name))?;
        x += width;
    }
    Ok(())
}

/// A text that is written into XML.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            letter => f.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(look: &'static str, atlas: &Atlas, expected: &[&str]) {
        let at = |latitude, longitude| Coordinates { latitude, longitude };
        let marks = vec![
            Mark {
                name: "tokyo",
                at: at(35.68, 139.69),
                look,
                state: "down & out".to_owned(),
                load: Some(0.62),
            },
            Mark { name: "a<b", at: at(48.86, 2.35), look: "healthy", state: String::new(), load: None },
        ];
        let svg = draw(&Drawing { title: "Who & where".to_owned(), marks, atlas });
        for part in expected {
            assert!(svg.contains(part), "{part} is not in:\n{svg}");
        }
    }

    fn atlas(countries: &[(&str, &[(u8, f64)])]) -> Atlas {
        let fractions = |parts: &[(u8, f64)]| parts.iter().map(|(id, part)| (RegionId(*id), *part)).collect();
        let country = |code: &str| code.parse().expect("a country");
        let countries = countries.iter().map(|(code, parts)| (country(code), fractions(parts)));
        Atlas { countries: countries.collect(), ..Atlas::default() }
    }

    #[test]
    fn a_country_has_the_colour_of_most_of_its_clients_and_says_where_they_go() {
        let atlas = atlas(&[("JP", &[(0, 0.9), (1, 0.1)]), ("FR", &[]), ("SG", &[(1, 1.0)])]);
        check(
            "down",
            &atlas,
            &[
                r##"<path id="country-JP" data-name="Japan" fill="#47c5ff""##,
                "Japan: tokyo 90%, a&lt;b 10%",
                "France: no region answers them",
                "Germany: no clients are known here",
                r#"<circle id="country-SG""#,
            ],
        );
    }

    #[test]
    fn countries_whose_clients_fail_open_or_get_no_region_are_hatched() {
        let open = [("JP".parse().expect("a country"), 1.0)].into();
        let atlas = Atlas { failing_open: open, ..atlas(&[("JP", &[(0, 1.0)]), ("FR", &[])]) };
        let expected = [
            r##"<path id="country-JP" data-name="Japan" fill="url(#open-47c5ff)""##,
            "Japan: tokyo 100%, all of them although it is down (fail open)",
            r##"<path id="country-FR" data-name="France" fill="url(#open-d5dae0)""##,
            r##"<pattern id="open-47c5ff""##,
            r##"<pattern id="open-d5dae0""##,
        ];
        check("down", &atlas, &expected);
    }

    #[test]
    fn a_region_has_a_mark_of_the_shape_of_its_phase_and_its_load() {
        let expected = [
            r#"<g id="mark-tokyo" data-phase="down" transform="translate(1729 275)">"#,
            "<title>tokyo: down &amp; out</title>",
            r##"<use href="#phase-down""##,
            ">tokyo 62%</text>",
            ">a&lt;b</text>",
            "<title>Who &amp; where</title>",
        ];
        check("down", &Atlas::default(), &expected);
    }

    #[test]
    fn every_outline_is_of_a_country() {
        for code in WORLD.keys() {
            assert!(countries::ALL.iter().any(|entry| entry.code == *code), "{code}");
        }
        assert!(WORLD.len() > 170, "{}", WORLD.len());
    }

    #[test]
    fn every_phase_has_a_look_of_its_own() {
        let mut shapes: Vec<_> = palette::looks().map(|look| look.path).collect();
        shapes.sort_unstable();
        shapes.dedup();
        assert_eq!(shapes.len(), palette::looks().count());
    }
}
