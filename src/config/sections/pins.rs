//! `pins` of steered names: the names that they add to a zone.

use super::draft::{NodeDraft, ZoneList, ZoneLowering};
use super::inner_zones::InnerZones;
use super::regions::Definitions;
use crate::config::problem::{Reporter, Span};
use crate::config::records;
use crate::config::sources::SourceFiles;
use crate::region::{RegionId, Site, ZoneId};
use crate::steering::{Pin, SteeringId};
use crate::zone::PinId;

impl ZoneLowering<'_> {
    /// Adds the pins of all steered names. It comes after everything else that adds names, so that those are known which
    /// would be hidden.
    pub fn pins(&mut self) {
        for (of, span) in std::mem::take(&mut self.pinned) {
            let steering = &self.zones.steered[of.0 as usize];
            // Several names may share one `steer`, and a name below a wildcard would hide what the wildcard stands for.
            if steering.owner.is_wildcard() {
                continue;
            }
            let above = steering.owner.clone();
            for (text, site) in sites(self.definitions, &steering.policy.regions) {
                let owner = self.report.ok(span, records::parse_name(&text, &above));
                if let Some(owner) = owner.filter(|owner| self.admits(owner, span)) {
                    self.pin(Pin { owner, of, site }, span);
                }
            }
        }
    }

    fn pin(&mut self, pin: Pin, span: Span) {
        if let Some(other) = self.nodes.get(&pin.owner) {
            let message = format!("the pin `{}` is a name of its own already", pin.owner);
            let hint = hint(other, self.zones, self.sources);
            self.report.error(span, message).hint(hint);
            return;
        }
        let id = PinId(u32::try_from(self.zones.pins.len()).expect("files are bounded"));
        let draft = NodeDraft { pin: Some(id), ..NodeDraft::default() };
        self.nodes.insert(pin.owner.clone(), draft);
        let steering = &mut self.zones.steered[pin.of.0 as usize];
        if let (Site::Region(region), Some(https), true) =
            (pin.site, &mut steering.https, steering.policy.names_next)
        {
            https.pins.push((region, pin.owner.clone()));
        }
        self.zones.pins.push((pin, span));
    }
}

/// Says what has the name of a pin.
fn hint(other: &NodeDraft, zones: &ZoneList, sources: &SourceFiles) -> String {
    match other.pin {
        Some(PinId(pin)) => {
            let SteeringId(of) = zones.pins[pin as usize].0.of;
            format!(
                "it is a pin of `{}`, too: leave `pins` out of one of them",
                zones.steered[of as usize].owner
            )
        }
        None => {
            let span = other.rrsets.first().map(|set| set.span).or(other.steering.map(|(_, span)| span));
            let span = span.unwrap_or_default();
            format!("it is at {}: take it away, or leave `pins` out", span.line_text(sources))
        }
    }
}

/// Returns every region and availability zone, with the labels of its pin before those of the steered name.
fn sites(definitions: &Definitions, regions: &[RegionId]) -> Vec<(String, Site)> {
    let mut sites = Vec::new();
    for id in regions {
        // A region that is wrong has been reported, and so have those beyond the most that there may be.
        let Some(Some(region)) = definitions.regions.get(usize::from(id.0)) else { continue };
        sites.push((region.place().to_owned(), Site::Region(*id)));
        let before = definitions.regions[..usize::from(id.0)].iter().flatten();
        let first: usize = before.map(|region| region.zones.len()).sum();
        for (position, zone) in region.zones.iter().enumerate() {
            let number = u16::try_from(first + position).unwrap_or(u16::MAX);
            sites.push((format!("{}.{}", zone.name, region.place()), Site::Zone(ZoneId(number))));
        }
    }
    sites
}

/// Reports pins that a zone of their own hides.
pub(super) fn check_zones(zones: &ZoneList, report: &mut Reporter) {
    for (pin, span) in &zones.pins {
        let steered = &zones.steered[pin.of.0 as usize].owner;
        if let Some((apex, place)) = InnerZones::of(steered, &zones.apexes).find(&pin.owner) {
            let message = format!("the pin `{}` is in the zone `{apex}`", pin.owner);
            report.error(*span, message).hint(format!("that zone is at {place}; leave `pins` out"));
        }
    }
}
