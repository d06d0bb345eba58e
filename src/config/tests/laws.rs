//! What holds for any text.

use proptest::prelude::*;

use super::*;

/// What breaks parsers: the signs of YAML and of master files, and numbers at their bounds.
const SCRAPS: [&str; 34] = [
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "|\n",
    ">",
    "\"",
    "'",
    "#",
    "\t",
    "\n",
    "~",
    "@",
    "\\",
    "\\# 4 ",
    "\\300",
    "(",
    ")",
    ";",
    "*",
    ".",
    "é",
    "\u{7f}",
    "-1",
    "99999999999999999999",
    "0",
    "%",
    "eu",
];

/// A change to a text: at a share of its length, so many characters go and a scrap comes.
fn change() -> impl Strategy<Value = (f64, usize, &'static str)> {
    (0.0..1.0, 0usize..12, proptest::sample::select(&SCRAPS[..]))
}

fn mutated(text: &str, changes: &[(f64, usize, &str)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (share, gone, scrap) in changes {
        let start = (characters.len() as f64 * share) as usize;
        let end = (start + gone).min(characters.len());
        characters.splice(start..end, scrap.chars());
    }
    characters.into_iter().collect()
}

const MASTER: &str = "$TTL 1h\n@ IN SOA ns1 host ( 7 2h 15m 2w 1m )\n@ NS a.\nwww 300 A 192.0.2.1\nt TXT \"a;b\" c\\032\nx TYPE65280 \\# 2 0a00\ns HTTPS 1 . alpn=\"h2,h3\" port=1\nl LOC 1 2 3 N 4 E 5m\n$GENERATE 1-3 g${0,2,n} A 192.0.2.$\n$INCLUDE z.zone\nk APL !1:0.0.0.0/0\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_compiler_panic_and_problems_can_be_printed(
        changes in proptest::collection::vec((0usize..4, change()), 1..6),
    ) {
        let mut texts = [SERVER.to_owned(), REGIONS.to_owned(), format!("{ZONE}file: z.zone\n"), MASTER.to_owned()];
        for (file, change) in changes {
            texts[file] = mutated(&texts[file], &[change]);
        }
        let names = ["server.yaml", "regions.yaml", "a.yaml", "z.zone"];
        let files = names.into_iter().zip(texts).map(|(name, text)| SourceFile::new(name, text));
        let sources = SourceFiles::new("", files.collect());
        match compile(&sources) {
            Ok(compiled) => prop_assert!(!summary::ConfigSummary(&compiled.config).to_string().is_empty()),
            Err(problems) => prop_assert!(!problems.to_string().is_empty()),
        }
    }

    #[test]
    fn arbitrary_text_is_no_worse(text in "\\PC{0,200}", name in 0usize..4) {
        let name = ["server.yaml", "regions.yaml", "a.yaml", "z.zone"][name];
        prop_assert!(problems(name, &text).count() < 10_000);
    }
}
