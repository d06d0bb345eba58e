//! `references` in `server.yaml`: targets outside the regions, which tell an outage of this instance's own network.

use std::net::IpAddr;

use reqwest::Url;

use crate::canary::ReferenceTarget;
use crate::config::problem::Reporter;
use crate::config::values::List;
use crate::config::values::url::{is_host, is_url};
use crate::config::yaml::Written;
use crate::region::Region;

/// The most references: each is a task, and a majority of three says as much as one of thirty.
pub const MAX_REFERENCES: usize = 16;

const HINT: &str = "write `192.0.2.1:443`, `www.example.com:443` or `https://www.example.com/`";

/// Lowers `references`.
pub(super) fn lower(spec: &Option<List<String>>, report: &mut Reporter) -> Vec<ReferenceTarget> {
    let mut references = Vec::new();
    for (text, span) in spec.items() {
        let target: Option<ReferenceTarget> = text.parse().ok().filter(can_be_probed);
        let Some(target) = target else {
            report.error(span, format!("`{text}` is not a reference")).hint(HINT);
            continue;
        };
        if references.contains(&target) {
            report.error(span, format!("`{text}` is listed twice"));
        }
        if references.len() == MAX_REFERENCES {
            report.error(span, format!("more than {MAX_REFERENCES} references"));
            break;
        }
        references.push(target);
    }
    references
}

/// Reports references that are addresses of regions: such a one is silent just when its region is.
pub(super) fn check<'r>(
    spec: &Option<List<String>>,
    regions: impl Iterator<Item = &'r Region> + Clone,
    report: &mut Reporter,
) {
    for (text, span) in spec.items() {
        let address = text.parse().ok().as_ref().and_then(address);
        let has = |region: &Region, ip| region.zones.iter().any(|zone| zone.addresses.contains(&ip));
        let owner = address.and_then(|ip| regions.clone().find(|region| has(region, ip)));
        if let Some(Region { name, .. }) = owner {
            let finding = report.error(span, format!("`{text}` is an address of region `{name}`"));
            finding.hint("a reference lies outside the regions: it must answer when they do not");
        }
    }
}

fn can_be_probed(target: &ReferenceTarget) -> bool {
    match target {
        ReferenceTarget::Tcp { host, .. } => host.parse::<IpAddr>().is_ok() || is_host(host),
        ReferenceTarget::Http(url) => is_url(url) && Url::parse(url).is_ok_and(|url| url.has_host()),
    }
}

/// Returns the IP address that a reference names; `None`: it names a host.
fn address(target: &ReferenceTarget) -> Option<IpAddr> {
    let host = match target {
        ReferenceTarget::Tcp { host, .. } => host.clone(),
        ReferenceTarget::Http(url) => Url::parse(url).ok()?.host_str()?.to_owned(),
    };
    host.trim_matches(['[', ']']).parse().ok()
}
