//! [`BaggageTo`]: who is told the baggage. The trace context goes to everybody: it is two random numbers.

use std::sync::Arc;

use url::{Host, Url};

/// Names that are never given out on the open internet: RFC 6761, RFC 6762 (`cluster.local` too), and ICANN's choice for
/// private use.
const PRIVATE: [&str; 3] = [".localhost", ".local", ".internal"];

/// The hosts that were named, or those of the own network where none was.
#[derive(Debug, Clone, Default)]
pub(super) struct BaggageTo(Option<Arc<[String]>>);

impl BaggageTo {
    /// These too.
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

/// A name that begins with a dot stands for all that end in it.
fn is_named(host: &Host<&str>, name: &str) -> bool {
    match host {
        Host::Domain(host) if name.starts_with('.') => host.ends_with(name),
        Host::Domain(host) => *host == name,
        Host::Ipv4(ip) => name.parse() == Ok(*ip),
        Host::Ipv6(ip) => name.parse() == Ok(*ip),
    }
}

/// Whether only the own network can know the host by this name or address. Link-local addresses are not among them: the
/// metadata services of clouds have one.
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

    fn told<'a>(to: &BaggageTo, urls: &[&'a str]) -> Vec<&'a str> {
        let is_told = |url: &&&str| to.includes(&url.parse().unwrap());
        urls.iter().filter(is_told).copied().collect()
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
        assert_eq!(told(&BaggageTo::default(), &own), own);
        assert_eq!(told(&BaggageTo::default(), &others), [""; 0]);
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
        assert_eq!(told(&named, &theirs), theirs);
        assert_eq!(told(&named, &others), [""; 0]);
        let nobody = BaggageTo::default().with([""; 0]);
        assert_eq!(told(&nobody, &theirs), [""; 0]);
    }
}
