//! What programs ask, and what they may.

use axum::http::{Method, StatusCode};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use mpg_core::audit::Actor;
use mpg_core::gateway::Order;
use mpg_core::observe::{Observer as _, Sight};
use mpg_core::token::{Scope, Token, Tokens as _};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::stage::{Stage, busy, dead_letter, request, root, turn_id};

#[tokio::test]
async fn nobody_is_let_in_without_a_token() {
    let stage = Stage::new();
    let expired = stage.past.admit(Scope::Admin, Some(Timestamp::UNIX_EPOCH));
    let (prefix, secret) = stage.admin.rsplit_once('_').unwrap();
    let wrong = format!("{prefix}_{}", secret.replace(char::is_alphanumeric, "0"));
    for path in ["/api/status", "/api/events", "/metrics", "/openapi.json"] {
        for token in ["", "x", "mpg_", "mpg_0011_", &expired, &wrong, prefix] {
            let answer = stage.ask(Method::GET, path, Some(token)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {token:?}");
        }
        let answer = stage.ask(Method::GET, path, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.body.contains("mpgd token create"), "{answer:?}");
    }
    assert_eq!(stage.get("/api/status").await.status, StatusCode::OK);
    stage.past.revoke_all();
    let revoked = stage.get("/api/status").await;
    assert_eq!(revoked.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_does_what_its_scope_says_and_no_more() {
    let stage = Stage::new();
    let dead = format!("/api/deliveries/{}/redeliver", dead_letter().post.id);
    let thread = "/api/threads/chat:general~1";
    for (path, needed) in [
        (dead.clone(), Scope::Write),
        (format!("{thread}/stop"), Scope::Write),
        (format!("{thread}/restart"), Scope::Admin),
        (format!("{thread}/kill"), Scope::Admin),
    ] {
        for (scope, token) in Scope::ALL
            .into_iter()
            .zip([&stage.read, &stage.write, &stage.admin])
        {
            let answer = stage.ask(Method::POST, &path, Some(token)).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, scope < needed, "{path} {scope:?}: {answer:?}");
            assert!(refused || answer.status.is_success(), "{path}: {answer:?}");
        }
    }
    let orders = stage.desk.orders.lock().unwrap().clone();
    let [stop, restart, kill] = [Order::Stop, Order::Restart, Order::Kill].map(|it| (root(), it));
    assert_eq!(orders, [stop.clone(), stop, restart, kill]);
    let actors = stage.desk.actors.lock().unwrap().clone();
    let mut tokens = stage.past.tokens().await.unwrap().into_iter().skip(1);
    let [write, admin] = [(); 2].map(|()| {
        let Token { id, name, .. } = tokens.next().unwrap();
        Actor::Token { id, name }
    });
    let [once, again] = [&write, &admin];
    assert_eq!(
        actors.iter().collect::<Vec<_>>(),
        [once, again, once, again, again, again]
    );
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page() {
    let stage = Stage::new();
    let newest = stage.get("/api/audit").await.json();
    assert_eq!(newest.as_array().map(Vec::len), Some(100));
    let entry = &newest[0];
    assert_eq!(entry["number"], 250);
    assert_eq!(entry["at"], "1970-01-01T00:00:00Z");
    assert_eq!(entry["entry"]["act"], "asked");
    assert_eq!(entry["entry"]["actor"]["platform"], "chat");
    assert_eq!(entry["entry"]["actor"]["name"], "<i>Ann</i>");
    assert_eq!(entry["entry"]["text"], Value::Null);
    assert_eq!(entry["entry"]["text_sha256"], "ab");
    let last = stage.get("/api/audit?before=2&limit=1000").await.json();
    assert_eq!(last.as_array().map(Vec::len), Some(1));
    assert_eq!(last[0]["number"], 1);
    for wrong in ["limit=0", "limit=1001", "limit=x", "before=-1"] {
        let answer = stage.get(&format!("/api/audit?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn what_the_gateway_does_is_told_with_the_names_that_programs_know() {
    let stage = Stage::new();
    stage.desk.says(Some(busy()));
    let sessions = stage.get("/api/sessions").await.json();
    let expected = json!([{
        "sessionId": null,
        "projectKey": "demo",
        "project": "demo",
        "thread": "chat:general~1",
        "agent": null,
        "cwd": "/srv/demo",
        "projectDir": "/srv/demo",
        "lastActivity": "1970-01-01T00:00:00Z",
        "queueLength": 3,
        "processing": true,
        "activity": "working",
        "since": "1970-01-01T00:00:00Z",
        "until": null,
    }]);
    assert_eq!(sessions, expected);
    let projects = stage.get("/api/projects").await.json();
    assert_eq!(
        projects,
        json!([{
            "channelId": "general",
            "channels": ["chat:general"],
            "name": "demo",
            "directory": "/srv/demo",
            "agents": [],
        }])
    );
    let status = stage.get("/api/status").await.json();
    assert_eq!(status["version"], "1.2.3");
    assert_eq!(status["health"]["status"], "ok");
    assert_eq!(status["sessions"], expected);
    assert_eq!(status["projects"], projects);
    let deliveries = stage.get("/api/deliveries").await.json();
    assert_eq!(deliveries["owed"][0]["text"], "soon");
    assert_eq!(deliveries["dead"][0]["reason"], "the place is gone");
}

#[tokio::test]
async fn the_past_is_looked_up() {
    let stage = Stage::new();
    let all = stage.get("/api/turns").await.json();
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert_eq!(all[0]["failure"]["message"], "it broke");
    let queued = stage.get("/api/queue").await.json();
    assert_eq!(queued.as_array().map(Vec::len), Some(1));
    let older = stage.get("/api/turns?before=3&limit=1").await.json();
    assert_eq!(older[0]["state"], "running");
    let one = stage.get(&format!("/api/turns/{}", turn_id(1))).await;
    assert_eq!(one.json()["thread"], "chat:general~1");
    let thread = stage.get("/api/threads/chat:general~1").await.json();
    assert_eq!(thread["project"], "demo");
    assert_eq!(thread["entries"][0]["text"], "<script>alert(1)</script>");
    assert_eq!(thread["entries"][1]["kind"], "answer");
    let activity = stage.get("/api/activity/summary?range=30d").await.json();
    assert_eq!(activity["over_time"].as_array().map(Vec::len), Some(30));
    assert_eq!(activity["over_time"][0]["turns"], 2);
    assert_eq!(activity["over_time"][0]["mean_wait_ms"], 15);
    assert_eq!(activity["total"]["cost_microdollars"], 500);

    let timeline = stage.get("/api/activity/timeline?range=1h").await.json();
    assert_eq!(timeline["range"], "1h");
    assert_eq!(timeline["complete"], true);
    let line = &timeline["conversations"][0];
    assert_eq!(line["project"], "demo");
    assert_eq!(line["thread"], "chat:general~1");
    // What waits and what runs, and not what ended long ago.
    let turns = line["segments"].as_array().unwrap().iter();
    let turns: Vec<_> = turns.map(|segment| segment["turn"].clone()).collect();
    assert_eq!(turns, [turn_id(2), turn_id(1)].map(|id| id.to_string()));
    assert_eq!(line["segments"][0]["ended_at"], Value::Null);

    for (path, status) in [
        ("/api/turns?state=gone", 400),
        ("/api/turns?limit=many", 400),
        ("/api/turns?thread=x", 400),
        ("/api/turns/x", 404),
        ("/api/turns/00000000-0000-0000-0000-0000000000ff", 404),
        ("/api/threads/chat:general", 404),
        ("/api/threads/x", 404),
        ("/api/activity/summary?range=1y", 400),
        ("/api/activity/timeline?range=1y", 400),
        ("/api/nothing", 404),
        ("/api/threads/chat:general~1/stop", 405),
    ] {
        let answer = stage.get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert!(answer.json()["error"].is_string(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_go_on_where_they_were_left() {
    let stage = Stage::new();
    for number in 1..=3 {
        stage.past.happened(number, "turn-started");
    }
    let mut ask = request(Method::GET, "/api/events", Some(&stage.read));
    ask.headers_mut()
        .insert("last-event-id", "1".parse().unwrap());
    let response = stage.router.clone().oneshot(ask).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let mut next = async || {
        let bytes = body.next().await.unwrap().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let second = next().await;
    for line in [
        "id: 2",
        "event: turn-started",
        r#"data: {"at":"1970-01-01T00:00:00Z","thread":"chat:general~1","project":"demo","detail":{"attempt":1}}"#,
    ] {
        assert!(
            second.lines().any(|found| found == line),
            "{line} in {second}"
        );
    }
    assert!(next().await.contains("id: 3\n"));

    stage.past.happened(4, "turn-ended");
    let committed = Sight::Committed {
        records: &[],
        took: std::time::Duration::ZERO,
    };
    stage.watch.see(Timestamp::UNIX_EPOCH, &committed);
    assert!(next().await.contains("event: turn-ended"), "live");
}
