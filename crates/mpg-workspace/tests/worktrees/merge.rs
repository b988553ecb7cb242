//! Bringing a thread's branch into its base.

use std::fs;
use std::path::Path;

use mpg_core::port::Workspaces as _;
use mpg_core::workspace::{MergeRefusal, Merged};
use mpg_workspace::{GitWorkspaces, Worktrees};

use crate::stage::{Repository, text, write};

/// Everything that a merge that was not done must not touch.
fn state(repository: &Repository, directory: &Path) -> Vec<String> {
    let project = repository.project();
    let mut state: Vec<String> = [project.as_path(), directory]
        .iter()
        .flat_map(|place| {
            [
                repository.git_in(
                    place,
                    &["status", "--porcelain=v2", "--branch", "--ignored"],
                ),
                repository.git_in(place, &["diff", "HEAD"]),
                repository.git_in(place, &["ls-files", "--stage"]),
            ]
        })
        .collect();
    state.push(repository.git(&["for-each-ref"]));
    state.push(repository.git(&["stash", "list"]));
    for name in ["MERGE_HEAD", "MERGE_MSG", "AUTO_MERGE", "index.lock"] {
        state.push(format!("{}", project.join(".git").join(name).exists()));
    }
    state
}

/// Merges, and holds that nothing was touched if it was not done.
async fn merge(repository: &Repository, workspaces: &GitWorkspaces, directory: &Path) -> Merged {
    let before = state(repository, directory);
    let merged = workspaces.merge(text(directory)).await.unwrap();
    let after = state(repository, directory);
    let is_done = matches!(merged, Merged::Done { .. });
    assert_eq!(is_done, before != after, "{merged:?}");
    merged
}

#[tokio::test]
async fn a_branch_whose_base_stood_still_is_what_the_base_becomes() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let nothing = merge(&repository, &workspaces, &directory).await;
    assert!(matches!(nothing, Merged::Nothing { .. }), "{nothing:?}");
    write(&directory, "one", "1\n");
    repository.commit(&directory, "one");
    write(&directory, "two", "2\n");
    repository.commit(&directory, "two");
    let head = repository.git_in(&directory, &["rev-parse", "HEAD"]);
    let merged = merge(&repository, &workspaces, &directory).await;
    assert_eq!(
        merged,
        Merged::Done {
            branch: "mpg/chat-7-1".to_owned(),
            base: "main".to_owned(),
            commits: 2,
            commit: head,
        }
    );
    assert!(repository.project().join("two").exists());
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[tokio::test]
async fn branches_that_both_moved_are_joined_by_a_commit() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "here", "1\n");
    repository.commit(&directory, "here");
    write(&repository.project(), "there", "2\n");
    repository.commit(&repository.project(), "there");
    // What the merge does not touch may be half done.
    write(&repository.project(), "README", "draft\n");
    write(&repository.project(), "untracked", "mine\n");
    // Nobody has said who they are.
    let merged = merge(&repository, &workspaces, &directory).await;
    let Merged::Done { commit, .. } = merged else {
        panic!("{merged:?}");
    };
    let form = "--format=%an <%ae> %cn <%ce>%n%s%n%P";
    let said = repository.git(&["show", "--no-patch", form, &commit]);
    let parents = repository.git(&["rev-parse", "main^1", "main^2"]);
    let expected = format!(
        "mpg <mpg@localhost> mpg <mpg@localhost>\nMerge branch 'mpg/chat-7-1'\n{}",
        parents.replace('\n', " ")
    );
    assert_eq!(said, expected);
    assert!(repository.project().join("here").exists());
    assert_eq!(
        repository.git(&["status", "--porcelain"]),
        "M README\n?? untracked"
    );
}

