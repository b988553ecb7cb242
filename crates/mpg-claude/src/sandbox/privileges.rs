//! What an agent of the superuser may not do: look into other processes, mount, load, trace.

use std::io;

use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set,
};

/// What is left to it: rights over its own files, and what tools that install packages do.
const KEPT: [(CapabilitySet, &str); 8] = [
    (CapabilitySet::CHOWN, "CAP_CHOWN"),
    (CapabilitySet::DAC_OVERRIDE, "CAP_DAC_OVERRIDE"),
    (CapabilitySet::FOWNER, "CAP_FOWNER"),
    (CapabilitySet::FSETID, "CAP_FSETID"),
    (CapabilitySet::KILL, "CAP_KILL"),
    (CapabilitySet::SETGID, "CAP_SETGID"),
    (CapabilitySet::SETUID, "CAP_SETUID"),
    (CapabilitySet::NET_BIND_SERVICE, BINDING),
];

/// The right to listen at the ports that servers have.
pub(super) const BINDING: &str = "CAP_NET_BIND_SERVICE";

/// The names of those that are left to it; `None` where it is not the superuser's.
pub(super) fn kept() -> Option<Vec<&'static str>> {
    if !geteuid().is_root() {
        return None;
    }
    let own = capabilities(None).map(|own| own.permitted);
    let own = own.unwrap_or(CapabilitySet::empty());
    let kept = KEPT.iter().filter(|(one, _)| own.contains(*one));
    Some(kept.map(|(_, name)| *name).collect())
}

/// Gives up for what this process becomes what it has only to be able to listen.
///
/// # Errors
///
/// If the kernel does not know of such rights.
pub(crate) fn forgo_ambient() -> io::Result<()> {
    Ok(clear_ambient_capability_set()?)
}

/// Gives up all other privileges for what this process becomes. Who has none keeps none.
///
/// The kernel lets some of them past Landlock (seen: Linux 6.18 shows the environment of any process to
/// `CAP_PERFMON`).
pub(super) fn reduce() -> io::Result<()> {
    if capabilities(None)?.permitted.is_empty() {
        return Ok(());
    }
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        // The kernel says of those that it does not have that they are invalid.
        let has = capability_is_in_bounding_set(one).unwrap_or(false);
        if has && !KEPT.iter().any(|(kept, _)| *kept == one) {
            remove_capability_from_bounding_set(one)?;
        }
    }
    Ok(())
}
