//! The hosts that files are fetched from.

use std::collections::BTreeSet;

use http::Uri;
use http::uri::Authority;

/// Discord's content network. Source: the attachment objects and the page on image formatting of
/// Discord's documentation.
const OWN: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// The port of a host that names none.
const HTTPS: u16 = 443;

/// The hosts that files are fetched from.
#[derive(Debug)]
pub(super) struct Hosts {
    /// By name and port, over HTTPS.
    hosts: BTreeSet<(String, u16)>,
    /// The API's origin, over what it is asked over.
    api: Option<(String, Authority)>,
}

impl Hosts {
    /// Discord's own, the API's and `more`, of which each is a name, or a name and a port.
    pub(super) fn new(api: &str, more: &[String]) -> Self {
        let mut hosts: BTreeSet<(String, u16)> = OWN.map(|host| (host.to_owned(), HTTPS)).into();
        hosts.extend(more.iter().filter_map(|host| {
            let host = authority(host)?;
            Some((host.host().to_ascii_lowercase(), port(&host)))
        }));
        let api: Option<Uri> = api.parse().ok();
        let api = api.and_then(|api| {
            let (scheme, authority) = (api.scheme_str()?, api.authority()?);
            hosts.insert((authority.host().to_ascii_lowercase(), HTTPS));
            Some((scheme.to_owned(), authority.clone()))
        });
        Self { hosts, api }
    }

    /// Whether an address is on one of them.
    pub(super) fn admit(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return false;
        };
        if authority.as_str().contains('@') {
            return false;
        }
        // Authorities are equal whatever the case of their letters.
        let is_api =
            |(api_scheme, api): &(String, Authority)| api_scheme == scheme && api == authority;
        if self.api.as_ref().is_some_and(is_api) {
            return true;
        }
        let host = (authority.host().to_ascii_lowercase(), port(authority));
        scheme == "https" && self.hosts.contains(&host)
    }
}

/// A host as it is configured; `None` if it is none.
pub(crate) fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.trim().parse().ok()?;
    let is_host = !authority.host().is_empty() && !authority.as_str().contains('@');
    is_host.then_some(authority)
}

fn port(authority: &Authority) -> u16 {
    authority.port_u16().unwrap_or(HTTPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_somebody_named_are_admitted() {
        let more = [
            "files.example.org".to_owned(),
            "Other.example:8443".to_owned(),
        ];
        let hosts = Hosts::new("http://127.0.0.1:3000", &more);
        for (address, admitted) in [
            (
                "https://cdn.discordapp.com/attachments/1/2/a.png?ex=1",
                true,
            ),
            ("https://CDN.discordapp.com:443/a", true),
            ("https://media.discordapp.net/a", true),
            ("http://cdn.discordapp.com/a", false),
            ("https://cdn.discordapp.com:8443/a", false),
            ("https://cdn.discordapp.com.evil.example/a", false),
            ("https://evilcdn.discordapp.com/a", false),
            ("https://x@cdn.discordapp.com/a", false),
            ("https://cdn.discordapp.com@evil.example/a", false),
            ("https://files.example.org/a", true),
            ("http://files.example.org/a", false),
            ("https://sub.files.example.org/a", false),
            ("https://other.example:8443/a", true),
            ("https://other.example/a", false),
            ("http://127.0.0.1:3000/a", true),
            ("https://127.0.0.1/a", true),
            ("http://127.0.0.1:3001/a", false),
            ("http://localhost:3000/a", false),
            ("https://169.254.169.254/latest", false),
            ("/a", false),
        ] {
            let uri: Uri = address.parse().unwrap();
            assert_eq!(hosts.admit(&uri), admitted, "{address}");
        }
    }

    #[test]
    fn hosts_are_names_with_or_without_a_port() {
        for host in [
            "files.example.org",
            "files.example.org:8443",
            " h ",
            "[::1]:1",
        ] {
            assert!(authority(host).is_some(), "{host}");
        }
        for host in ["", "https://h", "h/path", "me@h", "a b"] {
            assert!(authority(host).is_none(), "{host}");
        }
    }
}
