//! Whatever a file holds, it is answered, and the answer is bounded.

use std::collections::BTreeMap;

use mpg_config::{Input, MAX_PROBLEMS, Overrides, Platform, Problem, Style, load};
use proptest::prelude::*;

/// More than the longest report that is possible, in bytes.
const LONGEST_REPORT: usize = 512 * 1024;

fn render(name: &str, text: &str) -> String {
    let complain = |table: &toml::de::DeTable<'_>| {
        let keys = table.keys();
        keys.map(|key| Problem::new(key.span(), key.get_ref().to_string()))
            .collect()
    };
    let result = load(&Input {
        source_name: name,
        text,
        env: &BTreeMap::new(),
        platforms: &[Platform {
            check: &complain,
            ..Platform::unchecked("discord")
        }],
        overrides: &Overrides::default(),
        directory_exists: &|path| path.len() % 2 == 0,
    });
    match result {
        Ok(loaded) => {
            assert!(loaded.warnings.problems().len() <= MAX_PROBLEMS);
            loaded.warnings.render(Style::Colored)
        }
        Err(error) => {
            assert!(!error.report().is_empty());
            assert!(error.report().problems().len() <= MAX_PROBLEMS);
            format!("{error}{}", error.report().render(Style::Colored))
        }
    }
}

/// Text made of what configuration files are made of.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("[gateway]\n".to_owned()),
        Just("[defaults]\n".to_owned()),
        Just("[discord]\n".to_owned()),
        Just("[projects.a]\n".to_owned()),
        Just("[projects.\"ä b\"]\r\n".to_owned()),
        Just("[[projects]]\n".to_owned()),
        Just("channels = [\"discord:1\", 1, \"x\"]\n".to_owned()),
        Just("directory = \"/srv/日本語\"\n".to_owned()),
        Just("allowed-tools = [\"Read\", \"\", \"-x\"]\n".to_owned()),
        Just("disallowed-tools = [\"Read\"]\n".to_owned()),
        Just("args = [\"-p\", \"--dangerously-skip-permissions\"]\n".to_owned()),
        Just("permission-mode = \"plan\"\n".to_owned()),
        Just("system-prompt = '''\nlines\n".to_owned()),
        "[a-z-]{1,20} = [0-9\"a-z.]{0,8}\n",
        "\\PC{0,20}",
        any::<String>(),
    ];
    prop::collection::vec(fragment, 0..30).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in prop_oneof![any::<String>(), fragments()]) {
        prop_assert!(render("mpg.toml", &text).len() <= LONGEST_REPORT);
    }
}

/// Text made of what the predecessor's files are made of.
fn json_fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("{\"projects\": {\"1\": {\"directory\": \"/srv/ab\", ".to_owned()),
        Just("\"defaults\": {".to_owned()),
        Just("\"claudeArgs\": [\"--allowed-tools\", \"-p\", \"--model\"],".to_owned()),
        Just("\"allowedTools\": [], \"disallowedTools\": [\"Read\", 1],".to_owned()),
        Just("\"agents\": {\"Ä\": {\"preset\": \"x\"}, \"pm\": {}},".to_owned()),
        Just("\"agents\": [\"pm\"],".to_owned()),
        Just("\"idleTimeoutMs\": -1e9,".to_owned()),
        Just("\"x\": null".to_owned()),
        Just("}".to_owned()),
        Just("}}}".to_owned()),
        "\\PC{0,10}",
    ];
    prop::collection::vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_answered(text in prop_oneof![any::<String>(), json_fragments()]) {
        prop_assert!(render("config.json", &text).len() <= LONGEST_REPORT);
    }
}

#[test]
fn garbage_is_answered_briefly() {
    let megabyte = 1_000_000;
    let table = [
        "\u{1b}[31m=[\"]'".repeat(megabyte / 9),
        "[".repeat(megabyte),
        "a".repeat(megabyte),
        "a = 1\n".repeat(megabyte / 6),
        "\"\"\"\n".repeat(megabyte / 4),
        "\0".repeat(megabyte),
        "\n".repeat(megabyte),
    ];
    for text in &table {
        for name in ["mpg.toml", "config.json"] {
            let rendered = render(name, text);
            assert!(rendered.len() < 16 * 1024, "{}", rendered.len());
            assert!(rendered.chars().all(|c| c != '\0'));
        }
    }
}

#[test]
fn many_problems_are_counted_not_listed() {
    let mut text = "[projects.a]\ndirectory = \"/srv/ab\"\nchannels = [\"discord:1\"]\n".to_owned();
    text.push_str("[gateway]\n");
    text.extend((0..10_000).map(|number| format!("unknown-{number} = 1\n")));
    let rendered = render("mpg.toml", &text);
    assert!(rendered.ends_with("\nand 9951 more\n"), "{rendered}");
    assert!(rendered.len() < LONGEST_REPORT);
}
