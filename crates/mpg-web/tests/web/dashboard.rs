//! The pages for people.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use mpg_core::agent::AgentSpec;
use mpg_core::config::{Config, Limits, Project, RoutingTable};
use mpg_core::gateway::Order;
use mpg_core::id::ProjectName;
use mpg_core::observe::{Observer as _, Sight};
use mpg_core::token::{Scope, Tokens as _};
use tower::ServiceExt as _;

use crate::stage::{
    Answer, Stage, busy, dead_letter, idle, open_request, permission, questions, root,
};

const OWN: &str = "http://localhost";

/// A request of a browser that keeps this, from a page of the gateway or from another one.
fn browsing(method: Method, path: &str, kept: &str, origin: Option<&str>) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("cookie", format!("mpg_session={kept}"));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.body(Body::empty()).unwrap()
}

async fn look(stage: &Stage, path: &str) -> Answer {
    let request = browsing(Method::GET, path, &stage.admin, None);
    stage.send(request).await
}

async fn post(stage: &Stage, path: &str, kept: &str) -> Answer {
    let request = browsing(Method::POST, path, kept, Some(OWN));
    stage.send(request).await
}

/// Sends the form that lets people in.
async fn log_in(stage: &Stage, shown: &str) -> Answer {
    let request = Request::post("/login")
        .header("host", "localhost")
        .header("origin", OWN)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("token={shown}")))
        .unwrap();
    stage.send(request).await
}

/// What a browser keeps after it was let in.
fn kept(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.headers["location"], "/");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let (kept, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(
        attributes,
        " Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
    );
    kept.strip_prefix("mpg_session=").unwrap().to_owned()
}

