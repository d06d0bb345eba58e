//! Master files (RFC 1035, section 5): entries with `$ORIGIN`, `$TTL`, owners, classes and TTLs.
//!
//! Every mistake is reported with its own line, and the entries after it are still read. What the
//! records mean together is left to `sections::zone`. `$INCLUDE` is refused: a configuration is one
//! directory, read once.

use hickory_proto::rr::{Name, RData, RecordType};

use super::problem::{Reporter, Span, ValueError};
use super::records::{self, MasterLine, MasterLines, RecordTarget, Token};
use super::values::FromText;
use crate::zone::Ttl;

/// One record of a master file.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterRecord {
    /// Its owner, absolute.
    pub owner: Name,
    pub rtype: RecordType,
    /// Its TTL; `None` when neither the record nor the file says.
    pub ttl: Option<Ttl>,
    pub rdata: RData,
    /// The name that it points to.
    pub target: Option<RecordTarget>,
    /// Where its owner, or else its type, is.
    pub span: Span,
}

/// Reads the records of a master file. Relative names are relative to `origin` until the file says
/// `$ORIGIN`.
pub fn read(text: &str, source: usize, origin: &Name, report: &mut Reporter) -> Vec<MasterRecord> {
    let mut reader = MasterFileReader {
        source: Span::file(source).source,
        origin: origin.clone(),
        owner: None,
        default_ttl: None,
        last_ttl: None,
        records: Vec::new(),
        report,
    };
    for line in MasterLines::new(text) {
        match line {
            Ok(line) => reader.entry(&line),
            Err(error) => {
                let span = Span { source: reader.source, line: error.line, column: error.column, length: 1 };
                reader.report.mistake(span, error.wrong);
            }
        }
    }
    reader.records
}

struct MasterFileReader<'r> {
    source: u32,
    origin: Name,
    /// The owner of the entry before. `None` as well after an owner that was wrong.
    owner: Option<Name>,
    /// What `$TTL` said (RFC 2308, section 4).
    default_ttl: Option<Ttl>,
    /// The last TTL that a record stated; the default of files without `$TTL` (RFC 1035, section 5.1).
    last_ttl: Option<Ttl>,
    records: Vec<MasterRecord>,
    report: &'r mut Reporter,
}

