//! `meridian new`: writes a small configuration to begin with.
//!
//! It is made beside its place, checked as `meridian check` does, and only then moved there: what is in its place can be
//! served. A directory that is there already stays, with its owner and mode, and gets the files one by one.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context;

use super::exit::BadInput;
use super::output;
use crate::client::Country;
use crate::daemon;

/// Write a small configuration to begin with, with comments
///
/// Without --region it has three regions with addresses of the documentation, to be replaced. The directory must be
/// empty or new; what is written passes `meridian check`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Serve this zone; its apex is the name of the API
    #[arg(long, value_name = "NAME", default_value = "api.example.com", value_parser = zone)]
    zone: String,
    /// Serve from this region: tokyo=35.68,139.69,JP,192.0.2.10,2001:db8::10
    #[arg(long = "region", value_name = "NAME=LAT,LON,COUNTRY,ADDRESS[,ADDRESS…]")]
    regions: Vec<NewRegion>,
    /// Send clients in the European Union to regions in the Union only
    #[arg(long)]
    eu: bool,
    /// Listen on IPv6 as well
    #[arg(long)]
    ipv6: bool,
}

/// A region as a flag has it.
#[derive(Clone, Debug, PartialEq)]
struct NewRegion {
    name: String,
    latitude: f64,
    longitude: f64,
    jurisdiction: Country,
    /// At least one.
    addresses: Vec<IpAddr>,
}

/// The regions of a configuration for which none are named.
const EXAMPLES: [&str; 3] = [
    "tokyo=35.68,139.69,JP,192.0.2.10,2001:db8:10::a",
    "frankfurt=50.11,8.68,DE,203.0.113.10,2001:db8:40::a",
    "oregon=45.52,-122.68,US,198.51.100.10,2001:db8:30::a",
];

impl FromStr for NewRegion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("write it as {}", EXAMPLES[0]);
        let (name, rest) = text.split_once('=').ok_or_else(form)?;
        let mut parts = rest.split(',').map(str::trim);
        let mut next = || parts.next().ok_or_else(form);
        let number =
            |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is not a number of degrees"));
        let (latitude, longitude) = (number(next()?)?, number(next()?)?);
        let jurisdiction = next()?.parse().map_err(|error| format!("{error}"))?;
        let address = |text: &str| text.parse().map_err(|_| format!("`{text}` is not an IP address"));
        let addresses: Vec<IpAddr> = parts.map(address).collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(form());
        }
        Ok(Self { name: name.to_owned(), latitude, longitude, jurisdiction, addresses })
    }
}

/// The names of the files beside that of the zone.
const OTHER_FILES: [&str; 2] = ["server", "regions"];

/// Returns the name of a zone that may be the name of a file.
fn zone(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if OTHER_FILES.contains(&name) {
        return Err(format!("`{name}.yaml` is the name of another file of the configuration"));
    }
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain) {
        true => Ok(name.to_owned()),
        false => Err("write a domain name, for example api.example.com".to_owned()),
    }
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let regions = match args.regions.as_slice() {
        [] => EXAMPLES.map(|text| text.parse().expect("an example is a region")).to_vec(),
        named => named.to_vec(),
    };
    if args.eu && !regions.iter().any(|region| region.jurisdiction.is_eu()) {
        return Err(BadInput::new("--eu needs a --region in the European Union").into());
    }
    let directory = &args.directory;
    if fs::read_dir(directory).is_ok_and(|mut files| files.next().is_some()) {
        let why = format!("{} is not empty: name a new directory", directory.display());
        return Err(BadInput::new(why).into());
    }
    let is_there = directory.is_dir();
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write {}", directory.display());
    let draft = match is_there {
        // What is beside it may be another file system, or not ours to write to.
        true => tempfile::tempdir(),
        false => tempfile::tempdir_in(parent),
    };
    let draft = draft.with_context(cannot)?;
    write(draft.path(), args, &regions).with_context(cannot)?;
    daemon::load(draft.path())?;
    if is_there {
        fill(directory, draft.path()).with_context(cannot)?;
    } else {
        fs::set_permissions(draft.path(), Permissions::from_mode(0o755)).with_context(cannot)?;
        fs::rename(draft.path(), directory).with_context(cannot)?;
    }
    let shown = directory.display();
    output::text(format_args!(
        "{shown} has server.yaml, regions.yaml and {}.yaml\n\n\
         meridian check {shown}             # what it would serve\n\
         meridian check --probe {shown}     # and what each canary sees\n\
         meridian serve --config {shown}\n",
        args.zone
    ));
    Ok(ExitCode::SUCCESS)
}

/// Copies the files of a draft into a directory, and writes over none.
fn fill(directory: &Path, draft: &Path) -> std::io::Result<()> {
    for file in fs::read_dir(draft)? {
        let file = file?;
        let mut copy = fs::File::create_new(directory.join(file.file_name()))?;
        copy.write_all(&fs::read(file.path())?)?;
    }
    Ok(())
}

