//! Takes over where the names of availability zones lead.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Control, Effect};
use crate::event::Event;
use crate::moment::Moment;
use crate::region::{HostLookup, Regions, Site};
use crate::snapshot::Base;

impl Control {
    /// Takes what lookups found, and the world that follows; `None`: names lead where they led before.
    pub(super) fn resolved(
        &mut self,
        base: Option<Arc<Base>>,
        lookups: &[HostLookup],
        now: Moment,
    ) -> Vec<Effect> {
        let mut effects = match base {
            Some(base) => {
                self.rules.follow(&base.config);
                let moved = moved(&self.base.config.regions, &base.config.regions, now);
                self.take_over(base, |_, _| moved, now)
            }
            None => Vec::new(),
        };
        let regions = &self.base.config.regions;
        let alarms = self.server_alarms.looked_up(lookups, regions, now);
        effects.extend(alarms.into_iter().map(Effect::emit));
        effects
    }
}

/// Returns an event for each name that leads elsewhere than before.
fn moved(before: &Regions, after: &Regions, now: Moment) -> Vec<Event> {
    let by_name = |regions: &'_ Regions| -> BTreeMap<String, Vec<IpAddr>> {
        let zones = regions.zones().filter_map(|(_, _, zone)| Some((zone.host.as_ref()?, &zone.addresses)));
        zones.map(|(host, ips)| (host.name.clone(), ips.clone())).collect()
    };
    let led = by_name(before);
    let zones = after.zones().filter_map(|(id, _, zone)| Some((id, zone.host.as_ref()?, &zone.addresses)));
    let moved = zones.filter_map(|(id, host, ips)| {
        let before = led.get(&host.name).map_or(&[][..], Vec::as_slice);
        (before != ips)
            .then(|| Event::host_moved(&after.target(Site::Zone(id)), &host.name, [before, ips], now))
    });
    moved.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::seen;
    use crate::control::{Control, Input, Restored};
    use crate::region::HostAddresses;
    use crate::snapshot::fixture;

    const REGIONS: &str = "regions:\n  \
        tokyo: { location: { latitude: 35, longitude: 139 }, jurisdiction: JP, canaries: [tcp], \
                 zones: { a: { host: lb.example.net } } }\n  \
        osaka: { location: { latitude: 34, longitude: 135 }, jurisdiction: JP, canaries: [tcp], \
                 zones: { a: { addresses: [192.0.2.9] } } }\n\
        canaries: { tcp: { tcp: { port: 443 }, fall: 1, rise: 1 } }\n";
    const ZONE: &str = "zone: example.com\nnameservers: [ns1.example.net]\n\
                        names: { '@': { steer: { regions: [tokyo, osaka], order: listed } } }\n";

    /// A control of two regions, one of which has the addresses that a name leads to.
    struct Led {
        base: Arc<Base>,
        control: Control,
        /// The addresses in answers.
        answered: Vec<String>,
    }

    impl Led {
        fn begin() -> Self {
            let base = Arc::new(fixture::base(REGIONS, ZONE));
            let mut led =
                Self { control: Control::new(Arc::clone(&base), Moment(0)), base, answered: Vec::new() };
            led.handle(Input::Restored(Restored::default()), 0);
            led
        }

        fn handle(&mut self, input: Input, at: u64) -> Vec<String> {
            let mut said = Vec::new();
            for effect in self.control.handle(input, Moment(at)) {
                match effect {
                    Effect::Publish(snapshot) => {
                        self.answered = snapshot.given.keys().map(|(_, ip)| ip.to_string()).collect();
                        self.answered.sort();
                    }
                    Effect::Emit(event) => said.push(event.text),
                    _ => {}
                }
            }
            said.retain(|text| text.contains("lb.example.net"));
            said
        }

        /// Takes what a lookup found, and returns what is said of it.
        fn look_up(&mut self, found: Result<&[&str], &str>, at: u64) -> Vec<String> {
            let host = "lb.example.net".to_owned();
            let ips = |list: &[&str]| -> Vec<IpAddr> {
                list.iter().map(|ip| ip.parse().expect("an address")).collect()
            };
            let base = found.ok().map(|list| {
                let known = HostAddresses([(host.clone(), ips(list))].into());
                Arc::new(self.base.led_by(&known))
            });
            let base = base.filter(|base| base.config.regions != self.control.base.config.regions);
            let lookups = vec![HostLookup { host, found: found.map(ips).map_err(str::to_owned) }];
            self.handle(Input::Resolved { base, lookups }, at)
        }
    }

    #[test]
    fn a_zone_has_the_addresses_that_its_name_leads_to_and_keeps_them_while_it_leads_nowhere() {
        let mut led = Led::begin();
        assert_eq!(led.answered, ["192.0.2.9"], "a region without addresses is passed over");
        assert_eq!(
            led.look_up(Err("does not resolve: timeout"), 1000),
            ["lb.example.net does not resolve: timeout; tokyo/a keeps its 0 addresses"]
        );
        assert_eq!(
            led.look_up(Ok(&["192.0.2.1", "192.0.2.2"]), 2000),
            [
                "lb.example.net leads to 192.0.2.1, 192.0.2.2: tokyo/a had no address before",
                "lb.example.net is looked up again: tokyo/a has 2 addresses"
            ]
        );
        assert_eq!(led.answered, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(led.look_up(Ok(&["192.0.2.1", "192.0.2.2"]), 3000), [""; 0]);
        for at in [4000, 5000] {
            let said = led.look_up(Err("has no address"), at);
            let once = ["lb.example.net has no address; tokyo/a keeps its 2 addresses"];
            assert_eq!(said, if at == 4000 { &once[..] } else { &[] });
        }
        assert_eq!(led.answered, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(led.control.report(Moment(5000)).alarms.len(), 1);
    }

    #[test]
    fn an_address_that_stays_keeps_its_health_and_a_new_one_is_probed() {
        let mut led = Led::begin();
        led.look_up(Ok(&["192.0.2.1", "192.0.2.2"]), 1000);
        let failed = seen(&led.control, false, Moment(2000));
        led.handle(Input::Observed(vec![failed]), 2000);
        assert_eq!(led.answered, ["192.0.2.2"]);
        led.look_up(Ok(&["192.0.2.1", "192.0.2.3"]), 3000);
        assert_eq!(led.answered, ["192.0.2.3"], "192.0.2.1 is down under another number, too");
    }
}