impl MasterFileReader<'_> {
    fn entry(&mut self, line: &MasterLine) {
        let first = &line.words[0];
        if !line.starts_blank && !first.is_quoted && first.text.starts_with('$') {
            return self.directive(first, &line.words[1..]);
        }
        let words = match line.starts_blank {
            true => &line.words[..],
            false => {
                self.owner = self.name(first);
                &line.words[1..]
            }
        };
        let span = self.span(first);
        if line.starts_blank && self.owner.is_none() && self.records.is_empty() {
            let message = "a line that begins with a blank repeats the owner before it, and there is none";
            self.report.error(span, message).hint("write `@` for the zone itself");
        }
        self.record(span, first, words);
    }

    fn directive(&mut self, directive: &Token, arguments: &[Token]) {
        let span = self.span(directive);
        match (directive.text.to_ascii_uppercase().as_str(), arguments) {
            ("$ORIGIN", [name]) => {
                if let Some(origin) = self.name(name) {
                    self.origin = origin;
                }
            }
            ("$TTL", [ttl]) => self.default_ttl = self.or_report(ttl, Ttl::from_text(&ttl.text)),
            ("$ORIGIN" | "$TTL", _) => {
                let message = format!("`{}` takes one argument", directive.text);
                self.report.error(span, message).hint("write `$ORIGIN example.org.` or `$TTL 3600`");
            }
            ("$INCLUDE", _) => {
                let draft = self.report.error(span, "`$INCLUDE` is not supported");
                draft.hint("copy the file's records here: a configuration is one directory, read once");
            }
            ("$GENERATE", _) => {
                let draft = self.report.error(span, "`$GENERATE` is not supported: it is BIND's own");
                draft.hint("write the records out, for example with `named-compilezone`");
            }
            (other, _) => {
                let message = format!("`{other}` is not a directive");
                self.report.error(span, message).hint("the directives are `$ORIGIN` and `$TTL`");
            }
        }
    }

    /// Reads what follows the owner: `[TTL] [class] type data`, the first two in either order.
    fn record(&mut self, span: Span, first: &Token, words: &[Token]) {
        let mut stated = None;
        let mut position = 0;
        while let Some(word) = words.get(position) {
            match word.text.to_ascii_uppercase().as_str() {
                "IN" => {}
                class @ ("CH" | "HS" | "CS" | "CHAOS" | "HESIOD") => {
                    let message = format!("class `{class}` is not served");
                    let span = self.span(word);
                    self.report.error(span, message).hint("only class `IN` is");
                    return;
                }
                _ => match Ttl::from_text(&word.text) {
                    Ok(ttl) if stated.is_none() => stated = Some(ttl),
                    _ => break,
                },
            }
            position += 1;
        }
        let Some(word) = words.get(position) else {
            let span = self.span(words.last().unwrap_or(first));
            self.report
                .error(span, "the record has no type")
                .hint("write owner, type and data, as in `www A 192.0.2.1`");
            return;
        };
        let rtype = self.or_report(word, records::parse_type(&word.text));
        let Some(rtype) = rtype else { return };
        self.data(rtype, stated, word, &words[position + 1..], span);
    }

    fn data(&mut self, rtype: RecordType, stated: Option<Ttl>, named: &Token, words: &[Token], span: Span) {
        let parsed = match records::parse(rtype, words, &self.origin) {
            Ok(parsed) => parsed,
            Err(fault) => {
                let word = fault.word.and_then(|word| words.get(word)).unwrap_or(named);
                let span = self.span(word);
                self.report.mistake(span, fault.wrong);
                return;
            }
        };
        if stated.is_some() {
            self.last_ttl = stated;
        }
        let ttl = stated.or(self.default_ttl).or(self.last_ttl);
        let Some(owner) = self.owner.clone() else { return };
        self.records.push(MasterRecord {
            owner,
            rtype,
            ttl,
            rdata: parsed.rdata,
            target: parsed.target,
            span,
        });
    }

    fn name(&mut self, word: &Token) -> Option<Name> {
        self.or_report(word, records::parse_name(&word.text, &self.origin))
    }

    fn or_report<T>(&mut self, word: &Token, parsed: Result<T, ValueError>) -> Option<T> {
        self.report.ok(self.span(word), parsed)
    }

    fn span(&self, word: &Token) -> Span {
        Span { source: self.source, line: word.line, column: word.column, length: word.length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sources::{SourceFile, SourceFiles};

    /// Reads a master file of `example.org` and compares `owner ttl type data` lines, or the problems.
    fn check(text: &str, expected: &str) {
        let origin = Name::from_ascii("example.org.").expect("a valid name");
        let sources = SourceFiles::new("", vec![SourceFile::new("example.org.zone", text)]);
        let mut report = Reporter::default();
        let records = read(text, 0, &origin, &mut report);
        let lines = records.iter().map(|record| {
            let ttl = record.ttl.map_or("-".to_owned(), |ttl| ttl.seconds().to_string());
            format!("{} {ttl} {} {}\n", record.owner, records::type_text(record.rtype), record.rdata)
        });
        let mut got: String = lines.collect();
        for problem in report.finish(&sources).0.list {
            got += &format!("{}:{}: {}\n", problem.line, problem.column, problem.message);
        }
        assert_eq!(got.trim_end(), expected);
    }

    #[test]
    fn a_usual_file_is_read_as_it_is() {
        check(
            "$TTL 1h\n\
             @ IN SOA ns1 hostmaster ( 7 ; serial\n  2h 15m\n  2w 1m )\n\
             \tNS ns1\n\
             ns1 300 IN A 192.0.2.1\n\
             \n; a comment\n\
             www IN 60 CNAME @\n\
             $ORIGIN sub.example.org.\n\
             a\\.b TXT ( \"one; two\" three )",
            "example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 7 7200 900 1209600 60\n\
             example.org. 3600 NS ns1.example.org.\n\
             ns1.example.org. 300 A 192.0.2.1\n\
             www.example.org. 60 CNAME example.org.\n\
             a\\.b.sub.example.org. 3600 TXT one; twothree",
        );
    }

    #[test]
    fn without_a_default_the_last_stated_ttl_counts() {
        check(
            "a A 192.0.2.1\nb 5 A 192.0.2.2\nc A 192.0.2.3",
            "a.example.org. - A 192.0.2.1\nb.example.org. 5 A 192.0.2.2\nc.example.org. 5 A 192.0.2.3",
        );
    }

    #[test]
    fn every_mistake_is_reported_with_its_place_and_the_rest_is_read() {
        check(
            "$INCLUDE other\n\
             a A 192.0.2\n\
             b..c A 192.0.2.1\n\
             d CH A 192.0.2.1\n\
             e TXT \"open\n\
             f\n\
             g AAAAA ::1\n\
             i A 192.0.2.1\n\
             h TXT ( x",
            "i.example.org. - A 192.0.2.1\n\
             1:1: `$INCLUDE` is not supported\n\
             2:5: `192.0.2` is not an IPv4 address\n\
             3:1: `b..c` is not a name: there is nothing between two dots\n\
             4:3: class `CH` is not served\n\
             5:7: a quoted text that does not end in its line\n\
             6:1: the record has no type\n\
             7:3: `AAAAA` is not a record type\n\
             9:7: `(` is never closed",
        );
    }
}