fn write(directory: &Path, args: &Args, regions: &[NewRegion]) -> std::io::Result<()> {
    fs::write(directory.join("server.yaml"), server(args.ipv6))?;
    fs::write(directory.join("regions.yaml"), regions_file(&args.zone, regions))?;
    fs::write(directory.join(format!("{}.yaml", args.zone)), zone_file(args, regions))
}

fn server(ipv6: bool) -> String {
    let (any, loopback) = if ipv6 { (r#", "[::]:53""#, r#", "[::1]:5300""#) } else { ("", "") };
    format!(
        "# This instance. Every key: `meridian docs configuration`.\n\
         name: ns1                                    # NSID, and a field of log lines in JSON\n\
         listen:\n\
         \x20 dns: [\"127.0.0.1:5300\"{loopback}]        # in production [\"0.0.0.0:53\"{any}]\n\
         admin: \"127.0.0.1:8053\"                      # the page, /metrics, the API of the commands\n\
         geo: {{ database: shipped }}                   # or a file in MaxMind's format\n\
         # state: /var/lib/meridian                   # health, intents and events, across restarts\n\
         # access:                                    # changes need a token: `openssl rand -hex 32`\n\
         #   tokens: [{{ name: alice, role: operate, file: /etc/meridian-token }}]\n"
    )
}

fn regions_file(zone: &str, regions: &[NewRegion]) -> String {
    let mut text = String::from("# Where the API is served from, and what watches it.\nregions:\n");
    for NewRegion { name, latitude, longitude, jurisdiction, addresses } in regions {
        let addresses: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
        let _ = write!(
            text,
            "  {name}:\n    location: {{ latitude: {latitude}, longitude: {longitude} }}\n    \
             jurisdiction: {}                         # whose law applies to what is processed here\n    \
             zones:                                   # availability zones: parts that fail alone\n      \
             {name}-a: {{ addresses: [{}] }}\n    canaries: [health]\n    \
             # capacity: 1000                         # requests per second; with the signal `load` it is kept\n",
            jurisdiction.as_str(),
            addresses.join(", ")
        );
    }
    let _ = write!(
        text,
        "canaries:\n  health:\n    http: {{ url: \"http://{{address}}/health\", host: {zone} }}\n    \
         interval: 10s\n    timeout: 2s\n    recheck: 2s                              # the pace after a first failure\n    \
         fall: 3                                  # the 3rd consecutive failure takes the address down\n    \
         rise: 3\n\
         # failover: advise                           # says what it would do, and moves no client\n"
    );
    text
}

fn zone_file(args: &Args, regions: &[NewRegion]) -> String {
    let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
    let eu = regions.iter().filter(|region| region.jurisdiction.is_eu()).map(|region| region.name.as_str());
    let others =
        regions.iter().filter(|region| !region.jurisdiction.is_eu()).map(|region| region.name.as_str());
    let unknown: Vec<&str> = if args.eu { eu.chain(others).collect() } else { names.clone() };
    let (group, rule) = match args.eu {
        true => (
            "groups:\n  eu: { european_union: true }\n",
            "      residency:                             # nothing crosses it, whatever fails\n        \
             - { clients: eu, jurisdictions: [EU] }\n",
        ),
        false => ("", ""),
    };
    format!(
        "# The name of the API, and static records beside it.\nzone: {}\n\
         nameservers: [ns1.example.net, ns2.example.net]   # as in the parent zone\n{group}names:\n  \"@\":\n    steer:\n      \
         regions: [{}]\n      order: nearest                         # or listed, or lists by group\n      \
         ttl: 30s\n      https: {{ alpn: [h2] }}                  # also answer HTTPS, with the chosen region's hints\n\
         {rule}      unknown_location: [{}]   # for clients that no database knows\n      \
         all_down: fail_open                    # or servfail, nodata\n  # status: {{ CNAME: status.example.net. }}\n",
        args.zone,
        names.join(", "),
        unknown.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_a_name_a_place_a_country_and_addresses() {
        let region: NewRegion = EXAMPLES[0].parse().expect("a region");
        assert_eq!((region.name.as_str(), region.latitude, region.addresses.len()), ("tokyo", 35.68, 2));
        for (text, why) in [
            ("tokyo", "write it as tokyo=35.68"),
            ("tokyo=1,2,JP", "write it as tokyo=35.68"),
            ("tokyo=north,2,JP,192.0.2.1", "`north` is not a number of degrees"),
            ("tokyo=1,2,Japan,192.0.2.1", "`Japan` is not an ISO 3166-1 country code"),
            ("tokyo=1,2,JP,here", "`here` is not an IP address"),
        ] {
            let refused = text.parse::<NewRegion>().expect_err("no region");
            assert!(refused.starts_with(why), "{text}: {refused}");
        }
    }

    #[test]
    fn a_zone_names_a_file() {
        assert_eq!(zone("api.example.com."), Ok("api.example.com".to_owned()));
        assert!(zone("../api").is_err() && zone(".api").is_err() && zone("").is_err());
        assert!(zone("server").is_err() && zone("regions.").is_err(), "the draft has files of these names");
    }
}
