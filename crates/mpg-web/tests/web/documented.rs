//! `docs/http.md` and what is served say the same.

use std::fmt::Write as _;

use axum::http::{Method, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::stage::{Stage, busy, request};

const PAGE: &str = include_str!("../../../../docs/http.md");
const DASHBOARD: &str = include_str!("../../src/dashboard.rs");

/// What a browser asks for by itself.
const UNSEEN: [&str; 4] = [
    "/live",
    "/chat/live",
    "/assets/dashboard.css",
    "/assets/dashboard.js",
];

#[tokio::test]
async fn the_page_lists_the_operations_that_there_are() {
    let stage = Stage::new();
    let document = stage.get("/openapi.json").await.json();
    let mut table = String::from("| operation | scope | what it does |\n|---|---|---|\n");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let scope = scope(&stage, &method, path).await;
            let what = what(described);
            writeln!(table, "| `{method} {path}` | {scope} | {what} |").unwrap();
        }
    }
    assert!(
        PAGE.contains(&table),
        "docs/http.md has another table than this:\n{table}"
    );
}

#[test]
fn the_page_lists_the_pages_that_there_are() {
    let served = DASHBOARD.lines().filter(|line| line.contains(", get("));
    let served = served.filter_map(|line| line.split('"').nth(1));
    let (_, chapter) = PAGE.split_once("\n| page | shows |\n").unwrap();
    let table = chapter.split("\n\n").next().unwrap();
    let first_cells: String = table
        .lines()
        .filter_map(|row| row.split('|').nth(1))
        .collect();
    let mut documented: Vec<_> = first_cells.split('`').skip(1).step_by(2).collect();
    documented.sort_unstable();
    let mut served: Vec<_> = served.filter(|path| !UNSEEN.contains(path)).collect();
    served.sort_unstable();
    assert_eq!(documented, served);
}

#[tokio::test]
async fn the_page_shows_health_as_it_is() {
    let (_, block) = PAGE.split_once("```json\n").unwrap();
    let shown: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    let stage = Stage::new();
    stage.desk.says(Some(busy()));
    let answer = stage.get("/health").await.json();
    let fields = |health: &Value, platform: &str| {
        let mut fields = names_in(health, "");
        fields.retain(|name| name != platform);
        fields
    };
    // The one platform of the test is another one than that of the page.
    assert_eq!(fields(&shown, ".discord"), fields(&answer, ".chat"));
}

/// The fields of a value and of those in it.
fn names_in(value: &Value, above: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, inside) in value.as_object().into_iter().flatten() {
        let name = format!("{above}.{name}");
        names.extend(names_in(inside, &name));
        names.push(name);
    }
    names.sort();
    names
}

/// The least that a token has to allow.
async fn scope(stage: &Stage, method: &Method, path: &str) -> &'static str {
    let path = path
        .replace("{thread}", "chat:general~1")
        .replace("{project}", "demo")
        .replace("{id}", "00000000-0000-0000-0000-000000000000");
    let tokens = [
        ("", None),
        ("`read`", Some(&stage.read)),
        ("`write`", Some(&stage.write)),
        ("`admin`", Some(&stage.admin)),
    ];
    for (scope, token) in tokens {
        let request = request(method.clone(), &path, token.map(String::as_str));
        // A stream of events has no end, so the body is left alone.
        let answer = stage.router.clone().oneshot(request).await;
        let status = answer.unwrap().status();
        if ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return scope;
        }
    }
    panic!("{method} {path} lets nobody in");
}

/// The first sentence of an operation, which has to be a whole one.
fn what(described: &Value) -> &str {
    let summary = described["summary"].as_str().unwrap_or_default();
    let whole = summary.strip_suffix('.');
    whole.unwrap_or_else(|| panic!("no sentence: {described}"))
}
