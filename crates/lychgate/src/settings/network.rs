//! Networks of addresses, as settings name them.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// A network as `10.0.0.0/8`, or one address alone; addresses of IPv4 that are written as IPv6 are read as IPv4.
pub(crate) fn parse(text: &str) -> Option<IpNet> {
    let text = text.trim();
    match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        Err(_) => text.parse::<IpNet>().ok().map(|network| canonical(network.trunc())),
    }
}

/// A network of IPv4 that is written as IPv6 (RFC 4291, 2.5.5.2) as what it is.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(six) = network else { return network };
    let length = six.prefix_len().checked_sub(96);
    let four = six.addr().to_ipv4_mapped().zip(length);
    four.and_then(|(address, length)| Ipv4Net::new(address, length).ok()).map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn networks_and_single_addresses() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.0/120", "192.0.2.7", "192.0.3.7"),
            ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
            ("::1", "::1", "::2"),
        ] {
            let network = parse(text).unwrap();
            let contains = |address: &str| network.contains(&address.parse::<IpAddr>().unwrap());
            assert!(contains(inside) && !contains(outside), "{text}");
        }
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "::/129", "*"] {
            assert!(parse(text).is_none(), "{text:?}");
        }
    }
}
