//! What agents ask, over HTTP and on pages.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use mpg_core::ask::Given;
use serde_json::{Value, json};

use crate::stage::{
    Answer, Stage, ask_id, open_request, past_requests, permission, questions, request,
};

fn asking() -> Stage {
    let stage = Stage::new();
    let open = [open_request(1, permission()), open_request(2, questions())];
    stage.desk.open.lock().unwrap().extend(open);
    stage
}

async fn say(stage: &Stage, id: impl ToString, token: &str, body: &Value) -> Answer {
    let path = format!("/api/requests/{}/answer", id.to_string());
    let mut request = request(Method::POST, &path, Some(token));
    let json = "application/json".parse().unwrap();
    request.headers_mut().insert("content-type", json);
    *request.body_mut() = Body::from(body.to_string());
    stage.send(request).await
}

/// What a page sends whose script does not run.
async fn press(stage: &Stage, id: impl ToString, token: &str, body: &'static str) -> Answer {
    let path = format!("/requests/{}/answer", id.to_string());
    let mut request = request(Method::POST, &path, None);
    let headers = request.headers_mut();
    headers.insert("cookie", format!("mpg_session={token}").parse().unwrap());
    headers.insert("origin", "http://localhost".parse().unwrap());
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    headers.insert("content-type", form);
    *request.body_mut() = Body::from(body);
    stage.send(request).await
}

#[tokio::test]
async fn a_request_is_answered_by_who_may_in_the_name_of_the_token() {
    let stage = asking();
    let listed = stage.get("/api/requests").await.json();
    assert_eq!(listed["requests"].as_array().map(Vec::len), Some(2));
    assert_eq!(listed["requests"][0]["kind"], "permission");
    let path = format!("/api/requests/{}", ask_id(1));
    let one = stage.get(&path).await.json();
    assert_eq!(one["state"], "open");
    let one = &one["open"];
    let text = one["text"].as_str().unwrap();
    assert!(text.contains("rm -rf target <script>"), "{text}");
    let allows = one["controls"][0]["id"].as_str().unwrap();
    let reason = &one["controls"][4];
    assert_eq!(reason["fields"][0]["name"], "text", "{reason}");

    let allow = json!({"text": "allow"});
    let refused = say(&stage, ask_id(1), &stage.read, &allow).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let control = json!({"control": allows, "fields": {"text": "x"}, "values": ["y"]});
    for body in [&allow, &control] {
        let done = say(&stage, ask_id(1), &stage.write, body).await;
        assert_eq!(done.status, StatusCode::ACCEPTED, "{done:?}");
    }
    let answers = std::mem::take(&mut *stage.desk.answers.lock().unwrap());
    let [(_, written, by), (_, used, _)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(*written, Given::Written("allow".to_owned()));
    assert_eq!(by.name, "test");
    assert!(by.id.as_str().starts_with("token:"), "{by:?}");
    let Given::Used {
        control,
        values,
        fields,
    } = used
    else {
        panic!("{used:?}");
    };
    assert_eq!(
        (control.as_str(), values.as_slice()),
        (allows, ["y".to_owned()].as_slice())
    );
    assert_eq!(fields, &[("text".to_owned(), "x".to_owned())]);
}

#[tokio::test]
async fn an_answer_that_is_none_or_too_late_says_so() {
    let stage = asking();
    let [answered, expired, over] = past_requests().map(|past| past.id.to_string());
    let (open, nobody) = (ask_id(1).to_string(), ask_id(99).to_string());
    let allow = json!({"text": "allow"});
    for (id, body, status, says) in [
        (&answered, &allow, 409, "bob answered this already"),
        (&expired, &allow, 410, "nobody answered this in time"),
        (&over, &allow, 410, "does not wait"),
        (&nobody, &allow, 404, "under this id"),
        (&"x".to_owned(), &allow, 404, "no such request"),
        (&open, &json!({"text": "perhaps"}), 400, "no answer"),
        (&open, &json!({}), 400, "either a `text`"),
        (
            &open,
            &json!({"text": "allow", "control": "c"}),
            400,
            "either a `text`",
        ),
        (&open, &json!({"control": ""}), 400, "no id of a control"),
        (&open, &json!({"words": "allow"}), 400, "words"),
    ] {
        let answer = say(&stage, id, &stage.write, body).await;
        assert_eq!(answer.status.as_u16(), status, "{id} {body}: {answer:?}");
        assert!(answer.body.contains(says), "{id} {body}: {answer:?}");
    }
    assert!(stage.desk.answers.lock().unwrap().is_empty());
    let past = stage.get(&format!("/api/requests/{answered}")).await.json();
    assert_eq!(
        (&past["state"], &past["by"]),
        (&json!("answered"), &json!("bob"))
    );
    for (id, state) in [(&expired, "expired"), (&over, "over")] {
        let past = stage.get(&format!("/api/requests/{id}")).await.json();
        assert_eq!(past["state"], state);
    }
    let nothing = stage.get(&format!("/api/requests/{nobody}")).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_answers_without_a_script() {
    let stage = asking();
    let control = format!("ask:{}:0", ask_id(2));
    for page in ["/requests", "/threads/chat:general~1"] {
        let mut look = request(Method::GET, page, None);
        let cookie = format!("mpg_session={}", stage.write).parse().unwrap();
        look.headers_mut().insert("cookie", cookie);
        let shown = stage.send(look).await;
        assert!(shown.body.contains(&control), "{page}: {}", shown.body);
        assert!(!shown.body.contains("<script>\n"), "{page}");
        assert!(
            shown.body.contains("rm -rf target &lt;script&gt;"),
            "{page}"
        );
        let read = stage.get(page).await;
        assert!(!read.body.contains("/answer\""), "{page}: nothing to press");
        assert!(
            read.body.contains("2<span class=\"hidden\"> waiting"),
            "{}",
            read.body
        );
    }
    let body: &'static str =
        "control=ask%3A00000000-0000-0000-0000-00000000a5c2%3A0&value=0&value=1&field.text=why&x=y";
    let refused = press(&stage, ask_id(2), &stage.read, body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let done = press(&stage, ask_id(2), &stage.write, body).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert!(done.body.contains("it is answered"), "{}", done.body);
    let answers = stage.desk.answers.lock().unwrap().clone();
    let [
        (
            id,
            Given::Used {
                control: used,
                values,
                fields,
            },
            _,
        ),
    ] = answers.as_slice()
    else {
        panic!("{answers:?}");
    };
    assert_eq!((*id, used.as_str()), (ask_id(2), control.as_str()));
    assert_eq!(*values, ["0", "1"]);
    assert_eq!(fields, &[("text".to_owned(), "why".to_owned())]);

    let nothing = press(&stage, ask_id(2), &stage.write, "value=0").await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let [answered, ..] = past_requests();
    let late = press(&stage, answered.id, &stage.write, body).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.body.contains("bob answered this already"),
        "{}",
        late.body
    );
    let page = format!("/requests/{}", answered.id);
    let page = stage.get(&page).await;
    assert!(page.body.contains("denied by"), "{}", page.body);
}
