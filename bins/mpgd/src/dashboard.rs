//! `mpgd dashboard`: the link that lets somebody into the dashboard.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use mpg_core::token::Scope;
use mpg_web::Invitations;

use crate::cli::{DashboardOptions, Global};
use crate::control::{Outcome, SocketPath, Verb, ask};
use crate::exit::{self, Failure};
use crate::{environment, run, state_dir};

/// Where a running gateway shows its dashboard, and who may come in.
#[derive(Clone, Debug)]
pub(crate) struct Doorway {
    address: SocketAddr,
    invitations: Arc<Invitations>,
}

impl Doorway {
    pub(crate) fn new(address: SocketAddr, invitations: Arc<Invitations>) -> Self {
        Self {
            address,
            invitations,
        }
    }

    /// Makes a link that leads to the chat.
    pub(crate) fn invite_to_chat(&self, scope: Scope) -> Result<String, getrandom::Error> {
        let secret = self.invitations.invite(scope)?;
        Ok(format!(
            "http://{}/login?to=chat#{secret}",
            reached(self.address)
        ))
    }

    /// Makes a link. Its secret stands behind `#`, which browsers keep to themselves.
    pub(crate) fn invite(&self, scope: Scope) -> Result<String, getrandom::Error> {
        let secret = self.invitations.invite(scope)?;
        Ok(format!("http://{}/login#{secret}", reached(self.address)))
    }
}

/// How an address that is listened at is reached from this machine.
fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

pub(crate) fn dashboard(global: &Global, options: &DashboardOptions) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    let socket = SocketPath::of(&directory, &environment::read());
    let verb = Verb::Invite {
        scope: Scope::from(options.scope).name().to_owned(),
    };
    let outcome = run::runtime()?.block_on(ask(&socket, &verb))?;
    let Outcome::Invited { link } = outcome else {
        return Err(Failure::unexpected_answer());
    };
    exit::print(&format!(
        "open this within five minutes; it lets one browser in:\n{link}\n"
    ));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_where_this_machine_reaches_it() {
        for (listened, reached_at) in [
            ("127.0.0.1:3100", "127.0.0.1:3100"),
            ("0.0.0.0:3100", "127.0.0.1:3100"),
            ("[::]:3100", "[::1]:3100"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            let doorway = Doorway::new(listened.parse().unwrap(), Arc::default());
            let link = doorway.invite(Scope::Read).unwrap();
            let expected = format!("http://{reached_at}/login#mpgl_");
            assert!(link.starts_with(&expected), "{link}");
        }
    }
}
