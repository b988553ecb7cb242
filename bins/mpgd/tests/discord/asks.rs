//! What agents ask, as people see and answer it: with buttons, menus, forms and plain words.

use std::time::Duration;

use mpg_core::request::{About, Detail, Permission, Question, QuestionOption};
use mpg_core::wording;
use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::{Discord, Snowflake};
use serde_json::Value;

use crate::subject::{Gateway, Server};

fn permission() -> About {
    About::Permission(Permission {
        tool: "Bash".to_owned(),
        summary: "make install".to_owned(),
        detail: Detail::Command("make install".to_owned()),
        rule: "Bash(make install)".to_owned(),
    })
}

fn question(text: &str, options: &[&str], multiple: bool) -> Question {
    let options = options.iter().map(|label| QuestionOption {
        label: (*label).to_owned(),
        description: String::new(),
    });
    Question {
        header: String::new(),
        text: text.to_owned(),
        options: options.collect(),
        multiple,
    }
}

/// Asks what the prompt is, and says what was answered.
fn script(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    let colours = ["red", "green", "blue", "grey", "pink", "teal"];
    let asked = match prompt.text {
        "install" => vec![permission()],
        "install twice" => vec![permission(), permission()],
        "colour" => vec![About::Questions(vec![question(
            "Which colour?",
            &colours[..3],
            false,
        )])],
        "colours" => vec![About::Questions(vec![question(
            "Which colours?",
            &colours,
            true,
        )])],
        "both" => vec![About::Questions(vec![
            question("Which colour?", &colours[..3], false),
            question("How many?", &["one", "two"], false),
        ])],
        "plan" => vec![About::Plan {
            text: "1. write it\n2. test it".to_owned(),
        }],
        text => {
            // It went on with what people said meanwhile.
            let told = text.strip_prefix(wording::continuation());
            let said = told.map_or_else(|| format!("re: {text}"), |told| format!("told:{told}"));
            return vec![ScriptStep::Say(said)];
        }
    };
    let mut steps = Vec::new();
    for about in asked {
        steps.push(ScriptStep::Say("[".to_owned()));
        steps.push(ScriptStep::Request(about));
        steps.push(ScriptStep::Say("]".to_owned()));
    }
    steps
}

async fn server() -> Server {
    // What is slow here is the machine.
    let builder = Discord::builder().interaction_deadline(Duration::from_mins(5));
    Server::with(builder, script).await
}

async fn start() -> (Server, Gateway) {
    let server = server().await;
    let gateway = server.gateway().await;
    (server, gateway)
}

impl Server {
    /// Waits for the post in a message's thread that can be answered and says this.
    async fn asked(&self, message: Snowflake, text: &str) -> Snowflake {
        self.discord
            .wait_until(|world| {
                let thread = world.thread_of(message)?;
                let posts = world.bot_messages(thread);
                let mut open = posts.iter().filter(|post| is_open(&post.components));
                open.find(|post| post.text().contains(text))
                    .map(|post| post.id)
            })
            .await
    }

    /// Waits until a post cannot be answered any more, and returns its text.
    async fn closed(&self, post: Snowflake) -> String {
        self.discord
            .wait_until(|world| {
                let post = world.message(post)?;
                (!is_open(&post.components)).then(|| post.text().to_owned())
            })
            .await
    }

    /// Waits for a post in a message's thread that says this.
    pub(crate) async fn says(&self, message: Snowflake, text: &str) -> String {
        self.discord
            .wait_until(|world| {
                let thread = world.thread_of(message)?;
                let posts = world.bot_messages(thread);
                let mut texts = posts.iter().map(|post| post.text());
                texts.find(|said| said.contains(text)).map(str::to_owned)
            })
            .await
    }

    /// What only who used a control sees.
    async fn told_alone(&self, used: Snowflake) -> String {
        self.discord
            .wait_until(|world| {
                let texts = world.interaction(used)?.private_texts();
                texts.first().map(|text| (*text).to_owned())
            })
            .await
    }

    pub(crate) fn press_for(&self, post: Snowflake, label: &str) -> Snowflake {
        self.discord.press_labelled(post, self.ann, label)
    }

    /// The id of the control of a post that says this.
    fn control(&self, post: Snowflake, label: &str) -> String {
        self.discord.look(|world| {
            let post = world.message(post).unwrap();
            let mut all = controls(&post.components);
            let found = all.find(|control| control["label"] == label).unwrap();
            found["custom_id"].as_str().unwrap().to_owned()
        })
    }
}

