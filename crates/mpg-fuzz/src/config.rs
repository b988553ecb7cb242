//! The configuration file, and that of the predecessor.

use std::collections::BTreeMap;

use mpg_config::{
    ConfigError, Input, Loaded, MAX_PROBLEMS, Overrides, Platform, Problem, Report, Style, import,
    load,
};
use toml::de::DeTable;

use crate::text;

/// How long a report is at most, in bytes.
const LONGEST_REPORT: usize = 512 * 1024;

/// Reads the text behind the first byte as a file of ours, or of the predecessor where that byte is
/// odd: it is answered, and not without bound. What is in order is in order again, its channels lead to
/// their projects, and what is written of a file of the predecessor means what that file means.
///
/// # Panics
///
/// Where that does not hold.
pub fn config(data: &[u8]) {
    let Some((&kind, file)) = data.split_first() else {
        return;
    };
    let file = text(file);
    if kind % 2 == 0 {
        let loaded = loaded("mpg.toml", &file);
        if let Ok(loaded) = loaded {
            check_routes(&loaded);
        }
    } else {
        check_predecessor(&file);
    }
}

fn check_predecessor(json: &str) {
    let env = BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]);
    let overrides = Overrides::default();
    let name = "config.json";
    let imported = import(&input(name, json, &env, &PLATFORMS, &overrides), None);
    match (loaded(name, json), imported) {
        (Ok(loaded), Ok(imported)) => {
            check_routes(&loaded);
            assert_eq!(imported.config, loaded.config);
            assert_eq!(imported.settings, loaded.settings);
            check_report(&imported.warnings);
            let written = self::loaded("mpg.toml", &imported.text);
            let written = match written {
                Ok(written) => written,
                Err(error) => panic!(
                    "{}\nis what was written:\n{}",
                    imported.text,
                    error.report().render(Style::Plain)
                ),
            };
            assert_eq!(written.config, loaded.config, "{}", imported.text);
            assert_eq!(written.settings, loaded.settings, "{}", imported.text);
        }
        (Err(_), Err(error)) => check_report(error.report()),
        (Ok(_), Err(error)) => panic!("it loads: {}", error.report().render(Style::Plain)),
        (Err(error), Ok(_)) => panic!("it is imported: {}", error.report().render(Style::Plain)),
    }
}

/// Loads a file twice: what is said of it does not change.
fn loaded<'t>(name: &str, text: &'t str) -> Result<Loaded<'t>, ConfigError> {
    let env = BTreeMap::from([("HOME".to_owned(), "/home/ada".to_owned())]);
    let overrides = Overrides::default();
    let input = input(name, text, &env, &PLATFORMS, &overrides);
    let (first, second) = (load(&input), load(&input));
    match (&first, &second) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first.config, second.config);
            assert_eq!(first.settings, second.settings);
            check_report(&first.warnings);
        }
        (Err(first), Err(second)) => {
            assert!(!first.report().is_empty());
            check_report(first.report());
            let [first, second] = [first, second].map(|error| error.report().render(Style::Plain));
            assert_eq!(first, second);
        }
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => panic!("only once: {error}"),
    }
    first
}

fn check_routes(loaded: &Loaded<'_>) {
    let routing = &loaded.config.routing;
    for project in routing.projects() {
        for channel in &project.channels {
            let found = routing.project_of(channel).map(|found| &found.name);
            assert_eq!(found, Some(&project.name), "{channel}");
        }
        assert!(routing.project(&project.name).is_some());
    }
}

fn check_report(report: &Report) {
    assert!(report.problems().len() <= MAX_PROBLEMS);
    for problem in report.problems() {
        let _ = report.position(problem);
    }
    for style in [Style::Plain, Style::Colored] {
        let rendered = report.render(style);
        assert!(rendered.len() <= LONGEST_REPORT, "{}", rendered.len());
        assert!(!rendered.contains('\0'));
    }
}

const PLATFORMS: [Platform<'static>; 1] = [Platform {
    name: "discord",
    check: &complain,
    warn: &|_| Vec::new(),
    check_channel: &|id| {
        let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
        (!is_number).then(|| "write its number".to_owned())
    },
}];

/// Takes the keys that there are.
fn complain(table: &DeTable<'_>) -> Vec<Problem> {
    let unknown = table.keys().filter(|key| !key.get_ref().ends_with("-env"));
    unknown
        .filter(|key| !key.get_ref().starts_with("token"))
        .map(|key| Problem::new(key.span(), key.get_ref().to_string()))
        .collect()
}

fn input<'t, 'a>(
    source_name: &'a str,
    text: &'t str,
    env: &'a BTreeMap<String, String>,
    platforms: &'a [Platform<'a>],
    overrides: &'a Overrides,
) -> Input<'t, 'a> {
    Input {
        source_name,
        text,
        env,
        platforms,
        overrides,
        directory_exists: &|path| path != "/srv/missing",
    }
}
