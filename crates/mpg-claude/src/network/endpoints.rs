//! Where the model is, as the environment of an agent says it.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mpg_core::agent::Network;
use serde::{Deserialize, Serialize};

/// The variable that names another model than the CLI's own.
const BASE: &str = "ANTHROPIC_BASE_URL";

/// Where the CLI finds its model and renews its login, if it is told nothing else (seen in the text of
/// 2.1.197).
const OWN: [&str; 2] = ["api.anthropic.com", "platform.claude.com"];

/// The variables that name a proxy, in any case.
const PROXIES: [&str; 5] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "CLAUDE_CODE_HTTP_PROXY",
    "CLAUDE_CODE_HTTPS_PROXY",
];

/// The variables by which the CLI finds its model in a way of its own (seen in the text of 2.1.197).
const PROVIDERS: [&str; 7] = [
    "ANTHROPIC_UNIX_SOCKET",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_GATEWAY",
    "CLAUDE_CODE_USE_MANTLE",
    "CLAUDE_CODE_USE_VERTEX",
];

/// What such a variable says to be as if it were not set.
const UNSET: [&str; 5] = ["", "0", "false", "no", "off"];

/// What an agent reaches that reaches its model alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// Where it is outside, by name or address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where it is for the agent.
    pub(crate) inside: SocketAddr,
}

impl Endpoint {
    /// Its line in the file of hosts, unless it needs none.
    pub(crate) fn host_line(&self) -> Option<String> {
        let is_named = self.host.parse::<IpAddr>().is_err() && self.host != "localhost";
        is_named.then(|| format!("{} {}\n", self.inside.ip(), self.host))
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why it is not known where an agent's model is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// It is behind a proxy.
    #[error(
        "`network = \"model\"` does not go together with a proxy, behind which everything is: take `{0}` \
         out of `pass-env`, or set `network = \"all\"`"
    )]
    Proxy(String),
    /// The CLI finds it in a way of its own.
    #[error(
        "`network = \"model\"` does not go together with `{0}`, by which the CLI itself finds out where \
         its model is: take it out of `pass-env`, or set `network = \"all\"`"
    )]
    Provider(&'static str),
    /// What names it is not understood.
    #[error(
        "`network = \"model\"` needs to know where the model is, and `ANTHROPIC_BASE_URL` is no http or \
         https address with a host"
    )]
    Unknown,
    /// It has an address that cannot be had inside.
    #[error(
        "with `network = \"model\"` a model is reached by its name, or on loopback, and not at the \
         address {0} in `ANTHROPIC_BASE_URL`: give it a name there, or set `network = \"all\"`"
    )]
    Address(IpAddr),
}

/// Where the model of agents with this environment is, as `HOST:PORT`.
///
/// # Errors
///
/// If that cannot be known; an agent that is to reach nothing else is not started then.
pub fn model_endpoints(environment: &BTreeMap<String, String>) -> Result<Vec<String>, NoEndpoint> {
    let endpoints = endpoints(environment)?;
    Ok(endpoints.iter().map(ToString::to_string).collect())
}

/// All that an agent reaches with this environment; `None` where that is everything.
///
/// # Errors
///
/// If it cannot be known.
pub(crate) fn reached(
    network: Network,
    environment: &BTreeMap<String, String>,
) -> Result<Option<Vec<Endpoint>>, NoEndpoint> {
    match network {
        Network::All => Ok(None),
        Network::Model => endpoints(environment).map(Some),
    }
}

fn endpoints(environment: &BTreeMap<String, String>) -> Result<Vec<Endpoint>, NoEndpoint> {
    let is_set = |value: &String| !UNSET.contains(&value.to_ascii_lowercase().as_str());
    for (name, _) in environment.iter().filter(|(_, value)| is_set(value)) {
        if PROXIES.contains(&name.to_ascii_uppercase().as_str()) {
            return Err(NoEndpoint::Proxy(name.clone()));
        }
        if let Some(provider) = PROVIDERS.iter().find(|known| *known == name) {
            return Err(NoEndpoint::Provider(provider));
        }
    }
    let base = environment.get(BASE).filter(|base| !base.is_empty());
    let Some(base) = base else {
        let own = OWN.iter().zip(2..);
        return Ok(own.map(|(host, last)| named(host, 443, last)).collect());
    };
    let (host, port) = authority(base).ok_or(NoEndpoint::Unknown)?;
    Ok(vec![match host.parse::<IpAddr>() {
        Ok(address) if address.is_loopback() => Endpoint {
            inside: SocketAddr::new(address, port),
            host,
            port,
        },
        Ok(address) => return Err(NoEndpoint::Address(address)),
        Err(_) if host == "localhost" => named(&host, port, 1),
        Err(_) => named(&host, port, 2),
    }])
}