#[tokio::test]
async fn each_page_says_what_it_knows() {
    let stage = Stage::new();
    stage.desk.says(Some(busy()));
    let open = [open_request(1, permission()), open_request(2, questions())];
    stage.desk.open.lock().unwrap().extend(open);
    for (name, path) in [
        ("overview", "/"),
        ("sessions", "/sessions"),
        ("conversation", "/threads/chat:general~1"),
        ("projects", "/projects"),
        ("project", "/projects/demo"),
        ("requests", "/requests"),
        ("queue", "/queue"),
        ("turns", "/turns?state=ended"),
        ("deliveries", "/deliveries"),
        ("configuration", "/configuration"),
    ] {
        let page = look(&stage, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        insta::assert_snapshot!(format!("page_{name}"), page.body);
    }
    stage.desk.says(Some(idle()));
    stage.desk.open.lock().unwrap().clear();
    insta::assert_snapshot!("page_overview_idle", look(&stage, "/").await.body);
    let login = stage.ask(Method::GET, "/login", None).await;
    insta::assert_snapshot!("page_login", login.body);
}

#[tokio::test]
async fn what_people_and_agents_write_is_text() {
    let stage = Stage::new();
    let page = look(&stage, "/threads/chat:general~1").await;
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert!(
        page.body.contains("&lt;script&gt;alert(1)"),
        "{}",
        page.body
    );
    let hostile = "/threads/chat:%3Cimg%20src=x%20onerror=alert(1)%3E";
    let nothing = look(&stage, hostile).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(!nothing.body.contains("<img"), "{}", nothing.body);
    let refused = log_in(&stage, "%3Cscript%3E%22").await;
    assert!(!refused.body.contains("<script>\""), "{}", refused.body);
}

#[tokio::test]
async fn no_page_may_run_what_stands_in_it() {
    let stage = Stage::new();
    for path in ["/", "/login", "/threads/x", "/assets/dashboard.js"] {
        let answer = look(&stage, path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(!answer.body.contains(" style="), "{path}");
        assert!(!answer.body.contains(" onclick="), "{path}");
        assert!(!answer.body.contains("<script>"), "{path}");
    }
    let style = look(&stage, "/assets/dashboard.css").await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    for asset in [style, look(&stage, "/assets/dashboard.js").await] {
        assert!(!asset.body.contains("http://") && !asset.body.contains("https://"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_lets_one_browser_in() {
    let stage = Stage::new();
    let outside = stage.ask(Method::GET, "/", None).await;
    assert_eq!(outside.status, StatusCode::SEE_OTHER);
    assert_eq!(outside.headers["location"], "/login");

    let link = stage.invitations.invite(Scope::Write).unwrap();
    let session = kept(&log_in(&stage, &link).await);
    assert_ne!(session, link);
    let inside = stage.send(browsing(Method::GET, "/", &session, None)).await;
    assert_eq!(inside.status, StatusCode::OK);

    let used = log_in(&stage, &link).await;
    assert_eq!(used.status, StatusCode::UNAUTHORIZED);
    assert!(used.body.contains("was used or is too old"), "{used:?}");
    assert!(!used.headers.contains_key("set-cookie"));

    let late = stage.invitations.invite(Scope::Write).unwrap();
    tokio::time::advance(std::time::Duration::from_mins(5)).await;
    assert_eq!(log_in(&stage, &late).await.status, StatusCode::UNAUTHORIZED);
    // A link is no token.
    let unused = stage.invitations.invite(Scope::Admin).unwrap();
    let shown = stage.ask(Method::GET, "/api/status", Some(&unused)).await;
    assert_eq!(shown.status, StatusCode::UNAUTHORIZED);

    let out = post(&stage, "/logout", &session).await;
    assert_eq!(out.headers["location"], "/login");
    let cookie = out.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("Max-Age=0"), "{cookie}");
    let after = stage.send(browsing(Method::GET, "/", &session, None)).await;
    assert_eq!(after.status, StatusCode::SEE_OTHER, "the session is over");
}

#[tokio::test]
async fn a_token_lets_in_too_and_stays_when_its_browser_leaves() {
    let stage = Stage::new();
    assert_eq!(kept(&log_in(&stage, &stage.read).await), stage.read);
    post(&stage, "/logout", &stage.read).await;
    assert_eq!(stage.get("/api/status").await.status, StatusCode::OK);
    for wrong in ["", "x", "mpg_", "mpgl_0"] {
        let refused = log_in(&stage, wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert!(refused.body.contains("role=\"alert\""), "{wrong}");
    }
    let nothing = stage
        .send(
            Request::post("/login")
                .header("host", "localhost")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sessions_that_are_over_are_forgotten() {
    let stage = Stage::new();
    stage.past.admit(Scope::Admin, Some(Timestamp::UNIX_EPOCH));
    let before = stage.past.tokens().await.unwrap().len();
    let link = stage.invitations.invite(Scope::Read).unwrap();
    kept(&log_in(&stage, &link).await);
    let after = stage.past.tokens().await.unwrap();
    assert_eq!(after.len(), before, "one came, one went");
    let session = after.last().unwrap();
    assert_eq!(session.name, "dashboard");
    assert!(session.expires_at.is_some_and(|at| at > Timestamp::now()));
}

#[tokio::test]
async fn a_button_does_what_its_visitor_may() {
    let stage = Stage::new();
    let thread = "/threads/chat:general~1";
    for (order, needed) in [
        ("stop", Scope::Write),
        ("restart", Scope::Admin),
        ("kill", Scope::Admin),
    ] {
        let action = format!("{thread}/{order}");
        for (scope, token) in Scope::ALL
            .into_iter()
            .zip([&stage.read, &stage.write, &stage.admin])
        {
            let page = stage.send(browsing(Method::GET, thread, token, None)).await;
            let offered = page.body.contains(&format!("action=\"{action}\""));
            assert_eq!(offered, scope >= needed, "{order} {scope:?}");
            let answer = post(&stage, &action, token).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, scope < needed, "{order} {scope:?}: {answer:?}");
        }
    }
    let orders = stage.desk.orders.lock().unwrap().clone();
    let [stop, restart, kill] = [Order::Stop, Order::Restart, Order::Kill].map(|it| (root(), it));
    assert_eq!(orders, [stop.clone(), stop, restart, kill]);
    let unknown = post(&stage, "/threads/chat:general~9/stop", &stage.admin).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let strange = post(&stage, &format!("{thread}/dance"), &stage.admin).await;
    assert_eq!(strange.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_post_that_was_given_up_is_made_again_from_its_page() {
    let stage = Stage::new();
    stage.desk.says(Some(busy()));
    let action = format!("/deliveries/{}/redeliver", dead_letter().post.id);
    let read = stage
        .send(browsing(Method::GET, "/deliveries", &stage.read, None))
        .await;
    assert!(!read.body.contains(&action), "{}", read.body);
    let refused = post(&stage, &action, &stage.read).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = look(&stage, "/deliveries").await;
    assert!(page.body.contains(&action), "{}", page.body);
    let done = post(&stage, &action, &stage.write).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(done.body.contains("it is posted again"), "{}", done.body);
    let unknown = "/deliveries/00000000-0000-0000-0000-0000000000ff/redeliver";
    let nothing = post(&stage, unknown, &stage.write).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn activity_is_drawn_for_each_range() {
    let stage = Stage::new();
    for (range, bars) in [("24h", 24), ("7d", 7), ("30d", 30)] {
        let page = look(&stage, &format!("/activity?range={range}")).await;
        assert_eq!(page.status, StatusCode::OK, "{range}");
        assert_eq!(page.body.matches("<rect ").count(), 4 * bars, "{range}");
        let current = format!("href=\"/activity?range={range}\" aria-current=\"true\"");
        assert!(page.body.contains(&current), "{}", page.body);
        assert!(page.body.contains("<dt>Turns</dt><dd>2</dd>"), "{range}");
        assert!(page.body.contains("$0.0005"), "{range}");
    }
    let wrong = look(&stage, "/activity?range=1y").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let wrong = look(&stage, "/turns?state=gone").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_reload_is_seen_and_what_arguments_are_is_not() {
    let stage = Stage::new();
    let missing = look(&stage, "/projects/shop").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let mut project = Project::new(ProjectName::new("shop"), "/srv/shop");
    project.agent = Arc::new(AgentSpec {
        args: ["--key", "hunter2", "--other=hunter3"]
            .map(str::to_owned)
            .into(),
        ..AgentSpec::default()
    });
    let routing = RoutingTable::new([project]).unwrap();
    let limits = Limits::default();
    let config = Arc::new(Config { routing, limits });
    stage.configured.replace(config, Vec::new());
    let page = look(&stage, "/projects/shop").await;
    assert!(page.body.contains("--key, --other"), "{}", page.body);
    assert!(!page.body.contains("hunter"), "{}", page.body);
    let whole = look(&stage, "/configuration").await;
    assert!(
        !whole.body.contains("from the variable X"),
        "{}",
        whole.body
    );
    let listed = stage.get("/api/projects").await.json();
    assert_eq!(listed[0]["name"], "shop");
}

#[tokio::test]
async fn what_a_browser_changes_comes_from_our_own_pages() {
    let stage = Stage::new();
    for path in [
        "/threads/chat:general~1/kill",
        "/api/threads/chat:general~1/kill",
    ] {
        for origin in [
            None,
            Some("null"),
            Some("http://evil.example"),
            Some("http://localhost:8080"),
        ] {
            let request = browsing(Method::POST, path, &stage.admin, origin);
            let answer = stage.send(request).await;
            assert!(!answer.status.is_success(), "{path} {origin:?}: {answer:?}");
        }
    }
    assert_eq!(stage.desk.orders.lock().unwrap().len(), 0);
    let own = browsing(
        Method::POST,
        "/api/threads/chat:general~1/kill",
        &stage.admin,
        Some(OWN),
    );
    assert_eq!(stage.send(own).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_that_something_changed() {
    let stage = Stage::new();
    let open = async |path: &str| {
        let request = browsing(Method::GET, path, &stage.read, None);
        let response = stage.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.into_body().into_data_stream()
    };
    let mut all = open("/live").await;
    let mut of_thread = open("/live?thread=chat:general~1").await;
    let mut of_other = open("/live?thread=chat:general~2").await;
    stage.past.happened(1, "turn-started");
    let committed = Sight::Committed {
        records: &[],
        took: std::time::Duration::ZERO,
    };
    stage.watch.see(Timestamp::UNIX_EPOCH, &committed);
    for stream in [&mut all, &mut of_thread] {
        let said = stream.next().await.unwrap().unwrap();
        assert_eq!(said, "data: changed\n\n");
    }
    // The next that it hears is that the stream is alive.
    let said = of_other.next().await.unwrap().unwrap();
    assert_eq!(said, ":\n\n");
    let wrong = stage
        .send(browsing(Method::GET, "/live?thread=x", &stage.read, None))
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_audit_log_is_shown_with_who_did_what() {
    let stage = Stage::new();
    let page = look(&stage, "/audit").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "&#60;i&#62;Ann&#60;/i&#62; (chat:7)",
        "turn 250",
        "sha256:ab",
        "href=\"/threads/chat:general~1\"",
        "href=\"/audit?before=151\"",
        "data-live=\"/live\"",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let older = look(&stage, "/audit?before=51").await;
    assert!(older.body.contains("turn 50"), "{}", older.body);
    assert!(!older.body.contains("Older entries"), "{}", older.body);
    assert!(!older.body.contains("data-live"), "{}", older.body);
}