fn controls(rows: &[Value]) -> impl Iterator<Item = &Value> {
    rows.iter()
        .flat_map(|row| row["components"].as_array().into_iter().flatten())
}

/// Whether something that an agent asks can be answered here.
fn is_open(rows: &[Value]) -> bool {
    let mut ids = controls(rows).filter_map(|control| control["custom_id"].as_str());
    ids.any(|id| id.contains("ask:"))
}

#[tokio::test]
async fn a_tool_that_needs_permission_is_allowed_or_denied_by_a_button() {
    let (server, gateway) = start().await;
    for (label, outcome, answer) in [
        ("Allow once", "allowed once by `ann`", "[allowed]"),
        ("Deny", "denied by `ann`", "[denied]"),
    ] {
        let message = server.say(server.one, "install");
        let post = server.asked(message, "needs permission").await;
        let notified = server.discord.look(|world| {
            let post = world.message(post).unwrap();
            assert!(post.text().contains("```sh\nmake install\n```"), "{post:?}");
            post.notified.contains(&server.ann)
        });
        assert!(notified, "who asked is called");
        server.press_for(post, label);
        let closed = server.closed(post).await;
        assert!(closed.contains(outcome), "{closed}");
        assert!(closed.contains("make install"), "{closed}");
        server.says(message, answer).await;
    }
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_denial_with_a_reason_is_written_in_a_form() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    let opened = server.press_for(post, "Deny with a reason");
    server.discord.fill(opened, &[("text", "not today")]).await;
    let closed = server.closed(post).await;
    assert!(closed.contains("denied by `ann`: not today"), "{closed}");
    server.says(message, "[denied]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_allowed_for_a_session_is_asked_again_in_another() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "install twice");
    let post = server.asked(message, "needs permission").await;
    server.press_for(post, "Allow for this session");
    let closed = server.closed(post).await;
    assert!(
        closed.contains("allowed for this session by `ann`"),
        "{closed}"
    );
    server.says(message, "[allowed][allowed]").await;
    let other = server.say(server.one, "install");
    let post = server.asked(other, "needs permission").await;
    server.press_for(post, "Deny");
    server.says(other, "[denied]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_always_allowed_outlives_a_restart_and_can_be_taken_back() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    server.press_for(post, "Always for this project");
    let closed = server.closed(post).await;
    assert!(
        closed.contains("always allowed in this project by `ann`"),
        "{closed}"
    );
    server.says(message, "[allowed]").await;
    gateway.stop().await.unwrap();

    let gateway = server.gateway().await;
    let unasked = server.say(server.one, "install");
    server.says(unasked, "[allowed]").await;
    server.say(server.one, "!rules remove 1");
    let removed = |text: &str| text.contains("`Bash(make install)` is no longer allowed");
    server
        .discord
        .wait_for(|world| {
            let posts = world.bot_messages(server.one);
            posts.iter().any(|post| removed(post.text()))
        })
        .await;
    let asked = server.say(server.one, "install");
    let post = server.asked(asked, "needs permission").await;
    server.press_for(post, "Deny");
    server.says(asked, "[denied]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_answering_in_time_is_said_to_be_no_denial() {
    let mut server = server().await;
    server.adjust = |_, project| project.permission_timeout = Duration::from_millis(300);
    let gateway = server.gateway().await;
    let message = server.say(server.one, "install");
    server.says(message, "[denied]").await;
    let closed = server.says(message, "nobody answered within").await;
    assert!(closed.contains("the agent was told so"), "{closed}");
    assert!(!closed.contains("denied by"), "{closed}");
    let thread = server.discord.thread_of(message).unwrap();
    let open = server.discord.look(|world| {
        let posts = world.bot_messages(thread);
        posts.iter().any(|post| is_open(&post.components))
    });
    assert!(!open, "nothing is left to press");
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_button_works_after_a_restart_and_its_answer_is_used_when_the_turn_goes_on() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    gateway.kill().await;
    let gateway = server.gateway().await;
    server.press_for(post, "Allow once");
    let closed = server.closed(post).await;
    assert!(closed.contains("allowed once by `ann`"), "{closed}");
    let told = server.says(message, "told:").await;
    assert!(
        told.contains("Bash `make install`: allowed; ask again if it was not done"),
        "{told}"
    );
    gateway.stop().await.unwrap();
    let posts = server.answers(message, 2).await;
    let asked = posts.iter().filter(|text| text.contains("permission"));
    assert_eq!(asked.count(), 1, "it was asked once: {posts:?}");
}

#[tokio::test]
async fn the_first_answer_counts_and_who_presses_later_hears_whose_it_was() {
    let (server, gateway) = start().await;
    let bob = server.discord.add_user("bob");
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    let deny = server.control(post, "Deny");
    server.press_for(post, "Allow once");
    server.closed(post).await;
    let late = server.discord.press(post, bob, &deny);
    // The turn may have ended meanwhile: then nothing of it is remembered.
    let told = server.told_alone(late).await;
    assert!(
        told == "`ann` answered this already" || told.contains("no longer open"),
        "{told}"
    );
    server.says(message, "[allowed]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn who_may_not_answer_is_told_so_alone() {
    let mut server = server().await;
    server.adjust = |_, project| {
        project.access.approver_roles.insert("lead".to_owned());
    };
    let lead = server.discord.add_role(server.guild, "lead");
    let boss = server.discord.add_user("boss");
    server.discord.give_role(server.guild, boss, lead);
    let gateway = server.gateway().await;
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    let used = server.press_for(post, "Allow once");
    let told = server.told_alone(used).await;
    assert!(told.contains("`approver-roles`"), "{told}");
    server.discord.press_labelled(post, boss, "Allow once");
    let closed = server.closed(post).await;
    assert!(closed.contains("allowed once by `boss`"), "{closed}");
    server.says(message, "[allowed]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_press_in_a_thread_that_is_gone_is_answered() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "install");
    let post = server.asked(message, "needs permission").await;
    let thread = server.discord.thread_of(message).unwrap();
    // It was pressed before, and is told of after.
    server.discord.swap_dispatches();
    let used = server.press_for(post, "Allow once");
    server.discord.delete_thread(thread);
    let told = server.told_alone(used).await;
    assert!(told.contains("no longer open"), "{told}");
    let next = server.say(server.one, "and on");
    server.says(next, "re: and on").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_question_is_answered_by_a_button_a_form_or_plain_words() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "colour");
    let post = server.asked(message, "Which colour?").await;
    server.press_for(post, "green");
    let closed = server.closed(post).await;
    assert!(closed.contains("answered by `ann`: green"), "{closed}");
    server.says(message, "[green]").await;

    let message = server.say(server.one, "colour");
    let post = server.asked(message, "Which colour?").await;
    let opened = server.press_for(post, "Other…");
    server.discord.fill(opened, &[("text", "olive")]).await;
    server.closed(post).await;
    server.says(message, "[olive]").await;

    let message = server.say(server.one, "colour");
    let post = server.asked(message, "Which colour?").await;
    let thread = server.discord.thread_of(message).unwrap();
    let reply = server
        .discord
        .say_in_thread(thread, server.ann, "any dark one");
    server.closed(post).await;
    server.says(message, "[any dark one]").await;
    server.sign(reply, "✅").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn several_options_are_chosen_in_a_menu() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "colours");
    let post = server.asked(message, "Which colours?").await;
    server.discord.choose(post, server.ann, &["0", "4"]);
    let closed = server.closed(post).await;
    assert!(closed.contains("answered by `ann`: red, pink"), "{closed}");
    server.says(message, "[red, pink]").await;
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn several_questions_come_one_after_the_other_across_a_restart() {
    let (server, gateway) = start().await;
    let message = server.say(server.one, "both");
    let first = server.asked(message, "Which colour?").await;
    server.press_for(first, "blue");
    let second = server.asked(message, "How many?").await;
    let closed = server.closed(first).await;
    assert!(closed.contains("answered by `ann`: blue"), "{closed}");
    gateway.kill().await;
    let gateway = server.gateway().await;
    let thread = server.discord.thread_of(message).unwrap();
    server.discord.say_in_thread(thread, server.ann, "two");
    server.closed(second).await;
    let told = server.says(message, "told:").await;
    assert!(told.contains("blue; two"), "{told}");
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_plan_is_approved_or_sent_back_with_a_comment() {
    let (server, gateway) = start().await;
    for (label, comment, outcome, answer) in [
        ("Approve", None, "approved by `ann`", "[allowed]"),
        (
            "Approve and accept edits",
            None,
            "approved by `ann`; edits run unasked",
            "[edits accepted]",
        ),
        (
            "Keep planning",
            Some("tests first"),
            "not approved by `ann`: tests first",
            "[denied]",
        ),
    ] {
        let message = server.say(server.one, "plan");
        let post = server.asked(message, "1. write it").await;
        let used = server.press_for(post, label);
        if let Some(comment) = comment {
            server.discord.fill(used, &[("text", comment)]).await;
        }
        let closed = server.closed(post).await;
        assert!(closed.contains(outcome), "{closed}");
        server.says(message, answer).await;
    }
    gateway.stop().await.unwrap();
}
