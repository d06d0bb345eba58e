//! URLs and their hosts, as far as they can be told to be wrong without an address in them.

use std::net::{IpAddr, Ipv6Addr};

use rustls::pki_types::ServerName;

/// What stands in the URL of a canary of regions for the name of each.
pub const REGION: &str = "{region}";

/// Returns whether this is an `http` or `https` URL with a host.
pub fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let is_plain = !url.chars().any(|character| character.is_whitespace() || character.is_control());
    is_plain && is_host_with_port(authority)
}

/// Returns whether a URL has a user, or a password, before its host.
pub fn has_user(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().contains('@')
}

/// Returns whether the URL of a canary of regions has a host when it is for this one.
pub fn leads_to(region: &str, url: &str) -> bool {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let authority = authority.split(['?', '#']).next().unwrap_or_default();
    is_host(parts(&authority.replace(REGION, region)).0)
}

/// Returns the host and the port of `api.example.com:8443`.
pub fn parts(authority: &str) -> (&str, Option<&str>) {
    let bracket = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[bracket..].split_once(':') {
        Some((end, port)) => (&authority[..bracket + end.len()], Some(port)),
        None => (authority, None),
    }
}

pub fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Returns whether this can be the `host` of a request: a name or an IP address, with or without a port.
pub fn is_host_with_port(text: &str) -> bool {
    if text.parse::<IpAddr>().is_ok() {
        return true;
    }
    let (host, port) = parts(text);
    is_host(host) && port.is_none_or(is_port)
}

/// Returns whether this can be the host of a URL: a name, or an IP address, in brackets if it is IPv6.
pub fn is_host(text: &str) -> bool {
    if let Some(bare) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return bare.parse::<Ipv6Addr>().is_ok();
    }
    // A name that ends in a number is read as an IPv4 address (WHATWG URL, section 3.5), right or wrong.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|digit| digit.is_ascii_digit());
    match ServerName::try_from(text) {
        Ok(ServerName::DnsName(_)) => !is_number,
        Ok(ServerName::IpAddress(_)) => !text.contains(':'),
        Ok(_) | Err(_) => false,
    }
}
