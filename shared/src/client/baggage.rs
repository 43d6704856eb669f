//! [`BaggageTo`]: the hosts that receive baggage. All hosts receive the trace context, which holds no user data.

use std::sync::Arc;

use url::{Host, Url};

/// Domains that cannot be registered on the internet: `.localhost` (RFC 6761), `.local` (RFC 6762; includes
/// `cluster.local` of Kubernetes) and `.internal` (reserved by ICANN for private use).
const PRIVATE: [&str; 3] = [".localhost", ".local", ".internal"];

/// The hosts that receive baggage: the listed hosts, or all hosts of the private network if `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct BaggageTo(Option<Arc<[String]>>);

impl BaggageTo {
    /// Adds hosts that receive baggage.
    pub(super) fn with<H: Into<String>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        let before = self.0.unwrap_or_default();
        let hosts = hosts.into_iter().map(|host| host.into().to_lowercase());
        Self(Some(before.iter().cloned().chain(hosts).collect()))
    }

    pub(super) fn includes(&self, url: &Url) -> bool {
        let Some(host) = url.host() else {
            return false;
        };
        match &self.0 {
            None => is_private(&host),
            Some(named) => named.iter().any(|name| is_named(&host, name)),
        }
    }
}

/// Returns whether the name matches the host. A name that starts with a dot matches all subdomains.
fn is_named(host: &Host<&str>, name: &str) -> bool {
    match host {
        Host::Domain(host) if name.starts_with('.') => host.ends_with(name),
        Host::Domain(host) => *host == name,
        Host::Ipv4(ip) => name.parse() == Ok(*ip),
        Host::Ipv6(ip) => name.parse() == Ok(*ip),
    }
}

/// Returns whether the host belongs to the private network. Link-local addresses do not count as private, since cloud
/// metadata services use them.
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => !name.contains('.') || PRIVATE.iter().any(|end| name.ends_with(end)),
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_private(),
        Host::Ipv6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_private(&Host::Ipv4(ip)),
            None => ip.is_loopback() || ip.is_unique_local(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn included<'a>(to: &BaggageTo, urls: &[&'a str]) -> Vec<&'a str> {
        let is_included = |url: &&&str| to.includes(&url.parse().unwrap());
        urls.iter().filter(is_included).copied().collect()
    }

    #[test]
    fn baggage_defaults_to_private_network() {
        let own = [
            "http://inventory:8081/",
            "http://LOCALHOST/",
            "http://inventory.shop.svc.cluster.local/",
            "http://host.docker.internal/",
            "http://a.localhost/",
            "http://127.0.0.1/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://[::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:10.1.2.3]/",
        ];
        let others = [
            "http://payments.example/",
            "http://local.example/",
            "http://notlocal.example.local.com/",
            "http://172.32.0.1/",
            "http://8.8.8.8/",
            "http://169.254.169.254/latest/meta-data",
            "http://[2001:db8::1]/",
            "http://[::ffff:8.8.8.8]/",
            "mailto:ann@inventory",
        ];
        assert_eq!(included(&BaggageTo::default(), &own), own);
        assert_eq!(included(&BaggageTo::default(), &others), [""; 0]);
    }

    #[test]
    fn baggage_with_named_hosts_goes_only_there() {
        let named = BaggageTo::default()
            .with(["Inventory.example", "10.0.0.1"])
            .with([".shop.example", "fd00::1"]);
        let theirs = [
            "https://INVENTORY.example:8443/a",
            "http://10.0.0.1/",
            "http://a.shop.example/",
            "http://a.b.shop.example/",
            "http://[fd00::1]/",
        ];
        let others = [
            "http://shop.example/",
            "http://badshop.example/",
            "http://a.inventory.example/",
            "http://10.0.0.2/",
            "http://localhost/",
            "http://[fd00::2]/",
        ];
        assert_eq!(included(&named, &theirs), theirs);
        assert_eq!(included(&named, &others), [""; 0]);
        let none = BaggageTo::default().with([""; 0]);
        assert_eq!(included(&none, &theirs), [""; 0]);
    }
}
