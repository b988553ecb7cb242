//! What agents ask, answered past the chat.

use serde_json::{Value, json};

use crate::home::{Home, output, shown};
use crate::http::{address, ask, json, say, serves, token};

/// What an agent does that may not do it unasked.
pub(crate) fn touch(name: &str) -> String {
    let input = json!({ "command": format!("sh -c 'touch {name}'"), "description": "x" });
    format!("TOOL:Bash:{input}\nSAY:done with {name}")
}

async fn run(home: &Home, arguments: &[&str]) -> String {
    shown(&output(&mut home.command(arguments)).await, &home.path(""))
}

/// What waits, as a shell tells it.
async fn listed(home: &Home) -> Value {
    let listed = output(&mut home.command(&["requests", "--json"])).await;
    assert!(listed.status.success(), "{listed:?}");
    serde_json::from_slice(&listed.stdout).unwrap()
}

#[tokio::test]
async fn a_permission_is_given_over_http_and_refused_from_a_shell() {
    let home = Home::new("").await;
    let down = run(&home, &["requests"]).await;
    assert!(down.contains("no gateway is running"), "{down}");
    serves(&home);
    let daemon = home.start().await;
    let at = address(&home).await;
    let (_, read) = token(&home, "read").await;
    let (_, write) = token(&home, "write").await;
    assert_eq!(listed(&home).await, json!([]));
    let message = home.say(home.one, &touch("allowed.txt"));
    let post = home.asked(message, "touch allowed.txt").await;

    let status = run(&home, &["status"]).await;
    assert!(status.contains(": asking since "), "{status}");
    let status = json(&at, "/api/status", &read).await;
    let session = &status["sessions"][0];
    assert_eq!(
        (&session["activity"], &session["processing"]),
        (&json!("asking"), &json!(true))
    );
    let open = json(&at, "/api/requests", &read).await;
    let id = open["requests"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed(&home).await[0]["id"], id.as_str());
    let path = format!("/api/requests/{id}");
    let one = json(&at, &path, &read).await;
    let text = one["open"]["text"].as_str().unwrap();
    assert!(text.contains("sh -c 'touch allowed.txt'"), "{text}");
    let answer = format!("{path}/answer");
    let allow = json!({"text": "allow"});
    assert_eq!(say(&at, &answer, &read, &allow).await.0, 403);
    assert!(!home.path("one/allowed.txt").exists());
    assert_eq!(say(&at, &answer, &write, &allow).await.0, 202);
    home.says(message, "done with allowed.txt").await;
    assert!(home.path("one/allowed.txt").exists());
    let closed = home.discord.wait_until(|world| {
        let post = world.message(post)?;
        let is_closed = post.text().contains("allowed once by");
        is_closed.then(|| post.text().to_owned())
    });
    let closed = closed.await;
    assert!(closed.contains("`a test`"), "{closed}");
    let (status, late) = say(&at, &answer, &write, &allow).await;
    assert_eq!(status, 409, "{late}");
    assert!(late.contains("a test answered this already"), "{late}");

    home.say_in_thread_of(message, &touch("denied.txt")).await;
    home.asked(message, "touch denied.txt").await;
    let open = listed(&home).await;
    let id = open[0]["id"].as_str().unwrap();
    let nonsense = run(&home, &["answer", id, "perhaps"]).await;
    assert!(nonsense.contains("this is no answer"), "{nonsense}");
    let denied = run(&home, &["answer", id, "deny:", "not", "today"]).await;
    assert!(denied.starts_with("exit 0\n"), "{denied}");
    home.says(message, "done with denied.txt").await;
    assert!(!home.path("one/denied.txt").exists());
    let last = home.api.turn_requests().pop().unwrap();
    let (told, _) = last.tool_results().pop().unwrap();
    assert!(told.contains("at a shell denied this: not today"), "{told}");
    let late = run(&home, &["answer", id, "allow"]).await;
    assert!(late.contains("answered this already"), "{late}");
    let nobody = run(&home, &["answer", "x", "allow"]).await;
    assert!(nobody.contains("no id of a request"), "{nobody}");
    assert_eq!(ask("GET", &at, "/api/requests/x", &read).await.0, 404);
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
