//! Where the names of availability zones led last.

use super::store::Saved;
use crate::region::HostAddresses;

impl Saved for HostAddresses {
    const FILE: &'static str = "hosts.json";
    const VERSION: u64 = 1;
    /// As many names as there may be, with as many addresses.
    const MAX_BYTES: u64 = 1024 * 1024;
    const LOSS: &'static str = "names of availability zones lead nowhere until they are looked up";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::store::tests::check;

    #[test]
    fn where_names_led_is_read_as_it_was_saved() {
        let ips = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().expect("an address"));
        let hosts = HostAddresses([("lb.example.net".to_owned(), ips.to_vec())].into());
        check(&hosts, serde_json::json!({"lb.example.net": ["192.0.2.1", "2001:db8::1"]}));
    }
}
