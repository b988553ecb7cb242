//! Several agents of one project at a real task, with the real `claude` on a real repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use mpg_testkit::discord::Snowflake;
use serde_json::json;

use crate::home::Home;

const TEAM: &str = "
[projects.one.agents.pm]
preset = \"pm\"

[projects.one.agents.engineer]
preset = \"engineer\"

[projects.one.agents.qa]
preset = \"qa\"

[projects.two]
";

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=ann", "-c", "user.email=ann@example.org"])
        .args(arguments)
        .output()
        .expect("git is there");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("git writes text")
}

/// A home whose first project is a repository with three agents.
async fn team() -> Home {
    let home = Home::new("").await;
    home.configure("worktree = \"never\"\n", "");
    home.configure("[projects.two]\n", TEAM);
    let repository = home.path("one");
    git(&repository, &["init", "-q", "-b", "main"]);
    fs::write(repository.join("search.py"), "def find(words, text): ...\n").unwrap();
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "a search"]);
    fs::write(
        home.path(".gitconfig"),
        "[user]\nname = engineer\nemail = engineer@example.org\n",
    )
    .unwrap();
    home
}

/// The names above the posts in the thread of a message, as far as they have one.
fn speakers(home: &Home, message: Snowflake) -> Vec<String> {
    let names = home.discord.look(|world| {
        let posts = world.bot_messages(world.thread_of(message)?).into_iter();
        let names = posts.filter_map(|post| post.embed_author().map(str::to_owned));
        Some(names.collect())
    });
    names.unwrap_or_default()
}