/// An endpoint that is found by its name. What an agent runs itself listens at the first address, so
/// others stand at later ones.
fn named(host: &str, port: u16, last: u8) -> Endpoint {
    Endpoint {
        host: host.to_owned(),
        port,
        inside: SocketAddr::new(Ipv4Addr::new(127, 0, 0, last).into(), port),
    }
}

/// Host and port of a URL (RFC 3986).
fn authority(url: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let default = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (
            host,
            port.strip_prefix(':').or(port.is_empty().then_some(""))?,
        )
    } else {
        authority.split_once(':').unwrap_or((authority, ""))
    };
    let port = match port {
        "" => default,
        port => port.parse().ok().filter(|port| *port != 0)?,
    };
    // What stands in a line of the file of hosts must be one word of it.
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    let host = host.to_ascii_lowercase();
    (!host.is_empty() && host.chars().all(fits)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Vec<String>, NoEndpoint> {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let endpoints = endpoints(&environment)?;
        let show = |one: &Endpoint| format!("{one} at {}", one.inside);
        Ok(endpoints.iter().map(show).collect())
    }

    #[test]
    fn they_are_the_models_and_no_others() {
        let own = [
            "api.anthropic.com:443 at 127.0.0.2:443",
            "platform.claude.com:443 at 127.0.0.3:443",
        ];
        assert_eq!(of(&[]).unwrap(), own);
        assert_eq!(of(&[(BASE, "")]).unwrap(), own);
        for (base, expected) in [
            (
                "https://Model.example",
                "model.example:443 at 127.0.0.2:443",
            ),
            (
                "http://model.example/v1",
                "model.example:80 at 127.0.0.2:80",
            ),
            (
                "https://u:p@m.example:8443?x",
                "m.example:8443 at 127.0.0.2:8443",
            ),
            ("http://localhost:4000/", "localhost:4000 at 127.0.0.1:4000"),
            ("http://127.0.0.1:99", "127.0.0.1:99 at 127.0.0.1:99"),
            ("http://127.9.0.1:99", "127.9.0.1:99 at 127.9.0.1:99"),
            ("http://[::1]:99", "::1:99 at [::1]:99"),
            ("http://[::1]", "::1:80 at [::1]:80"),
        ] {
            assert_eq!(of(&[(BASE, base)]).unwrap(), [expected], "{base}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for base in [
            "model.example",
            "ftp://model.example",
            "https://",
            "https://:443",
            "https://a b",
            "https://a\nb",
            "https://a:0",
            "https://a:65536",
            "https://a:x",
            "https://[::1",
            "https://[::1]x",
            "https://[a]",
            "https://mödel.example",
        ] {
            assert_eq!(of(&[(BASE, base)]), Err(NoEndpoint::Unknown), "{base}");
        }
        for (base, address) in [
            ("http://10.0.0.7:4000", "10.0.0.7"),
            ("http://0.0.0.0:1", "0.0.0.0"),
            ("http://[fe80::1]", "fe80::1"),
        ] {
            let refused = of(&[(BASE, base)]).unwrap_err();
            assert_eq!(refused, NoEndpoint::Address(address.parse().unwrap()));
        }
        for name in ["https_proxy", "HTTP_PROXY", "All_Proxy"] {
            let refused = of(&[(BASE, "http://localhost:1"), (name, "http://p:1")]);
            assert_eq!(refused, Err(NoEndpoint::Proxy(name.to_owned())));
        }
        let bedrock = "CLAUDE_CODE_USE_BEDROCK";
        let refused = of(&[(bedrock, "1")]);
        assert_eq!(refused, Err(NoEndpoint::Provider(bedrock)));
        for (name, value) in [
            ("HTTPS_PROXY", ""),
            ("NO_PROXY", "localhost"),
            (bedrock, "0"),
            (bedrock, "False"),
            ("CLAUDE_CODE_USE_POWERSHELL_TOOL", "1"),
        ] {
            assert_eq!(of(&[(name, value)]).unwrap().len(), 2, "{name}={value}");
        }
    }

    #[test]
    fn only_names_stand_in_the_file_of_hosts() {
        let line = |base: &str| {
            let environment = BTreeMap::from([(BASE.to_owned(), base.to_owned())]);
            endpoints(&environment).unwrap().remove(0).host_line()
        };
        assert_eq!(line("https://m.example").unwrap(), "127.0.0.2 m.example\n");
        for base in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert_eq!(line(base), None, "{base}");
        }
    }
}
