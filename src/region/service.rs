//! Services: what shares the machines of a region and has canaries of its own.
//!
//! An API on port 443 and batches on port 8443 may stand behind one address, and one of them may be sick. Each service
//! of a region is watched, steered and operated as a region of its own that is called `REGION:SERVICE`; what an operator
//! asks of `REGION` is about all of them, for they are in one place. Which regions fail together, stand out or are the
//! last in service is asked among those of one service.

use super::Region;

/// What stands between the name of a region and that of its service. No name holds it.
pub const SERVICE_SEPARATOR: char = ':';

/// The services of a region besides its own addresses, at most: with each, everything is probed once more.
pub const MAX_SERVICES: usize = 8;

/// Returns the name that a service of a region goes by.
pub fn service_name(region: &str, service: &str) -> String {
    format!("{region}{SERVICE_SEPARATOR}{service}")
}

/// Returns the names of a region and of its service; `None`: the region itself.
pub fn split_service(name: &str) -> (&str, Option<&str>) {
    match name.split_once(SERVICE_SEPARATOR) {
        Some((region, service)) => (region, Some(service)),
        None => (name, None),
    }
}

impl Region {
    /// Returns the name of the region without its service.
    pub fn place(&self) -> &str {
        split_service(&self.name).0
    }

    /// Returns the service; `None`: its own addresses, which are of no named service.
    pub fn service(&self) -> Option<&str> {
        split_service(&self.name).1
    }
}
