//! Proxies in front: whose word about the client is believed.
//!
//! Whoever connects may write `X-Forwarded-For: 10.0.0.1`. So the headers count only if the connection comes from a network
//! that the operator named, and as many of their entries as proxies are said to be there.

use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;
use ipnet::IpNet;

use super::trace::Trace;
use crate::settings::{Settings, network};

/// What the settings say of proxies.
#[derive(Debug)]
pub(crate) struct ProxyConfig {
    hops_for: usize,
    trust_proto: bool,
    trust_host: bool,
    /// Where proxies are; none means anywhere, as in the reference.
    networks: Vec<IpNet>,
    /// Whether anything asks for the address that the client asked the proxy for.
    tells_path: bool,
}

/// How a request came to this process, noted by our own listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transport {
    /// Whether by TLS.
    pub(crate) encrypted: bool,
}

/// What a proxy says of the client, as far as it is believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarded {
    for_: Vec<HeaderValue>,
    pub(crate) proto: Option<HeaderValue>,
    host: Option<HeaderValue>,
    path: Option<HeaderValue>,
    pub(crate) trace: Option<Trace>,
}

impl ProxyConfig {
    pub(crate) fn from_settings(settings: &Settings) -> Result<Self, String> {
        let count = |name: &str| usize::try_from(settings.int(name)).unwrap_or(0);
        let read = |text: &String| network::parse(text).ok_or_else(|| format!("proxy.trusted: {text:?} is no network"));
        Ok(Self {
            hops_for: count("proxy.x_for"),
            trust_proto: count("proxy.x_proto") > 0,
            trust_host: count("proxy.x_host") > 0,
            networks: settings.list("proxy.trusted").iter().map(read).collect::<Result<_, _>>()?,
            tells_path: settings.flag("auth_check"),
        })
    }

    /// Where proxies are.
    pub(crate) fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// Whether there is a proxy of ours at this address.
    fn names(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.networks.iter().any(|network| network.contains(&address)))
    }

    /// The headers of a request that came from `peer`, as far as they are believed.
    pub(crate) fn read(&self, peer: Option<IpAddr>, headers: &http::HeaderMap) -> Forwarded {
        let named = self.names(peer);
        if !named && !self.networks.is_empty() {
            return Forwarded::default();
        }
        // Of several headers of one name, the nearest proxy wrote the last.
        let last = |name: &str| headers.get_all(name).iter().next_back().cloned();
        Forwarded {
            for_: match self.hops_for {
                0 => Vec::new(),
                _ => headers.get_all("x-forwarded-for").iter().cloned().collect(),
            },
            proto: if self.trust_proto { last("x-forwarded-proto") } else { None },
            host: if self.trust_host { last("x-forwarded-host") } else { None },
            path: match self.tells_path && named {
                true => last("x-forwarded-uri").or_else(|| last("x-original-uri")),
                false => None,
            },
            trace: if named { Trace::of(headers) } else { None },
        }
    }

    /// The client's address: each proxy tells who connected to it, from the nearest to the one farthest out.
    pub(crate) fn client(&self, peer: Option<IpAddr>, forwarded: &Forwarded) -> Option<IpAddr> {
        let entries: Vec<&str> = forwarded
            .for_
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        if self.networks.is_empty() {
            let entry = entries.len().checked_sub(self.hops_for).and_then(|at| entries.get(at));
            return entry.and_then(|entry| address(entry)).or(peer);
        }
        let mut client = peer?;
        for entry in entries.iter().rev().take(self.hops_for) {
            match address(entry).filter(|_| self.names(Some(client))) {
                Some(before) => client = before,
                None => break,
            }
        }
        Some(client)
    }
}

impl Forwarded {
    /// Whether the client speaks https to the proxy; nothing if no proxy says so.
    pub(crate) fn is_https(&self) -> Option<bool> {
        self.proto.as_ref().map(|proto| last_entry(proto).eq_ignore_ascii_case("https"))
    }

    /// The host that the client asked for.
    pub(crate) fn host(&self) -> Option<&str> {
        self.host.as_ref().map(last_entry).filter(|host| !host.is_empty())
    }

