//! How problems are printed.

use super::*;

#[test]
fn a_problem_shows_its_place_its_line_a_caret_and_a_hint() {
    let zone = ZONE.replace("[tokyo, dublin]", "[tokio, dublin]");
    let expected = "\
a.yaml:4:27: region `tokio` is not defined
 4 |   '@': { steer: { regions: [tokio, dublin], residency: [{ clients: eu, jurisdictions: EU }] } }
   |                             ^^^^^
  hint: regions.yaml defines `tokyo`
";
    let found = problems("a.yaml", &zone);
    assert_eq!(found.list[0].to_string() + "\n", expected.replace("4:27", "4:29"));
}

#[test]
fn a_long_line_is_cut_around_the_place_and_control_characters_are_not_printed() {
    let text = format!("zone: example.org\nnames: {{ \"{}\\u0007\": {{ A: \u{7f}x }} }}\n", "a".repeat(300));
    let found = problems("a.yaml", &text).to_string();
    assert!(found.lines().all(|line| line.chars().count() < 400), "{found}");
    assert!(!found.contains('\u{7f}') || !found.contains('\u{7}'), "{found}");
}
