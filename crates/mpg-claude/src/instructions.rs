//! The instructions that a project gives its agents.
//!
//! Seen with 2.1.197: `--setting-sources user` leaves a project's settings out, and with them its
//! `CLAUDE.md`. Naming the project with `--add-dir` brings the instructions back, but the plugins
//! that its settings enable too, and a plugin brings hooks. So they are read here.

use std::fs::{self, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use tokio::task::spawn_blocking;

/// Where instructions may be, from the project's folder.
const FILES: &[&str] = &["CLAUDE.md", ".claude/CLAUDE.md"];
/// How much of each file is read, in bytes.
const LIMIT: usize = 40 << 10;
/// How long the whole may be for the instructions to be in it, in bytes: an argument may have
/// 128 KiB.
const WHOLE: usize = 120 << 10;

/// Joins what was configured with the instructions in `directory`; `None` where there is neither.
///
/// A link that leads out of the folder, or to something of `protected`, is not followed.
pub(crate) async fn system_prompt(
    configured: Option<&str>,
    directory: &str,
    protected: &[PathBuf],
) -> Option<String> {
    let (folder, protected) = (PathBuf::from(directory), protected.to_vec());
    // A folder on a slow disk must not stop the other conversations.
    let found = spawn_blocking(move || instructions(&folder, &protected))
        .await
        .unwrap_or_default();
    let mut prompt = configured.map(str::to_owned);
    for text in found {
        let prompt = prompt.get_or_insert_default();
        if prompt.len() + text.len() > WHOLE {
            tracing::warn!("the project's instructions do not fit beside the prompt; left out");
            continue;
        }
        if !prompt.is_empty() {
            prompt.push_str("\n\n");
        }
        prompt.push_str(&text);
    }
    prompt
}

fn instructions(folder: &Path, protected: &[PathBuf]) -> Vec<String> {
    let Ok(folder) = folder.canonicalize() else {
        return Vec::new();
    };
    FILES
        .iter()
        .filter_map(|file| {
            let text = read(&folder, file, protected)?;
            Some(format!(
                "Contents of {file} (the project's instructions):\n\n{text}"
            ))
        })
        .collect()
}

fn read(folder: &Path, file: &str, protected: &[PathBuf]) -> Option<String> {
    let path = folder.join(file).canonicalize().ok()?;
    let kept_out = protected
        .iter()
        .any(|kept| path.starts_with(fs::canonicalize(kept).as_ref().unwrap_or(kept)));
    if !path.starts_with(folder) || kept_out {
        tracing::warn!(file, "the project's instructions are not its own; left out");
        return None;
    }
    // Neither a link that was put there meanwhile nor a pipe without a writer is waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).ok()?)
        .open(path)
        .ok()?;
    if !opened.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let mut opened = opened.take(u64::try_from(LIMIT).ok()? + 1);
    opened.read_to_end(&mut bytes).ok()?;
    // An argument ends at the first zero byte.
    let mut text = String::from_utf8_lossy(&bytes).replace('\0', "");
    if text.len() > LIMIT {
        tracing::warn!(file, LIMIT, "the project's instructions are cut short");
        text.truncate(text.floor_char_boundary(LIMIT));
    }
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn what_was_configured_comes_first_and_both_files_follow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        assert_eq!(system_prompt(None, &path, &[]).await, None);
        let brief = system_prompt(Some("Be brief."), &path, &[]).await;
        assert_eq!(brief.as_deref(), Some("Be brief."));
        fs::create_dir(folder.path().join(".claude")).unwrap();
        fs::write(folder.path().join("CLAUDE.md"), "one\0").unwrap();
        fs::write(folder.path().join(".claude/CLAUDE.md"), "two").unwrap();
        let all = system_prompt(Some("Be brief."), &path, &[]).await.unwrap();
        insta::assert_snapshot!(all);
    }

    #[tokio::test]
    async fn links_are_followed_inside_the_project_alone() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir(&project).unwrap();
        let path = project.display().to_string();
        let link = project.join("CLAUDE.md");
        fs::write(project.join("AGENTS.md"), "inside").unwrap();
        symlink(project.join("AGENTS.md"), &link).unwrap();
        let prompt = system_prompt(None, &path, &[]).await.unwrap();
        assert!(prompt.ends_with("inside"), "{prompt}");
        let protected = [project.join("AGENTS.md")];
        assert_eq!(system_prompt(None, &path, &protected).await, None);
        fs::remove_file(&link).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        symlink(folder.path().join("secret"), &link).unwrap();
        assert_eq!(system_prompt(None, &path, &[]).await, None);
    }

    #[tokio::test]
    async fn a_file_without_an_end_is_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        fs::write(folder.path().join("CLAUDE.md"), "x".repeat(1 << 20)).unwrap();
        let prompt = system_prompt(None, &path, &[]).await.unwrap();
        assert!(prompt.len() < 41 << 10);
    }
}
