//! What an agent of the superuser may not do: look into other processes, mount, load, trace.

use std::io;

use rustix::thread::{
    CapabilitySet, capabilities, capability_is_in_bounding_set, remove_capability_from_bounding_set,
};

/// What is left to it: rights over its own files, and what tools that install packages do.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::NET_BIND_SERVICE);

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
        if has && !KEPT.contains(one) {
            remove_capability_from_bounding_set(one)?;
        }
    }
    Ok(())
}
