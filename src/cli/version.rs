//! `meridian --version`: the version, and the sources of the location data that the program carries.

/// Returns the version; `verbose` adds the attribution that the licence of the location data asks for.
pub fn text(verbose: bool) -> String {
    let version = concat!("meridian ", env!("CARGO_PKG_VERSION"), "\n");
    if verbose { format!("{version}{ATTRIBUTION}") } else { version.to_owned() }
}

/// What CC BY 4.0 and DB-IP ask for where results are shown.
const ATTRIBUTION: &str = "\
location data of the demo and of geoip/world.mmdb: IP Geolocation by DB-IP (https://db-ip.com),
  DB-IP City Lite of June 2026, places merged, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verbose_version_attributes_the_location_data() {
        assert_eq!(text(false).lines().count(), 1);
        assert!(text(true).starts_with(&text(false)));
        assert!(text(true).contains("https://db-ip.com") && text(true).contains("CC BY 4.0"));
    }
}
