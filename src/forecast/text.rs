//! Predictions for people: tables as wide as a terminal, and sentences with the numbers in them.

use std::fmt;

use super::{Forecast, InService, RegionLoad, Stranded};
use crate::units::Percent;

/// Said when the load of no region is known.
pub(crate) const NO_LOADS: &str = "No region's load is known, since none has a `capacity` or none reports a load: the hard \
                                   limit is not checked.";

/// Said when nothing changes for IPv4.
pub(crate) const IPV6_ONLY: &str =
    "Only IPv6 changes. How much of the demand that is is not known: the moves and loads are those of IPv4.";

/// The most moves that are listed one by one; with twelve regions there may be more than a hundred.
const MAX_LISTED: usize = 20;

/// Says whose load is not known.
pub(crate) fn unknown_loads(regions: &[&str]) -> String {
    let verb = if regions.len() == 1 { "has" } else { "have" };
    format!("{} {verb} no `capacity` or no known load: the hard limit is not checked there.", list(regions))
}

/// Says whose clients' demand is assumed.
pub(crate) fn assumed_average(regions: &[&str]) -> String {
    format!(
        "The clients of {} are taken to ask for as much as others do on average: no region reports it.",
        list(regions)
    )
}

/// Says that a region is too full at first.
pub(crate) fn until_it_has_shed(region: &str, load: f64) -> String {
    format!("{region} would first stand at {}, until it has shed what is too much.", percent(load))
}

/// Writes a list as people do: `a, b and c`.
pub(crate) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Writes a fraction as a percentage, as exactly as an operator needs it.
pub(crate) fn percent(fraction: f64) -> String {
    Percent::rounded(fraction).to_string()
}

/// Writes a distance with its sign.
pub(crate) fn farther(km: f64) -> String {
    format!("{:+.0} km", if km.round() == 0.0 { 0.0 } else { km })
}

impl RegionLoad {
    /// Says that it is above the hard limit.
    pub fn over(&self, hard: f64) -> String {
        let load = self.load_after.map_or_else(|| "?".to_owned(), percent);
        let verb =
            if self.load_before.is_some_and(|load| load > hard) { "stays at" } else { "would stand at" };
        format!("{} {verb} {load} of its capacity, above the hard limit of {}", self.region, percent(hard))
    }
}

impl fmt::Display for Stranded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permitted: Vec<_> = self.permitted.iter().map(String::as_str).collect();
        let families: Vec<_> = self.families.iter().map(String::as_str).collect();
        write!(f, "{}: the clients that are permitted only {} ", self.owner, list(&permitted))?;
        write!(f, "({} /24s, {} of all) ", self.subnets, percent(self.share))?;
        write!(
            f,
            "{} without any region in {}",
            if self.is_new { "would be" } else { "are" },
            list(&families)
        )?;
        write!(f, " and get {}", self.answer)
    }
}

impl fmt::Display for InService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} regions would be in service in {}", self.after, self.regions, self.family)?;
        match self.least {
            Some(least) => write!(f, ", and `min_in_service` asks for {least}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_moves(f)?;
        self.write_regions(f)?;
        writeln!(f)?;
        for family in &self.in_service {
            writeln!(f, "{family} (now {}).", family.before)?;
        }
        if (self.query_factor - 1.0).abs() >= 0.005 {
            writeln!(
                f,
                "Resolvers would ask {:.2} times as often, because of shorter TTLs.",
                self.query_factor
            )?;
        }
        // Those to whom it is new break a rule, below.
        for stranded in self.stranded.iter().filter(|stranded| !stranded.is_new) {
            writeln!(f, "{stranded}.")?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        for violation in self.violations() {
            writeln!(f, "BREAKS {}: {violation}", violation.rule)?;
        }
        Ok(())
    }
}

impl Forecast {
    fn write_moves(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.moves.is_empty() {
            writeln!(f, "no clients move")?;
        } else {
            let way = |name: &Option<String>| name.clone().unwrap_or_else(|| "nowhere".to_owned());
            let ways: Vec<_> = self.moves.iter().map(|one| [way(&one.from), way(&one.to)]).collect();
            let width = ways.iter().flatten().map(|name| name.chars().count()).max().unwrap_or(0);
            writeln!(f, "{:width$}    {:width$}  {:>10}  {:>10}", "from", "to", "of demand", "farther")?;
            for ([from, to], one) in ways.iter().zip(&self.moves).take(MAX_LISTED) {
                let km = one.added_km.map_or_else(|| "-".to_owned(), farther);
                writeln!(f, "{from:width$} -> {to:width$}  {:>10}  {km:>10}", percent(one.share))?;
            }
        }
        match self.moves.len().saturating_sub(MAX_LISTED) {
            0 => Ok(()),
            more => writeln!(f, "and {more} more ways, of less demand"),
        }
    }

    fn write_regions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.regions.iter().map(|region| region.region.chars().count()).max().unwrap_or(0).max(6);
        writeln!(f, "\n{:width$}  {:>18}  {:>18}", "region", "of demand", "load")?;
        for region in &self.regions {
            let load = |load: Option<f64>| load.map_or_else(|| "?".to_owned(), percent);
            let after = if region.is_serving { load(region.load_after) } else { "out".to_owned() };
            let remark = match (region.is_above_hard, region.is_above_soft) {
                (true, _) => "  above the hard limit",
                (false, true) => "  above the soft limit",
                (false, false) => "",
            };
            let shares = (percent(region.share_before), percent(region.share_after));
            writeln!(
                f,
                "{:width$}  {:>7} -> {:>7}  {:>7} -> {after:>7}{remark}",
                region.region,
                shares.0,
                shares.1,
                load(region.load_before)
            )?;
        }
        Ok(())
    }
}
