//! Master files (RFC 1035, section 5): entries with `$ORIGIN`, `$TTL`, `$INCLUDE`, `$GENERATE`, owners, classes
//! and TTLs.
//!
//! Every mistake is reported with its own place, and the entries after it are still read. What the records mean
//! together is left to `sections::zone`.
//!
//! The scanner is our own. `domain` 0.12.3 (`zonefile::inplace`) has one with lines and columns, and was tried: its
//! errors name the place where the scanner stopped, which for `a A 192.0.2` is the line below; they are constant
//! texts without the word that is wrong, so no hint can be made of them; after the first one no entry may be
//! read any more (most such tries panic, and so does `TXT ( x` at the end of a file); the records that it gives
//! have no places for what is found out later, such as a repeated record; `x..y` is read as `x.y`; and it knows
//! neither `$GENERATE`, nor TTLs with units, nor 40 of the types in `records`.

mod generate;
mod head;

use hickory_proto::rr::{Name, RData, RecordType};

pub use self::generate::MAX_RECORDS as MAX_GENERATED;
use self::generate::{Generate, NumberRange};
use self::head::{Head, time_to_live};
use super::problem::{Reporter, Span};
use super::records::{self, MasterLine, MasterLines, RecordTarget, Token};
use super::sources::{self, SourceFiles};
use crate::zone::Ttl;

/// The most master files within each other; NSD has the same bound.
pub const MAX_DEPTH: usize = 10;

/// The most octets of master files that one zone reads, those counted again that are included again.
const MAX_READ: usize = 1024 * 1024 * 1024;

/// One record of a master file.
#[derive(Clone, Debug, PartialEq)]
pub struct MasterRecord {
    /// Its owner, absolute.
    pub owner: Name,
    pub rtype: RecordType,
    /// Its TTL; `None` when neither the record nor the file nor the zone says.
    pub ttl: Option<Ttl>,
    pub rdata: RData,
    /// The name that it points to, and where that stands.
    pub target: Option<(RecordTarget, Span)>,
    /// Where its owner, or else its type, is.
    pub span: Span,
    /// The owner as it was written, if that was relative to the origin.
    pub relative_owner: Option<String>,
}

/// Reads the records of a master file and of those that it includes, one after the other.
pub struct MasterFileReader<'s> {
    sources: &'s SourceFiles,
    /// The files that are being read, each included by the one before it.
    open: Vec<OpenMasterFile<'s>>,
    /// The numbers of all files that were read.
    files: Vec<usize>,
    /// How many octets more may be read.
    left: usize,
    origin: Name,
    owner: Owner,
    /// What `$TTL` said (RFC 2308, section 4), or the SOA record where nothing else says.
    default_ttl: Option<Ttl>,
    /// The last TTL that a record stated; the default of files without `$TTL` (RFC 1035, section 5.1).
    last_ttl: Option<Ttl>,
    /// The TTL that the zone gives to records without one.
    zone_ttl: Option<Ttl>,
    /// The records that `$GENERATE` still has to make.
    generate: Option<Generate>,
    /// How many more it may make.
    generated_left: u32,
}

struct OpenMasterFile<'s> {
    lines: MasterLines<'s>,
    source: usize,
    /// What counts again after it: the origin and the owner where it was included.
    before: Option<(Name, Owner)>,
}

/// The owner of the entry before.
#[derive(Clone, Debug, PartialEq)]
enum Owner {
    /// There is no entry before.
    Missing,
    /// It was wrong, which has been reported.
    Wrong,
    Known {
        name: Name,
        relative: Option<String>,
    },
}

impl<'s> MasterFileReader<'s> {
    /// Starts with a file that can be read. Relative names are relative to `origin` until the file says
    /// `$ORIGIN`.
    pub fn new(sources: &'s SourceFiles, source: usize, origin: &Name, zone_ttl: Option<Ttl>) -> Self {
        let mut reader = Self {
            sources,
            open: Vec::new(),
            files: Vec::new(),
            left: MAX_READ,
            origin: origin.clone(),
            owner: Owner::Missing,
            default_ttl: None,
            last_ttl: None,
            zone_ttl,
            generate: None,
            generated_left: MAX_GENERATED,
        };
        reader.enter(source, None);
        reader
    }

    /// Returns the numbers of the files that were read so far.
    pub fn files(&self) -> &[usize] {
        &self.files
    }

    /// Returns the next record, and reports what is wrong before it.
    pub fn next(&mut self, report: &mut Reporter) -> Option<MasterRecord> {
        loop {
            if let Some(record) = self.generated(report) {
                return Some(record);
            }
            let file = self.open.last_mut()?;
            match file.lines.next() {
                None => self.leave(),
                Some(Err(error)) => {
                    let span = Span { line: error.line, column: error.column, length: 1, ..self.file_span() };
                    report.mistake(span, error.wrong);
                }
                Some(Ok(line)) => {
                    if let Some(record) = self.entry(&line, report) {
                        return Some(record);
                    }
                }
            }
        }
    }

