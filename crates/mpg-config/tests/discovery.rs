//! Where files are looked for, and where their state goes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use mpg_config::{DiscoveryError, FileKind, Search};

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn paths(
    config: Option<&str>,
    profile: Option<&str>,
    env: &BTreeMap<String, String>,
) -> Result<Vec<String>, DiscoveryError> {
    let search = Search {
        config,
        profile,
        working_dir: "/here",
        env,
    };
    let candidates = search.candidates()?;
    for candidate in &candidates {
        let expected = match candidate.kind {
            FileKind::Toml => "toml",
            FileKind::Predecessor => "json",
        };
        let extension = Path::new(&candidate.path).extension();
        assert_eq!(extension, Some(OsStr::new(expected)), "{candidate:?}");
    }
    Ok(candidates.into_iter().map(|c| c.path).collect())
}

#[test]
fn the_default_profile_comes_before_the_working_directory() {
    let env = env(&[("HOME", "/home/ada")]);
    let expected = [
        "/home/ada/.mpg/profiles/default/mpg.toml",
        "/home/ada/.mpg/profiles/default/config.json",
        "/here/mpg.toml",
        "/here/config.json",
    ];
    assert_eq!(paths(None, None, &env).unwrap(), expected);
}

#[test]
fn what_was_named_is_the_only_place() {
    let env = env(&[("HOME", "/home/ada"), ("MPG_HOME", "/srv/mpg/")]);
    let config = |path| paths(Some(path), Some("dev"), &env).unwrap();
    assert_eq!(config("/etc/mpg.toml"), ["/etc/mpg.toml"]);
    assert_eq!(config("./sub/x.toml"), ["/here/sub/x.toml"]);
    assert_eq!(config("sub/./x.toml"), ["/here/sub/x.toml"]);
    assert_eq!(config("config.json"), ["/here/config.json"]);
    let profile = paths(None, Some("dev"), &env).unwrap();
    let expected = [
        "/srv/mpg/profiles/dev/mpg.toml",
        "/srv/mpg/profiles/dev/config.json",
    ];
    assert_eq!(profile, expected);
}

#[test]
fn without_a_home_only_the_working_directory_is_left() {
    let none = env(&[("HOME", ""), ("MPG_HOME", "")]);
    let expected = ["/here/mpg.toml", "/here/config.json"];
    assert_eq!(paths(None, None, &none).unwrap(), expected);
    assert_eq!(paths(None, Some("dev"), &none), Err(DiscoveryError::NoHome));
}

#[test]
fn a_profile_is_named_like_a_directory() {
    let env = env(&[("HOME", "/home/ada")]);
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a b", "a\0b"] {
        let expected = Err(DiscoveryError::ProfileName(name.to_owned()));
        assert_eq!(paths(None, Some(name), &env), expected);
    }
}

#[test]
fn state_is_beside_a_profile_or_named_after_the_file() {
    let env = env(&[("HOME", "/home/ada"), ("MPG_HOME", "~/gateway")]);
    let search = Search {
        config: None,
        profile: None,
        working_dir: "/here",
        env: &env,
    };
    let state = |file| search.state_dir(file).unwrap();
    assert_eq!(
        state("/home/ada/gateway/profiles/dev/mpg.toml"),
        "/home/ada/gateway/profiles/dev"
    );
    let named = state("/here/mpg.toml");
    assert_eq!(named, state("mpg.toml"));
    for other in [
        "./mpg.toml",
        ".//./mpg.toml",
        "/here/./mpg.toml",
        "//here//mpg.toml",
    ] {
        assert_eq!(named, state(other), "{other}");
    }
    assert_ne!(named, state("/other/mpg.toml"));
    let hash = named.strip_prefix("/home/ada/gateway/state/").unwrap();
    assert_eq!(hash.len(), 16);
    assert!(hash.chars().all(|c| c.is_ascii_hexdigit()));
    assert!(state("/home/ada/gateway/profiles/dev/sub/mpg.toml").contains("/state/"));
}
