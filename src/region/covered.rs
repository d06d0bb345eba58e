//! What an action on a target is about: the services of a region share its fate.

use super::{Region, RegionId, Regions, Resolved, Target};

impl Regions {
    /// Returns the services that there are, `None` among them if there is any region.
    pub fn services(&self) -> Vec<Option<&str>> {
        let mut services: Vec<_> = self.iter().map(|(_, region)| region.service()).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// Returns what an action on a target is about: what it names, and, if that is of no service, the same of each service.
    /// Empty: it names nothing.
    pub fn covered(&self, target: &Target) -> Vec<Resolved> {
        let of_services = self.services_of(target.region()).filter_map(|id| {
            let renamed = target.in_region(&self.region(id).name);
            self.resolve(&renamed).ok()
        });
        self.resolve(target).into_iter().chain(of_services).collect()
    }

    /// Returns the region with this name and its services; one service alone if the name is of one.
    pub fn with_services(&self, name: &str) -> impl Iterator<Item = RegionId> {
        self.find(name).into_iter().chain(self.services_of(name))
    }

    /// Returns the services of the region with this name.
    fn services_of(&self, name: &str) -> impl Iterator<Item = RegionId> {
        let of_place = move |region: &Region| region.service().is_some() && region.place() == name;
        self.iter().filter(move |(_, region)| of_place(region)).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::region;
    use super::*;

    fn regions() -> Regions {
        Regions::new(vec![
            region("tokyo", "JP", &[&["192.0.2.1"], &["192.0.2.2"]]),
            region("tokyo:batch", "JP", &[&["192.0.2.1"]]),
            region("osaka", "JP", &[&["192.0.2.3"]]),
        ])
    }

    #[test]
    fn what_is_asked_of_a_region_is_about_its_services_and_not_the_other_way_round() {
        let regions = regions();
        let covered = |text: &str| {
            let covered = regions.covered(&text.parse().expect("a target"));
            let named = covered.into_iter().map(|one| regions.target(one).to_string());
            named.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(covered("tokyo"), "tokyo tokyo:batch");
        assert_eq!(covered("tokyo:batch"), "tokyo:batch");
        assert_eq!(covered("osaka"), "osaka");
        assert_eq!(covered("tokyo/tokyo-a"), "tokyo/tokyo-a", "the service has a zone of another name");
        assert_eq!(covered("moon"), "");
        assert_eq!(regions.services(), [None, Some("batch")]);
        assert_eq!(regions.with_services("tokyo").count(), 2);
    }
}
