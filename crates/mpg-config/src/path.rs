//! Directories as a person writes them.

use std::collections::BTreeMap;

use crate::problem::{Problem, Problems};
use crate::span::At;
use crate::suggestion::quoted;

/// Makes a directory absolute by putting the home directory in for `~`, or reports why it is not.
pub(crate) fn absolute(
    name: &str,
    path: &At<String>,
    env: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Option<String> {
    let expanded = expand_home(&path.value, env);
    let problem = match expanded {
        Some(expanded) if expanded.contains('\0') => {
            Problem::new(path.span.clone(), format!("`{name}` holds a NUL character"))
        }
        Some(expanded) if expanded.starts_with('/') => return Some(without_slash(&expanded)),
        Some(_) => Problem::new(
            path.span.clone(),
            format!("`{name}` is relative: {}", quoted(&path.value)),
        )
        .with_help("write the whole path, from `/` or from `~/`"),
        None => Problem::new(
            path.span.clone(),
            format!("`{name}` begins with `~`, but HOME is not set"),
        )
        .with_help("write the whole path, or set HOME"),
    };
    problems.error(problem);
    None
}

/// Puts the home directory in for a leading `~` or `~/`; `None` where `HOME` is needed and not set.
pub fn expand_home(path: &str, env: &BTreeMap<String, String>) -> Option<String> {
    let rest = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        Some(_) | None => return Some(path.to_owned()),
    };
    let home = env.get("HOME").filter(|home| !home.is_empty())?;
    Some(format!("{}{rest}", home.trim_end_matches('/')))
}

fn without_slash(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_the_home_directory_in() {
        let env = BTreeMap::from([("HOME".to_owned(), "/home/ada/".to_owned())]);
        let table = [
            ("~", Some("/home/ada")),
            ("~/work", Some("/home/ada/work")),
            ("~bob/work", Some("~bob/work")),
            ("/srv/~/x", Some("/srv/~/x")),
        ];
        for (path, expected) in table {
            assert_eq!(expand_home(path, &env).as_deref(), expected, "{path}");
        }
        assert_eq!(expand_home("~/work", &BTreeMap::new()), None);
        assert_eq!(
            expand_home("/work", &BTreeMap::new()).as_deref(),
            Some("/work")
        );
    }

    #[test]
    fn drops_slashes_at_the_end() {
        let mut problems = Problems::default();
        for (path, expected) in [("/srv/x//", "/srv/x"), ("/", "/")] {
            let path = At::new(path.to_owned(), 0..1);
            let found = absolute("directory", &path, &BTreeMap::new(), &mut problems);
            assert_eq!(found.as_deref(), Some(expected));
        }
        assert!(problems.errors.kept.is_empty());
    }
}