    fn enter(&mut self, source: usize, before: Option<(Name, Owner)>) {
        let octets = &self.sources.files[source].octets;
        self.left = self.left.saturating_sub(octets.len());
        self.open.push(OpenMasterFile { lines: MasterLines::new(octets), source, before });
        if !self.files.contains(&source) {
            self.files.push(source);
        }
    }

    fn leave(&mut self) {
        if let Some((origin, owner)) = self.open.pop().and_then(|file| file.before) {
            self.origin = origin;
            self.owner = owner;
        }
    }

    fn entry(&mut self, line: &MasterLine, report: &mut Reporter) -> Option<MasterRecord> {
        let first = &line.words[0];
        let span = self.span(first);
        if !line.starts_blank && !first.is_quoted && first.raw.starts_with(b"$") {
            self.directive(first, &line.words[1..], report);
            return None;
        }
        let words = match line.starts_blank {
            true => &line.words[..],
            false => {
                self.owner = self.owner(first, report);
                &line.words[1..]
            }
        };
        if line.starts_blank && self.owner == Owner::Missing {
            let message = "a line that begins with a blank repeats the owner before it, and there is none";
            report.error(span, message).hint("write `@` for the zone itself");
            self.owner = Owner::Wrong;
        }
        let head = self.head(first, words, report)?;
        self.record(&head, &words[head.data - 1], &words[head.data..], span, report)
    }

    fn directive(&mut self, directive: &Token, arguments: &[Token], report: &mut Reporter) {
        let span = self.span(directive);
        match (directive.text().to_ascii_uppercase().as_str(), arguments) {
            ("$ORIGIN", [name]) => {
                if let Some(origin) =
                    report.ok(self.span(name), records::parse_name(&name.text(), &self.origin))
                {
                    self.origin = origin;
                }
            }
            ("$TTL", [ttl]) => self.default_ttl = report.ok(self.span(ttl), time_to_live(&ttl.text())),
            ("$INCLUDE", [file]) => self.include(file, None, report),
            ("$INCLUDE", [file, origin]) => self.include(file, Some(origin), report),
            ("$GENERATE", [range, record @ ..]) if !record.is_empty() => {
                self.start_generate(range, record, span, report);
            }
            (known @ ("$ORIGIN" | "$TTL" | "$INCLUDE" | "$GENERATE"), _) => {
                let (takes, example) = match known {
                    "$INCLUDE" => ("a file, and a name or not", "$INCLUDE hosts.zone"),
                    "$GENERATE" => ("a range and a record", "$GENERATE 1-9 host$ A 192.0.2.$"),
                    "$TTL" => ("one argument", "$TTL 3600"),
                    _ => ("one argument", "$ORIGIN example.org."),
                };
                report.error(span, format!("`{known}` takes {takes}")).hint(format!("write `{example}`"));
            }
            (other, _) => {
                let message = format!("`{other}` is not a directive");
                let hint = "the directives are `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`";
                report.error(span, message).hint(hint);
            }
        }
    }

    /// Goes on with another file of the configuration directory, or one below it. Neither `..` nor a symbolic link
    /// leads out of it, for a master file may come from a customer.
    fn include(&mut self, file: &Token, origin: Option<&Token>, report: &mut Reporter) {
        let span = self.span(file);
        let text = file.text();
        let name = sources::below(&text);
        let outside = || format!("`{text}` leads out of the configuration directory");
        let Some(name) = name else {
            report.error(span, outside()).hint("write a path that starts there, without `..`");
            return;
        };
        let Some(source) = self.sources.find(&name) else {
            report.error(span, format!("there is no file `{text}` in the configuration directory"));
            return;
        };
        let found = &self.sources.files[source];
        let wrong = match &found.unreadable {
            _ if found.is_outside => outside(),
            Some(why) => format!("file `{text}` {why}"),
            None if self.open.iter().any(|open| open.source == source) => format!("`{text}` includes itself"),
            None if self.open.len() == MAX_DEPTH => format!("more than {MAX_DEPTH} files within each other"),
            None if found.octets.len() > self.left => "the zone includes more than 1 GiB of text".to_owned(),
            None => return self.include_source(source, origin, report),
        };
        report.error(span, wrong);
    }

    fn include_source(&mut self, source: usize, origin: Option<&Token>, report: &mut Reporter) {
        let own =
            origin.map(|name| report.ok(self.span(name), records::parse_name(&name.text(), &self.origin)));
        let before = (self.origin.clone(), self.owner.clone());
        match own {
            Some(None) => return,
            Some(Some(origin)) => self.origin = origin,
            None => {}
        }
        self.enter(source, Some(before));
    }

    /// Reads what follows the owner `first`, or the owner itself where a blank stands in its place.
    fn head(&self, first: &Token, words: &[Token], report: &mut Reporter) -> Option<Head> {
        let head = Head::read(words);
        head.map_err(|(position, wrong)| {
            report.mistake(self.span(words.get(position).unwrap_or(first)), wrong)
        })
        .ok()
    }

