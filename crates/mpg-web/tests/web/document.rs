//! Every operation answers what the document says, whoever asks and for whatever.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use http_body_util::BodyExt as _;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tower::ServiceExt as _;

use crate::stage::{Stage, ask_id, busy, dead_letter, open_request, permission, turn_id};

/// One operation of the document.
#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: String,
    described: Value,
}

/// What is put in for parameters and token.
#[derive(Clone, Debug)]
struct Input {
    values: Vec<Option<String>>,
    token: usize,
    /// Which sort of body.
    body: u8,
}

fn inputs() -> impl Strategy<Value = Input> {
    let known = [
        "chat:general~1".to_owned(),
        turn_id(1).to_string(),
        dead_letter().post.id.to_string(),
        "queued".to_owned(),
        "demo".to_owned(),
        "known".to_owned(),
        "24h".to_owned(),
        "2".to_owned(),
        ask_id(1).to_string(),
        ask_id(11).to_string(),
        ask_id(12).to_string(),
        "99999999999999999999999".to_owned(),
        String::new(),
    ];
    let known: Vec<_> = known.into_iter().map(|text| Just(text).boxed()).collect();
    let value = prop_oneof![
        3 => proptest::strategy::Union::new(known),
        1 => any::<String>(),
    ];
    let values = proptest::collection::vec(proptest::option::of(value), 4);
    let whole = (values, 0..6_usize, 0..6_u8);
    whole.prop_map(|(values, token, body)| Input {
        values,
        token,
        body,
    })
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                described: described.clone(),
            });
        }
    }
    operations
}

/// Everything but what is safe in a path or a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}

