//! Commands about the worktrees of threads, on a real repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::home::Home;

pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(["-c", "user.name=ann", "-c", "user.email=ann@example.org"])
        .args(arguments)
        .output()
        .expect("git is there");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("git writes text")
}

/// What an agent does that writes a file and commits it.
pub(crate) fn commits(text: &str) -> String {
    format!(
        "TOOL:Read:{}\nTOOL:Write:{}\nTOOL:Bash:{}\nTOOL:Bash:{}\nSAY:done",
        json!({ "file_path": "a.txt" }),
        json!({ "file_path": "a.txt", "content": text }),
        json!({ "command": "git add a.txt" }),
        json!({ "command": "git commit -q -m changed" }),
    )
}

/// Makes the first project a repository with one commit, in which agents can commit.
pub(crate) fn repository(home: &Home) -> PathBuf {
    let repository = home.path("one");
    git(&repository, &["init", "-q", "-b", "main"]);
    fs::write(repository.join("a.txt"), "begun\n").unwrap();
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "begin"]);
    fs::write(
        home.path(".gitconfig"),
        "[user]\nname = agent\nemail = agent@example.org\n",
    )
    .unwrap();
    repository
}

#[tokio::test]
async fn two_threads_work_apart_until_one_is_merged_and_the_other_discarded() {
    let home = Home::new("").await;
    home.configure("worktree = \"never\"\n", "");
    let repository = repository(&home);
    let daemon = home.start().await;

    let first = home.say(home.one, &commits("first\n"));
    home.answers(first, 1).await;
    let second = home.say(home.one, &commits("second\n"));
    home.answers(second, 1).await;
    let main = fs::read_to_string(repository.join("a.txt")).unwrap();
    assert_eq!(main, "begun\n", "both work elsewhere");

    home.say_in_thread_of(first, "!worktree").await;
    let posts = home.answers(first, 2).await;
    assert!(
        posts[1].contains("base: `main`, 1 ahead, 0 behind"),
        "{posts:?}"
    );
    assert!(posts[1].contains("not committed: nothing"), "{posts:?}");
    home.say_in_thread_of(first, "!diff").await;
    let posts = home.answers(first, 3).await;
    assert!(posts[2].contains("-begun\n+first"), "{posts:?}");
    home.say_in_thread_of(first, "!merge").await;
    let posts = home.answers(first, 4).await;
    assert!(posts[3].starts_with("merged 1 commit"), "{posts:?}");
    assert_eq!(
        fs::read_to_string(repository.join("a.txt")).unwrap(),
        "first\n"
    );
    home.say_in_thread_of(first, "!merge").await;
    let posts = home.answers(first, 5).await;
    assert!(posts[4].starts_with("nothing to merge"), "{posts:?}");

    home.say_in_thread_of(second, "!merge").await;
    let posts = home.answers(second, 2).await;
    assert!(posts[1].contains("nothing was touched"), "{posts:?}");
    assert_eq!(
        fs::read_to_string(repository.join("a.txt")).unwrap(),
        "first\n"
    );
    home.say_in_thread_of(second, "!discard").await;
    let posts = home.answers(second, 3).await;
    assert!(posts[2].contains("`!discard confirm`"), "{posts:?}");
    home.say_in_thread_of(second, "!discard confirm").await;
    let posts = home.answers(second, 4).await;
    assert!(posts[3].starts_with("removed the worktree"), "{posts:?}");
    let kept = git(
        &repository,
        &["for-each-ref", "--format=%(refname)", "refs/mpg/discarded"],
    );
    assert!(posts[3].contains(kept.trim()), "{kept}: {posts:?}");
    let file = format!("{}:a.txt", kept.trim());
    assert_eq!(git(&repository, &["show", &file]), "second\n");
    let worktrees = git(&repository, &["worktree", "list"]);
    assert_eq!(worktrees.lines().count(), 2, "{worktrees}");

    home.say_in_thread_of(second, "!worktree").await;
    let posts = home.answers(second, 5).await;
    assert_eq!(posts[4], "this thread has no worktree");
    home.say_in_thread_of(second, "!history").await;
    let posts = home.answers(second, 6).await;
    assert!(posts[5].contains("ann:"), "{posts:?}");
    assert!(posts[5].contains("answered"), "{posts:?}");
    home.say_in_thread_of(first, "!resume-info").await;
    let posts = home.answers(first, 6).await;
    assert!(posts[5].contains(" --resume "), "{posts:?}");
    assert!(posts[5].contains("holds the session"), "{posts:?}");
    home.say_in_thread_of(first, "!cost").await;
    let posts = home.answers(first, 7).await;
    assert!(posts[6].starts_with("1 turn here: $"), "{posts:?}");
    assert!(daemon.stop().await.success(), "{}", home.log());
    home.assert_nothing_left();
}
