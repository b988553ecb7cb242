//! What is said about files that are not in order: one snapshot each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mpg_config::{Input, Overrides, Platform, Problem, Style, load};
use toml::de::DeTable;

fn env() -> BTreeMap<String, String> {
    BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())])
}

fn render(name: &str, text: &str) -> String {
    let refuse_token = |table: &DeTable<'_>| match table.get_key_value("token") {
        Some((key, _)) => vec![
            Problem::new(key.span(), "a token does not belong in the file")
                .with_help("name the variable that holds it: token-env = \"…\""),
        ],
        None => Vec::new(),
    };
    let platforms = [Platform {
        check: &refuse_token,
        check_channel: &|id| id.starts_with("no-").then(|| "write its number".to_owned()),
        ..Platform::unchecked("discord")
    }];
    let exists = |path: &str| matches!(path, "/srv/a" | "/srv/b" | "/srv/c");
    let error = load(&Input {
        source_name: name,
        text,
        env: &env(),
        platforms: &platforms,
        overrides: &Overrides::default(),
        directory_exists: &exists,
    })
    .expect_err(name);
    format!("{error}\n\n{}", error.report().render(Style::Plain))
}

#[test]
fn every_problem_is_shown_in_its_place() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut names: Vec<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let text = fs::read_to_string(directory.join(&name)).unwrap();
        let rendered = render("mpg.toml", &text);
        let name = name.strip_suffix(".toml").expect("only TOML files");
        insta::assert_snapshot!(name, rendered);
    }
}

#[test]
fn a_file_without_end_is_refused_unread() {
    let text = "#".repeat(mpg_config::MAX_FILE_LENGTH + 1);
    insta::assert_snapshot!("too_long", render("mpg.toml", &text));
}

#[test]
fn a_home_directory_that_is_not_known_is_said() {
    let text = "[gateway]\ndata-dir = \"~/state\"\n[claude]\ncommand = \"~/bin/claude\"\n\
                [projects.a]\ndirectory = \"~\"\nchannels = [\"discord:1\"]\n";
    let error = load(&Input {
        source_name: "mpg.toml",
        text,
        env: &BTreeMap::new(),
        platforms: &[Platform::unchecked("discord")],
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    })
    .expect_err("HOME is not set");
    insta::assert_snapshot!("no_home", error.report().render(Style::Plain));
}