fn request(
    document: &Value,
    operation: &Operation,
    input: &Input,
    tokens: &[Option<&str>],
) -> Request<Body> {
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut header = None;
    let parameters = operation.described["parameters"].as_array();
    for (parameter, value) in parameters.into_iter().flatten().zip(&input.values) {
        let name = parameter["name"].as_str().unwrap();
        match (parameter["in"].as_str(), value) {
            (Some("path"), value) => {
                // An empty part of a path is another path.
                let value = value.as_deref().filter(|value| !value.is_empty());
                path = path.replace(&format!("{{{name}}}"), &encoded(value.unwrap_or("x")));
            }
            (Some("header"), Some(value)) => header = Some((name, value)),
            (Some("query"), Some(value)) => query.push(format!("{name}={}", encoded(value))),
            (_, _) => {}
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let mut request = Request::builder()
        .method(operation.method.clone())
        .uri(path)
        .header("host", "localhost");
    if let Some(token) = tokens[input.token] {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::from_str(value)
    {
        request = request.header(name, value);
    }
    let schema = &operation.described["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        return request.body(Body::empty()).unwrap();
    }
    let request = request.header("content-type", "application/json");
    let body = body(document, schema, input).to_string();
    request.body(Body::from(body)).unwrap()
}

/// A body as the document describes it, or one that is something else, or too much.
fn body(document: &Value, schema: &Value, input: &Input) -> Value {
    match input.body {
        0 => return json!([input.values]),
        1 => return json!({"text": "x".repeat(600_000)}),
        _ => {}
    }
    let pointer = schema["$ref"].as_str().unwrap().trim_start_matches('#');
    let properties = document.pointer(pointer).unwrap()["properties"].as_object();
    let mut body = serde_json::Map::new();
    let values = input.values.iter().rev().cycle();
    for ((name, described), value) in properties.unwrap().iter().zip(values) {
        let text = || value.clone().unwrap_or_default();
        let made = match (&described["type"], input.body) {
            // Only what has to be there, and a text.
            (_, 2) if name != "text" => continue,
            (Value::String(one), _) if one == "array" => json!([text()]),
            (Value::String(one), _) if one == "object" => json!({ text(): text() }),
            (_, _) => json!(text()),
        };
        body.insert(name.clone(), made);
    }
    Value::Object(body)
}

/// Whether a value is what a schema says: as much of JSON Schema as the document uses.
fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let schema = document.pointer(pointer).ok_or(reference)?;
        return check(document, schema, value);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let fits = |choice: &&Value| check(document, choice, value).is_ok();
            return match choices.iter().find(fits) {
                Some(_) => Ok(()),
                None => Err(format!("{value} is none of {choices:?}")),
            };
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value)?;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits =
        types.is_empty() || types.contains(&is) || (is == "integer" && types.contains(&"number"));
    if !fits {
        return Err(format!("{value} is {is}, not {types:?}"));
    }
    match value {
        Value::Array(items) => {
            for item in items {
                check(document, &schema["items"], item)?;
            }
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().ok_or("a name")?;
                if !fields.contains_key(name) {
                    return Err(format!("{name} is missing in {value}"));
                }
            }
            for (name, field) in fields {
                let described = &schema["properties"][name];
                let described = if described.is_null() {
                    &schema["additionalProperties"]
                } else {
                    described
                };
                if described.is_null() && schema["allOf"].is_null() && is_closed(schema) {
                    return Err(format!("{name} is not described"));
                }
                if described.is_object() {
                    check(document, described, field)?;
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// Whether a schema names all fields: a part of another one does not.
fn is_closed(schema: &Value) -> bool {
    schema["properties"].is_object() && schema["additionalProperties"].is_null()
}

async fn try_one(stage: &Stage, document: &Value, operation: &Operation, input: &Input) {
    let tokens = [
        None,
        Some("mpg_0011223344556677_x"),
        Some(stage.read.as_str()),
        Some(stage.write.as_str()),
        Some(stage.admin.as_str()),
        Some(stage.admin.as_str()),
    ];
    let request = request(document, operation, input, &tokens);
    let asked = format!("{} {}", request.method(), request.uri());
    let response = stage.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert_ne!(status.as_u16(), 500, "{asked}");
    let described = &operation.described["responses"][status.as_str()];
    assert!(described.is_object(), "{asked}: {status} is not described");
    let media_type = response.headers().get("content-type");
    let media_type = media_type.map(|it| it.to_str().unwrap().to_owned());
    let media_type = media_type.as_deref().and_then(|it| it.split(';').next());
    let Some(media_type) = media_type else {
        assert!(
            described["content"].is_null(),
            "{asked}: {status} has a body"
        );
        return;
    };
    let content = &described["content"][media_type];
    assert!(content.is_object(), "{asked}: {status} as {media_type}");
    if media_type != "application/json" {
        return;
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    if let Err(wrong) = check(document, &content["schema"], &body) {
        panic!("{asked}: {status}: {wrong}");
    }
}

#[test]
fn every_operation_answers_what_its_document_says() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let stage = Stage::new();
    stage.desk.says(Some(busy()));
    let open = open_request(1, permission());
    stage.desk.open.lock().unwrap().push(open);
    let document = runtime.block_on(stage.get("/openapi.json")).json();
    let operations = operations(&document);
    assert!(operations.len() > 15, "{operations:?}");
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let tried = runner.run(&inputs(), |input| {
        for operation in &operations {
            runtime.block_on(try_one(&stage, &document, operation, &input));
        }
        Ok(())
    });
    tried.unwrap();
    // One that has ended says so.
    stage.desk.says(None);
    let input = Input {
        values: vec![Some("chat:general~1".to_owned()), None, None, None],
        token: 4,
        body: 2,
    };
    for operation in &operations {
        runtime.block_on(try_one(&stage, &document, operation, &input));
    }
}

#[tokio::test]
async fn the_document_is_the_one_that_was_looked_at() {
    let stage = Stage::new();
    let document = stage.get("/openapi.json").await.json();
    let mut lines = BTreeMap::new();
    for operation in operations(&document) {
        let statuses = operation.described["responses"].as_object().unwrap();
        let statuses: Vec<_> = statuses.keys().map(String::as_str).collect();
        let line = format!("{} {}", operation.path, operation.method);
        lines.insert(line, statuses.join(" "));
    }
    insta::assert_debug_snapshot!(lines);
}