#[tokio::test]
async fn three_agents_carry_a_task_from_the_plan_to_the_end() {
    let home = team().await;
    let build = json!({ "file_path": "search.py", "content": "def find(words, text):\n    return [word for word in words if text in word]\n" });
    home.api.cast(
        "You are @pm:",
        &[
            "SAY:THREAD_NAME: Working search\\nThe search finds nothing yet.\\n\\n@engineer please let `find` return every word that contains the text.",
            "SAY:`find` does what was asked, and it is tested. Nothing is open.",
        ],
    );
    home.api.cast(
        "You are @engineer:",
        &[&format!(
            "TOOL:Read:{}\nTOOL:Write:{build}\nTOOL:Bash:{}\nTOOL:Bash:{}\nSAY:`find` is built and committed. Over to @qa.",
            json!({ "file_path": "search.py" }),
            json!({ "command": "git add search.py" }),
            json!({ "command": "git commit -q -m 'search: words that contain the text'" }),
        )],
    );
    home.api.cast(
        "You are @qa:",
        &[&format!(
            "TOOL:Bash:{}\nTOOL:Read:{}\nSAY:It holds for an empty text, too. @pm it can be called done.",
            json!({ "command": "git log --format=%s" }),
            json!({ "file_path": "search.py" }),
        )],
    );
    let daemon = home.start().await;
    let message = home.say(home.one, "@pm make the search work");
    let posts = home.answers(message, 7).await;
    assert!(
        posts[0].contains("The search finds nothing yet"),
        "{posts:?}"
    );
    assert_eq!(
        posts[1], "`@pm` hands over to `@engineer` (handoff 1 of 5)",
        "{posts:?}"
    );
    assert!(posts[2].contains("built and committed"), "{posts:?}");
    assert!(posts[3].contains("(handoff 2 of 5)"), "{posts:?}");
    assert!(posts[4].contains("It holds"), "{posts:?}");
    assert!(posts[5].contains("(handoff 3 of 5)"), "{posts:?}");
    assert!(posts[6].contains("Nothing is open"), "{posts:?}");

    assert_eq!(
        speakers(&home, message),
        [
            "Product Manager",
            "Software Engineer",
            "Quality Assurance",
            "Product Manager"
        ],
        "each agent speaks in its own name, and the gateway announces in none"
    );

    // What one agent built is what the next one tested, and the people's checkout is as it was.
    let qa = home
        .api
        .asked("hands this over to you:\n\n`find` is built")
        .await;
    assert!(qa.system().contains("You are @qa:"), "{}", qa.system());
    let requests = home.api.turn_requests();
    let results = requests
        .iter()
        .rev()
        .find(|request| request.system().contains("You are @qa:"));
    let results = results.expect("@qa was asked").tool_results();
    assert_eq!(
        results[0],
        (
            "search: words that contain the text\na search".to_owned(),
            false
        )
    );
    assert!(results[1].0.contains("if text in word"), "{results:?}");
    let repository = home.path("one");
    let branches = git(&repository, &["branch", "--format=%(refname:short)"]);
    let branch = branches.lines().find(|branch| branch.starts_with("mpg/"));
    let branch = branch.unwrap_or_else(|| panic!("no branch of the thread: {branches}"));
    let log = git(&repository, &["log", "--format=%s", branch]);
    assert_eq!(log, "search: words that contain the text\na search\n");
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert_eq!(
        git(&repository, &["log", "--format=%s", "main"]),
        "a search\n"
    );
    let title = home.discord.look(|world| {
        let thread = world.channel(world.thread_of(message)?)?;
        Some(thread.name.clone())
    });
    assert_eq!(title.as_deref(), Some("Working search"));
    assert_eq!(
        home.agents().len(),
        3,
        "each agent has a process of its own"
    );

    // Who spoke last is spoken to.
    home.say_in_thread_of(message, "SAY:you are welcome").await;
    let posts = home.answers(message, 8).await;
    assert_eq!(posts[7], "you are welcome");
    let last = home.api.asked("SAY:you are welcome").await;
    assert!(last.system().contains("You are @pm:"), "{}", last.system());
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_chain_goes_on_where_the_gateway_was_killed() {
    let home = team().await;
    home.api.cast(
        "You are @pm:",
        &[
            "SAY:@engineer build it\\n@qa write the tests",
            "SAY:both are there",
        ],
    );
    home.api
        .cast("You are @engineer:", &["HOLD:it\nSAY:it is built"]);
    home.api
        .cast("You are @qa:", &["SAY:the tests are written"]);
    let daemon = home.start().await;
    let message = home.say(home.one, "@pm go");
    home.answers(message, 3).await;
    daemon.kill().await;
    home.api.release("it");
    let daemon = home.start().await;
    let posts = home.answers(message, 5).await;
    let built = posts.iter().filter(|post| post.ends_with("it is built"));
    assert_eq!(built.count(), 1, "{posts:?}");
    assert_eq!(posts[4], "both are there", "{posts:?}");
    let joined = home.api.asked("## @engineer").await;
    let prompts = joined.prompts().join("\n");
    assert!(prompts.contains("## @engineer\n\nit is built"), "{prompts}");
    assert!(
        prompts.contains("## @qa\n\nthe tests are written"),
        "{prompts}"
    );
    assert_eq!(
        home.api.turn_requests().len(),
        4,
        "each prompt was run once"
    );
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}

#[tokio::test]
async fn a_stop_interrupts_the_running_agent_and_keeps_its_session() {
    let home = team().await;
    let daemon = home.start().await;
    let message = home.say(home.one, "@engineer SAY:ready");
    home.answers(message, 1).await;
    let before = home.agents();
    home.say_in_thread_of(message, "STALL:I begin").await;
    home.api.asked("STALL:I begin").await;
    home.say_in_thread_of(message, "!stop").await;
    let posts = home.answers(message, 3).await;
    let said = |start: &str| posts.iter().filter(|post| post.starts_with(start)).count();
    assert_eq!(said("1 turn stopped"), 1, "{posts:?}");
    assert_eq!(said("*(stopped;"), 1, "{posts:?}");
    home.say_in_thread_of(message, "SAY:and on").await;
    assert_eq!(home.answers(message, 4).await[3], "and on");
    assert_eq!(home.agents(), before, "the same process goes on");
    let last = home.api.asked("SAY:and on").await;
    assert!(last.prompts().join("\n").contains("STALL:I begin"));
    assert_eq!(daemon.stop().await.code(), Some(0));
    home.assert_nothing_left();
}
