//! The folder of the files that people attach, as a tool list lets an agent read it.
//!
//! Seen with 2.1.197: a rule that allows `Read` below a path lets the agent read there unasked,
//! and, unlike `--add-dir`, neither write nor have the folder's settings, hooks and instructions
//! followed. A rule that denies wins over it, and there is no rule for all but something: `!` and
//! `^` in brackets mean themselves. So where the folder is inside of what is protected, everything
//! is denied there whose name begins as names do, which that of the folder does not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ToolFlags, pattern, shut};

/// How the names of a protected folder begin that stay shut: all that the gateway writes.
const NAMES: &str = "[0-9A-Za-z._-]*";

/// How the name of a folder begins that can be open inside a protected one.
const OPEN: char = '@';

impl ToolFlags {
    /// Lets the agent read below `files`, as far as it may read at all, and write nothing there.
    ///
    /// Inside a protected folder that works only where the part of its path behind that begins with
    /// an at sign.
    pub(crate) fn with_files(mut self, files: Option<&Path>, protected: &[PathBuf]) -> Self {
        let Some(files) = files else {
            return self;
        };
        let mut open = variants(files);
        let mut deny = BTreeSet::new();
        for path in protected {
            let inside = files.strip_prefix(path).ok();
            let inside = inside.filter(|inside| inside.to_string_lossy().starts_with(OPEN));
            for variant in variants(path) {
                match inside {
                    Some(inside) => {
                        open.insert(variant.join(inside));
                        deny.extend(ajar(&variant));
                    }
                    None => deny.extend(shut(&variant)),
                }
            }
        }
        for folder in open {
            let folder = pattern(&folder);
            self.allowed.push(format!("Read(/{folder}/**)"));
            deny.insert(format!("Edit(/{folder}/**)"));
        }
        self.deny = deny.into_iter().collect();
        self
    }
}

/// A path, and where its links lead.
fn variants(path: &Path) -> BTreeSet<PathBuf> {
    let mut variants = BTreeSet::from([path.to_owned()]);
    variants.extend(fs::canonicalize(path));
    variants
}

/// The rules that keep file tools away from what is in a folder, but for what is open there.
fn ajar(folder: &Path) -> Vec<String> {
    let folder = pattern(folder);
    let rules = ["Read", "Edit"].map(|tool| {
        [
            format!("{tool}(/{folder}/{NAMES})"),
            format!("{tool}(/{folder}/{NAMES}/**)"),
        ]
    });
    rules.concat()
}

#[cfg(test)]
mod tests {
    use mpg_core::agent::{AgentSpec, Permissions};

    use super::*;

    fn flags(files: Option<&str>) -> ToolFlags {
        let spec = AgentSpec {
            permissions: Permissions::Deny,
            allowed_tools: vec!["Read".to_owned()],
            ..AgentSpec::default()
        };
        let protected = [PathBuf::from("/srv/gate"), PathBuf::from("/etc/gate.toml")];
        let flags = ToolFlags::new(&spec, false, &protected);
        flags.with_files(files.map(Path::new), &protected)
    }

    #[test]
    fn the_folder_is_open_inside_what_is_shut() {
        let flags = flags(Some("/srv/gate/@files/1"));
        assert_eq!(flags.allowed, ["Read(//srv/gate/@files/1/**)"]);
        assert_eq!(
            flags.deny,
            [
                "Edit(//etc/gate.toml)",
                "Edit(//etc/gate.toml/**)",
                "Edit(//srv/gate/@files/1/**)",
                "Edit(//srv/gate/[0-9A-Za-z._-]*)",
                "Edit(//srv/gate/[0-9A-Za-z._-]*/**)",
                "Read(//etc/gate.toml)",
                "Read(//etc/gate.toml/**)",
                "Read(//srv/gate/[0-9A-Za-z._-]*)",
                "Read(//srv/gate/[0-9A-Za-z._-]*/**)",
            ]
        );
        assert_eq!(flags.tools, Some(vec!["Read".to_owned()]));
    }

    #[test]
    fn a_folder_of_another_name_stays_shut() {
        let flags = flags(Some("/srv/gate/files/1"));
        assert!(flags.deny.contains(&"Read(//srv/gate/**)".to_owned()));
    }

    #[test]
    fn elsewhere_nothing_else_changes() {
        let with = flags(Some("/srv/files/1"));
        let without = flags(None);
        assert_eq!(with.allowed, ["Read(//srv/files/1/**)"]);
        let more = with.deny.iter().filter(|rule| !without.deny.contains(rule));
        assert_eq!(more.collect::<Vec<_>>(), ["Edit(//srv/files/1/**)"]);
        assert!(without.deny.iter().all(|rule| with.deny.contains(rule)));
        assert!(without.allowed.is_empty());
    }
}