#[tokio::test]
async fn the_person_of_the_settings_merges() {
    let repository = Repository::new();
    repository.git(&["config", "--global", "user.name", "Bo"]);
    repository.git(&["config", "--global", "user.email", "bo@example.org"]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    write(&directory, "here", "1\n");
    repository.commit(&directory, "here");
    write(&repository.project(), "there", "2\n");
    repository.commit(&repository.project(), "there");
    let merged = merge(&repository, &workspaces, &directory).await;
    assert!(matches!(merged, Merged::Done { .. }), "{merged:?}");
    let said = repository.git(&["show", "--no-patch", "--format=%an <%ae>"]);
    assert_eq!(said, "Bo <bo@example.org>");
}

#[tokio::test]
async fn a_conflict_is_told_and_nothing_is_touched() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    for (place, said) in [
        (directory.clone(), "ours"),
        (repository.project(), "theirs"),
    ] {
        write(&place, "README", &format!("{said}\n"));
        write(&place, "both/new ü", &format!("{said}\n"));
        write(&place, said, "fits\n");
        repository.commit(&place, said);
    }
    let merged = merge(&repository, &workspaces, &directory).await;
    insta::assert_debug_snapshot!(merged);
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_with_the_reason() {
    let repository = Repository::new();
    let project = repository.project();
    write(&project, ".gitignore", "*.log\n");
    repository.commit(&project, "ignore");
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let mut said = Vec::new();
    let mut refused = async |what: &str| {
        let merged = merge(&repository, &workspaces, &directory).await;
        let Merged::Refused(refusal) = merged else {
            panic!("{what}: {merged:?}");
        };
        said.push(format!(
            "{what}: {}",
            repository.plain(&refusal.to_string())
        ));
        refusal
    };

    write(&directory, "draft", "x\n");
    refused("a new file").await;
    repository.commit(&directory, "draft");

    write(&project, "draft", "mine\n");
    refused("an untracked file in the way").await;
    fs::remove_file(project.join("draft")).unwrap();

    write(&directory, "sub/trace.log", "theirs\n");
    repository.git_in(&directory, &["add", "--force", "sub/trace.log"]);
    repository.git_in(&directory, &["commit", "--quiet", "-m", "log"]);
    write(&project, "sub/trace.log", "mine\n");
    let refusal = refused("an ignored file in the way").await;
    assert!(matches!(refusal, MergeRefusal::InTheWay(_)));
    fs::remove_dir_all(project.join("sub")).unwrap();
    fs::write(project.join("sub"), "a file where a folder comes").unwrap();
    refused("a file where a folder comes").await;
    fs::remove_file(project.join("sub")).unwrap();

    write(&directory, "README", "theirs\n");
    repository.commit(&directory, "README");
    write(&project, "README", "mine\n");
    refused("a changed file").await;
    repository.git(&["add", "README"]);
    refused("a staged file").await;
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.git(&["update-index", "--assume-unchanged", "README"]);
    write(&project, "README", "hidden\n");
    let hidden = workspaces.merge(text(&directory)).await;
    let hidden = hidden.unwrap_err().message;
    assert!(hidden.contains("README"), "{hidden}");
    assert_eq!(
        fs::read_to_string(project.join("README")).unwrap(),
        "hidden\n"
    );
    repository.git(&["update-index", "--no-assume-unchanged", "README"]);
    repository.git(&["reset", "--quiet", "--hard"]);

    repository.git(&["switch", "--quiet", "-c", "other"]);
    refused("another branch").await;
    repository.git(&["switch", "--quiet", "--detach"]);
    refused("no branch").await;
    repository.git(&["switch", "--quiet", "main"]);

    fs::write(
        project.join(".git/MERGE_HEAD"),
        repository.git(&["rev-parse", "HEAD"]),
    )
    .unwrap();
    refused("a merge in the project").await;
    fs::remove_file(project.join(".git/MERGE_HEAD")).unwrap();

    repository.git_in(&directory, &["switch", "--quiet", "--detach"]);
    refused("a worktree on no branch").await;
    insta::assert_snapshot!(said.join("\n"));

    repository.git_in(&directory, &["switch", "--quiet", "mpg/chat-7-1"]);
    let merged = merge(&repository, &workspaces, &directory).await;
    assert!(
        matches!(merged, Merged::Done { commits: 3, .. }),
        "{merged:?}"
    );
}

#[tokio::test]
async fn a_folder_may_take_the_place_of_a_file() {
    let repository = Repository::new();
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    fs::remove_file(directory.join("README")).unwrap();
    write(&directory, "README/part", "x\n");
    repository.commit(&directory, "folder");
    let merged = merge(&repository, &workspaces, &directory).await;
    assert!(matches!(merged, Merged::Done { .. }), "{merged:?}");
    assert!(repository.project().join("README/part").exists());
}

#[tokio::test]
async fn a_branch_that_grew_from_none_is_merged_into_none() {
    let repository = Repository::new();
    repository.git(&["switch", "--quiet", "--detach"]);
    let workspaces = repository.workspaces(Worktrees::Auto);
    let directory = repository.worktree(&workspaces, "1").await;
    let merged = merge(&repository, &workspaces, &directory).await;
    assert_eq!(merged, Merged::Refused(MergeRefusal::NoBase));
}
