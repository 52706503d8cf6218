//! Which addresses a webhook may reach. A webhook's URL comes from the settings, but its name server and its redirects do
//! not: without this, either could point whittle at what only this machine can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Decides by address, after a name is resolved.
#[derive(Clone, Copy)]
pub struct AddressGuard {
    allowed: fn(IpAddr) -> bool,
}

/// An address that may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} is a private or local address; set allow_private = true for this webhook if it is meant to be reached")]
pub struct ForbiddenAddress {
    /// The name or address.
    pub host: String,
}

impl AddressGuard {
    /// Public addresses alone.
    pub fn public() -> Self {
        AddressGuard { allowed: is_public }
    }

    /// All addresses.
    pub fn any() -> Self {
        AddressGuard { allowed: |_| true }
    }

    /// The addresses of which a function says so.
    #[cfg(test)]
    pub(super) fn only(allowed: fn(IpAddr) -> bool) -> Self {
        AddressGuard { allowed }
    }

    /// Checks a URL's host where it is an address: such hosts are never resolved.
    pub(super) fn check(&self, url: &url::Url) -> Result<(), ForbiddenAddress> {
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => IpAddr::V4(address),
            Some(url::Host::Ipv6(address)) => IpAddr::V6(address),
            Some(url::Host::Domain(_)) | None => return Ok(()),
        };
        if (self.allowed)(address) { Ok(()) } else { Err(ForbiddenAddress { host: address.to_string() }) }
    }
}

/// Resolves names, and leaves out the addresses that may not be reached. The connection goes to an address that passed,
/// so that a second look-up cannot give another.
impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let passed: Vec<SocketAddr> = found.iter().copied().filter(|address| allowed(address.ip())).collect();
            if passed.is_empty() && !found.is_empty() {
                return Err(ForbiddenAddress { host }.into());
            }
            let addresses: Addrs = Box::new(passed.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the public internet (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Azure's metadata and health server has an address that looks public.
const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)                      // this network, private, loopback
            | (100, 64..=127, _)                // shared by carriers
            | (169, 254, _)                     // link-local, metadata servers among them
            | (172, 16..=31, _)                 // private
            | (192, 0, 0 | 2)                   // protocol assignments, documentation
            | (192, 88, 99)                     // relays of 6to4
            | (192, 168, _)                     // private
            | (198, 18 | 19, _)                 // benchmarks
            | (198, 51, 100) | (203, 0, 113)    // documentation
            | (224..=255, ..) // multicast, reserved, broadcast
    );
    !special && address != AZURE
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // IPv4 addresses in another dress: mapped, and translated by a gateway.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(last(high, low)),
        // Protocol assignments with Teredo, documentation, 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // The only part that is given out; loopback, unique-local, link-local and multicast are outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808";

    const SPECIAL: &str = "0.0.0.0 10.1.2.3 127.0.0.1 127.255.0.9 100.64.0.1 100.100.100.200 169.254.169.254 172.16.0.1 \
        172.31.255.255 192.168.0.1 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.7 203.0.113.7 224.0.0.1 \
        240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ::ffff:127.0.0.1 \
        ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1";

    #[test]
    fn only_the_public_internet_is_public() {
        for (addresses, public) in [(PUBLIC, true), (SPECIAL, false)] {
            for text in addresses.split_whitespace() {
                assert_eq!(is_public(text.parse().expect("an address")), public, "{text}");
            }
        }
    }

    #[test]
    fn hosts_that_are_addresses_in_any_spelling_are_checked() {
        for url in
            ["http://127.0.0.1/", "http://0x7f.1/", "http://2130706433/", "http://[::1]/", "http://[::ffff:7f00:1]:80/"]
        {
            let url = url.parse().expect("a URL");
            assert!(AddressGuard::public().check(&url).is_err(), "{url}");
            assert!(AddressGuard::any().check(&url).is_ok(), "{url}");
        }
        assert!(AddressGuard::public().check(&"https://9.9.9.9/x".parse().expect("a URL")).is_ok());
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let localhost = || "localhost".parse().expect("a name");
        let error = AddressGuard::public().resolve(localhost()).await.err().expect("refused");
        assert!(error.downcast_ref::<ForbiddenAddress>().is_some_and(|e| e.host == "localhost"), "{error}");
        let addresses: Vec<_> = AddressGuard::any().resolve(localhost()).await.expect("resolved").collect();
        assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");
    }
}
