//! Who may connect: a bounded number of connections, and of one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;
use parking_lot::Mutex;

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    most_per_address: usize,
    /// Proxies of ours: they speak for many.
    proxies: Vec<IpNet>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Places {
    pub(crate) fn new(most: usize, most_per_address: usize, proxies: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self { most, most_per_address, proxies, taken: Mutex::default() })
    }

    /// A place for a connection from `peer`, if there is one.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let counted = !self.proxies.iter().any(|network| network.contains(&peer));
        let whose = counted.then(|| household(peer));
        let mut taken = self.taken.lock();
        if taken.total >= self.most {
            return None;
        }
        if let Some(address) = whose {
            let held = taken.by_address.entry(address).or_default();
            if *held >= self.most_per_address {
                return None;
            }
            *held += 1;
        }
        taken.total += 1;
        Some(Place { places: Arc::clone(self), whose })
    }
}

/// Whom an address counts for: an IPv6 customer has a whole /64.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    whose: Option<IpAddr>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.total -= 1;
        let Some(address) = self.whose else { return };
        if let Some(held) = taken.by_address.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let places = Places::new(4, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let take = |text: &str| places.take(text.parse().unwrap());
        let held = (take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap());
        assert!(take("192.0.2.1").is_none(), "two are all for one address, however it is written");
        let proxies = (take("10.1.1.1").unwrap(), take("10.1.1.1").unwrap());
        assert!(take("10.1.1.1").is_none(), "four are all for everybody");
        drop(proxies);
        let homes = (take("2001:db8::1").unwrap(), take("2001:db8::ffff:2").unwrap());
        drop(held);
        assert!(take("2001:db8::3").is_none(), "a /64 is one household");
        assert!(take("2001:db8:0:1::1").is_some());
        drop(homes);
        let taken = places.taken.lock();
        assert_eq!((taken.total, taken.by_address.len()), (0, 0), "nothing is remembered of who has gone");
    }
}
