//! The process's environment, read once.

use std::collections::BTreeMap;

/// The variables whose names and values are text; others mean nothing to the gateway.
pub(crate) fn read() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
