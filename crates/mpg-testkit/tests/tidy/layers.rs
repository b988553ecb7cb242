//! Which crate may depend on which, and what every manifest inherits.

use toml::Table;

use crate::repository::{assert_none, manifest, members, root};

/// All that the core may be built from: nothing of it can reach a runtime, a file or a clock of its
/// own accord.
const CORE_DEPENDENCIES: [&str; 8] = [
    "async-trait",
    "jiff",
    "pulldown-cmark",
    "sha2",
    "thiserror",
    "unicode-segmentation",
    "unicode-width",
    "uuid",
];

/// The package keys that every member takes from the workspace.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

#[test]
fn every_crate_keeps_to_its_layer() {
    let wrong: Vec<_> = members()
        .iter()
        .filter(|member| !member.folder.starts_with(root().join("examples")))
        .flat_map(|member| outside_layer(&member.name, &member.manifest))
        .collect();
    assert_none(&wrong);
}

#[test]
fn every_manifest_inherits_from_the_workspace() {
    let wrong: Vec<_> = members()
        .iter()
        .flat_map(|member| not_inherited(&member.name, &member.manifest))
        .collect();
    assert_none(&wrong);
}

#[test]
fn the_workspace_forbids_unsafe_code_and_undocumented_items() {
    let workspace = manifest(&root());
    let lints = &workspace["workspace"]["lints"]["rust"];
    assert_eq!(lints["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(lints["missing_docs"].as_str(), Some("warn"));
}

#[test]
fn a_wrong_manifest_is_found() {
    let found = |name: &str, manifest: &str| -> Vec<String> {
        let manifest: Table = manifest.parse().unwrap();
        let mut wrong = outside_layer(name, &manifest);
        wrong.extend(not_inherited(name, &manifest));
        wrong
    };
    let complete = "[package]\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
        [lints]\nworkspace = true\n";

    assert!(found("mpg-x", complete).is_empty());
    let with = |part: &str| complete.to_owned() + part;
    let sibling = with("[dependencies]\nmpg-store.workspace = true");
    assert_eq!(
        found("mpg-engine", &sibling),
        ["mpg-engine must not depend on mpg-store"]
    );
    assert!(found("mpgd", &sibling).is_empty());
    let build = with("[build-dependencies]\nmpg-store.workspace = true");
    assert_eq!(
        found("mpg-engine", &build),
        ["mpg-engine must not depend on mpg-store"]
    );
    let on_unix = with("[target.'cfg(unix)'.dependencies]\nmpg-store.workspace = true");
    assert_eq!(
        found("mpg-engine", &on_unix),
        ["mpg-engine must not depend on mpg-store"]
    );
    let test_only = with("[dev-dependencies]\nmpg-testkit.workspace = true");
    assert!(found("mpg-engine", &test_only).is_empty());
    let runtime = with("[dependencies]\ntokio.workspace = true");
    assert_eq!(
        found("mpg-core", &runtime),
        ["mpg-core must not depend on tokio"]
    );
    assert!(found("mpg-engine", &runtime).is_empty());
    let kit = with("[dependencies]\nmpg-testkit.workspace = true");
    assert_eq!(found("mpgd", &kit), ["mpgd must not depend on mpg-testkit"]);
    assert!(found("mpg-fuzz", &sibling).is_empty());
    let targets = with("[dependencies]\nmpg-fuzz.workspace = true");
    assert_eq!(
        found("mpgd", &targets),
        ["mpgd must not depend on mpg-fuzz"]
    );
    let own_version = with("[dependencies]\nserde = \"1\"");
    assert_eq!(
        found("mpg-store", &own_version),
        ["mpg-store: serde does not come from the workspace"]
    );
    assert_eq!(found("mpg-x", "[package]\nedition = \"2021\"").len(), 6);
}

/// The dependencies that a crate's layer does not allow. Those of its tests are free.
fn outside_layer(name: &str, manifest: &Table) -> Vec<String> {
    let is_allowed = |dependency: &str| match name {
        "mpg-core" => CORE_DEPENDENCIES.contains(&dependency),
        "mpgd" => !["mpg-testkit", "mpg-fuzz"].contains(&dependency),
        // It is shipped to nobody, and gives bytes to all that read some.
        "mpg-fuzz" => !["mpg-testkit", "mpgd"].contains(&dependency),
        _ => !dependency.starts_with("mpg") || dependency == "mpg-core",
    };
    dependencies(manifest, &["dependencies", "build-dependencies"])
        .into_iter()
        .filter(|(dependency, _)| !is_allowed(dependency))
        .map(|(dependency, _)| format!("{name} must not depend on {dependency}"))
        .collect()
}

fn not_inherited(name: &str, manifest: &Table) -> Vec<String> {
    let inherits = |value: Option<&toml::Value>| {
        value.and_then(|value| value.get("workspace")?.as_bool()) == Some(true)
    };
    let package = &manifest["package"];
    let keys = INHERITED
        .iter()
        .filter(|key| !inherits(package.get(**key)))
        .map(|key| format!("{name}: package.{key} does not come from the workspace"));
    let lints = (!inherits(manifest.get("lints")))
        .then(|| format!("{name}: lints do not come from the workspace"));
    let tables = ["dependencies", "build-dependencies", "dev-dependencies"];
    let versions = dependencies(manifest, &tables)
        .into_iter()
        .filter(|(_, value)| !inherits(Some(value)))
        .map(|(dependency, _)| format!("{name}: {dependency} does not come from the workspace"));
    keys.chain(lints).chain(versions).collect()
}

/// The dependencies of the named tables, those for a single platform too.
fn dependencies<'m>(manifest: &'m Table, tables: &[&str]) -> Vec<(&'m str, &'m toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values);
    let targets = targets.filter_map(toml::Value::as_table);
    [manifest]
        .into_iter()
        .chain(targets)
        .flat_map(|part| {
            tables
                .iter()
                .filter_map(|table| part.get(*table)?.as_table())
        })
        .flat_map(|table| table.iter().map(|(name, value)| (name.as_str(), value)))
        .collect()
}