    /// Makes a record of the owner and these words; `named` is where its type stands.
    fn record(
        &mut self,
        head: &Head,
        named: &Token,
        words: &[Token],
        span: Span,
        report: &mut Reporter,
    ) -> Option<MasterRecord> {
        if let Some(wrong) = records::made_by_server(head.rtype) {
            report.mistake(self.span(named), wrong);
            return None;
        }
        let parsed = match records::parse(head.rtype, words, &self.origin) {
            Ok(parsed) => parsed,
            Err(fault) => {
                let word = fault.word.and_then(|word| words.get(word)).unwrap_or(named);
                report.mistake(self.span(word), fault.wrong);
                return None;
            }
        };
        let ttl = self.time_to_live(head.ttl, &parsed.rdata);
        let at = parsed.target.as_ref().and_then(|target| words.get(target.word));
        let at = at.map_or(span, |word| self.span(word));
        let Owner::Known { name: owner, relative: relative_owner } = self.owner.clone() else { return None };
        Some(MasterRecord {
            owner,
            rtype: head.rtype,
            ttl,
            rdata: parsed.rdata,
            target: parsed.target.map(|target| (target, at)),
            span,
            relative_owner,
        })
    }

    /// Returns the TTL of a record: its own, that of `$TTL`, the last that a record stated, or the zone's. Where
    /// there is none, the SOA record gives its last field to itself and to what follows, as BIND does.
    fn time_to_live(&mut self, stated: Option<Ttl>, rdata: &RData) -> Option<Ttl> {
        if stated.is_some() {
            self.last_ttl = stated;
        }
        let ttl = stated.or(self.default_ttl).or(self.last_ttl).or(self.zone_ttl);
        if let (None, RData::SOA(soa)) = (ttl, rdata) {
            self.default_ttl = Some(Ttl::from_seconds(soa.minimum).unwrap_or(Ttl::MAX));
            return self.default_ttl;
        }
        ttl
    }

    fn start_generate(&mut self, range: &Token, record: &[Token], span: Span, report: &mut Reporter) {
        let Some(range) = report.ok(self.span(range), NumberRange::parse(&range.text())) else { return };
        let (owner, words) = (&record[0], &record[1..]);
        let Some(head) = self.head(owner, words, report) else { return };
        match self.generated_left.checked_sub(range.count()) {
            Some(left) => {
                self.generated_left = left;
                self.generate = Some(Generate::new(range, owner, head, words, span));
            }
            None => {
                report.error(span, format!("the zone generates more than {MAX_GENERATED} records"));
            }
        }
    }

    /// Returns the next record of `$GENERATE`. After a mistake there are no more: it would be repeated.
    fn generated(&mut self, report: &mut Reporter) -> Option<MasterRecord> {
        let mut generate = self.generate.take()?;
        let made = generate.next()?;
        let span = generate.span;
        let made = report.ok(span, made)?;
        self.owner = self.owner(&made.owner, report);
        let record = self.record(&generate.head, &generate.named, &made.data, span, report)?;
        self.generate = Some(generate);
        Some(record)
    }

    fn owner(&self, word: &Token, report: &mut Reporter) -> Owner {
        match report.ok(self.span(word), records::parse_relative_name(&word.text(), &self.origin)) {
            Some((name, relative)) => Owner::Known { name, relative },
            None => Owner::Wrong,
        }
    }

    fn file_span(&self) -> Span {
        Span::file(self.open.last().map_or(0, |file| file.source))
    }

    fn span(&self, word: &Token) -> Span {
        Span { line: word.line, column: word.column, length: word.length, ..self.file_span() }
    }
}

/// Returns the names of the files that a master file includes, as it writes them. Lines that only look like a
/// directive are among them.
pub fn included(octets: &[u8]) -> Vec<String> {
    const DIRECTIVE: &[u8] = b"$INCLUDE";
    let lines = records::after_mark(octets).split(|octet| *octet == b'\n');
    let named = lines.filter_map(|line| {
        let (directive, name) = line.split_at_checked(DIRECTIVE.len())?;
        let name = directive.eq_ignore_ascii_case(DIRECTIVE).then(|| MasterLines::new(name).next())?;
        Some(name?.ok()?.words.first()?.text().into_owned())
    });
    named.collect()
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
        let mut reader = MasterFileReader::new(&sources, 0, &origin, None);
        let records: Vec<_> = std::iter::from_fn(|| reader.next(&mut report)).collect();
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
            "$INCLUDE\n\
             a A 192.0.2\n\
             b..c A 192.0.2.1\n\
             d CH A 192.0.2.1\n\
             e TXT \"open\n\
             f\n\
             g AAAAA ::1\n\
             i A 192.0.2.1\n\
             h TXT ( x",
            "i.example.org. - A 192.0.2.1\n\
             1:1: `$INCLUDE` takes a file, and a name or not\n\
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