    /// The path and query that the client asked for.
    pub(crate) fn path(&self) -> Option<&str> {
        self.path.as_ref().and_then(|path| path.to_str().ok()).filter(|path| path.starts_with('/'))
    }
}

/// The last entry was added by the nearest proxy.
fn last_entry(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default().rsplit(',').next().unwrap_or_default().trim()
}

/// An address, with or without a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|both| both.ip());
    entry.parse::<IpAddr>().ok().or_else(bare).or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderMap;
    use rstest::rstest;

    use super::*;

    fn config(hops_for: usize, networks: &[&str]) -> ProxyConfig {
        let networks = networks.iter().map(|text| network::parse(text).unwrap()).collect();
        ProxyConfig { hops_for, trust_proto: true, trust_host: true, networks, tells_path: true }
    }

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn client(config: &ProxyConfig, peer: &str, forwarded_for: &str) -> String {
        let peer = Some(peer.parse().unwrap());
        let forwarded = config.read(peer, &headers(&[("x-forwarded-for", forwarded_for)]));
        config.client(peer, &forwarded).unwrap().to_string()
    }

    const LAN: &[&str] = &["10.0.0.0/8", "::1"];

    #[rstest]
    #[case::from_a_proxy("10.0.0.1", "192.0.2.1", "192.0.2.1")]
    #[case::whatever_the_client_wrote("10.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1")]
    #[case::by_two_proxies("10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1")]
    #[case::no_further_than_two("10.0.0.1", "192.0.2.1, 10.0.0.3, 10.0.0.2", "10.0.0.3")]
    #[case::past_a_stranger("10.0.0.1", "192.0.2.1, 192.0.2.2", "192.0.2.2")]
    #[case::from_a_stranger("192.0.2.1", "10.9.9.9", "192.0.2.1")]
    #[case::nonsense("10.0.0.1", "unknown", "10.0.0.1")]
    #[case::empty("10.0.0.1", "", "10.0.0.1")]
    #[case::with_a_port("10.0.0.1", "192.0.2.1:4711", "192.0.2.1")]
    #[case::of_ipv6("::1", "[2001:db8::1]:4711", "2001:db8::1")]
    #[case::of_ipv6_without_port("::1", "[2001:db8::1]", "2001:db8::1")]
    fn addresses_by_named_proxies(#[case] peer: &str, #[case] forwarded_for: &str, #[case] expected: &str) {
        assert_eq!(client(&config(2, LAN), peer, forwarded_for), expected);
    }

    #[rstest]
    #[case(1, "198.51.100.9, 192.0.2.1", "192.0.2.1")]
    #[case(2, "192.0.2.1, 198.51.100.9", "192.0.2.1")]
    #[case(2, "192.0.2.1", "127.0.0.1")]
    #[case(0, "192.0.2.1", "127.0.0.1")]
    fn addresses_by_number_of_proxies_alone(#[case] hops: usize, #[case] forwarded_for: &str, #[case] expected: &str) {
        assert_eq!(client(&config(hops, &[]), "127.0.0.1", forwarded_for), expected);
    }

    #[test]
    fn scheme_host_and_path() {
        let sent = headers(&[
            ("x-forwarded-proto", "http"),
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "evil.example, app.example"),
            ("x-forwarded-uri", "/orders?page=2"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]);
        let read = |networks: &[&str], peer: &str| config(1, networks).read(Some(peer.parse().unwrap()), &sent);
        let believed = read(LAN, "10.0.0.1");
        assert_eq!(
            (believed.is_https(), believed.host(), believed.path()),
            (Some(true), Some("app.example"), Some("/orders?page=2"))
        );
        assert_eq!(believed.trace.unwrap().parent(), "b7ad6b7169203331");
        let stranger = read(LAN, "192.0.2.1");
        assert_eq!(stranger.trace, None);
        assert_eq!((stranger.is_https(), stranger.host(), stranger.path()), (None, None, None));
        let unnamed = read(&[], "192.0.2.1");
        assert_eq!((unnamed.is_https(), unnamed.path()), (Some(true), None), "a path counts from named proxies only");
        assert_eq!(unnamed.trace, None, "and so does a trace");
    }
}
