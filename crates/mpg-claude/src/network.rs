//! An agent that reaches nothing on the network but its model.
//!
//! It has a network of its own, in which there is nothing but a loopback. The process that becomes the
//! CLI listens there for the [endpoints](mod@endpoints) of the model, and [hands](handover) what it listens
//! with to the keeper, which is outside and [forwards](mod@forward) what comes: bytes, so that whatever
//! is encrypted stays so from end to end.

mod endpoints;
mod forward;
mod handover;

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;

use rustix::stdio::dup2_stdin;

pub(crate) use endpoints::{Endpoint, reached};
pub use endpoints::{NoEndpoint, model_endpoints};
pub(crate) use forward::forward;
pub(crate) use handover::Entrance;

/// The variable by which the process that becomes the CLI knows that it is inside, and where to listen.
/// The CLI does not get it.
pub(crate) const VARIABLE: &str = "MPG_FORWARD";

/// What is said in [`VARIABLE`].
pub(crate) fn said(endpoints: &[Endpoint]) -> io::Result<String> {
    let addresses: Vec<SocketAddr> = endpoints.iter().map(|one| one.inside).collect();
    Ok(serde_json::to_string(&addresses)?)
}

/// Listens inside as it was said, for the keeper at the other end of standard input, and gets the
/// CLI's standard input from it.
///
/// # Errors
///
/// If nobody forwards. Nothing may be run then that needs it.
pub(crate) fn listen(said: &OsStr) -> io::Result<()> {
    let addresses: Vec<SocketAddr> = serde_json::from_slice(said.as_bytes())?;
    let listener = |address: &SocketAddr| {
        TcpListener::bind(address)
            .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
    };
    let listeners = addresses.iter().map(listener);
    let listeners: Vec<TcpListener> = listeners.collect::<io::Result<_>>()?;
    let keeper = io::stdin();
    handover::send(
        &keeper,
        &listeners.iter().map(|one| one.as_fd()).collect::<Vec<_>>(),
    )?;
    let mut input = handover::receive(&keeper)?;
    match (input.pop(), input.pop()) {
        (Some(input), None) => Ok(dup2_stdin(input)?),
        (_, _) => Err(io::Error::other("the keeper does not forward")),
    }
}
