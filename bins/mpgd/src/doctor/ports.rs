//! Where the gateway listens: whether the address is free, and who can reach it.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use mpg_store::{StateOwner, owner};

use super::finding::Finding;
use crate::configuration::Configuration;

const CHECK: &str = "port";

pub(super) fn examine(configuration: &Configuration, state: &Path) -> Vec<Finding> {
    let http = &configuration.settings.http;
    let Some(address) = http.listen else {
        return vec![Finding::ok(CHECK, "nothing is served over http")];
    };
    let is_up = matches!(owner(state), Ok(StateOwner::Gateway(_)));
    let mut findings = vec![judge(
        address,
        is_up,
        http.chosen,
        TcpListener::bind(address),
    )];
    if !address.ip().is_loopback() {
        findings.push(Finding::warn(
            CHECK,
            format!("{address} can be reached from elsewhere, in plain text"),
            "listen on 127.0.0.1, and put a proxy with TLS before it",
        ));
    }
    findings
}

/// What it means that an address can be bound now, or not.
fn judge(
    address: SocketAddr,
    is_up: bool,
    chosen: bool,
    bound: std::io::Result<TcpListener>,
) -> Finding {
    match (bound, is_up) {
        (Ok(_), false) => Finding::ok(CHECK, format!("{address} is free")),
        (Ok(_), true) => Finding::warn(
            CHECK,
            format!("the gateway does not listen at {address}"),
            "it was taken when the gateway started, or was changed since: restart it",
        ),
        (Err(error), true) if error.kind() == ErrorKind::AddrInUse => {
            Finding::ok(CHECK, format!("the gateway listens at {address}"))
        }
        (Err(error), false) if error.kind() == ErrorKind::AddrInUse => {
            let what = format!("{address} is taken by another program");
            let help = "choose another port with `listen` in [http], or `listen = false`";
            if chosen {
                Finding::fail(CHECK, what, help)
            } else {
                Finding::warn(CHECK, what, help)
            }
        }
        (Err(error), _) => Finding::fail(
            CHECK,
            format!("{address} cannot be listened at: {error}"),
            "choose an address of this machine, and a port above 1023",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::text;

    #[test]
    fn a_port_is_free_ours_or_anothers() {
        let address: SocketAddr = "127.0.0.1:3100".parse().unwrap();
        let taken = || Err(ErrorKind::AddrInUse.into());
        let free = || TcpListener::bind("127.0.0.1:0");
        let denied = || Err(ErrorKind::PermissionDenied.into());
        let found = [
            judge(address, false, true, free()),
            judge(address, true, true, free()),
            judge(address, true, true, taken()),
            judge(address, false, true, taken()),
            judge(address, false, false, taken()),
            judge(address, false, true, denied()),
        ];
        insta::assert_snapshot!(text(&found));
    }
}
