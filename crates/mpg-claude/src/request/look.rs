//! A look at the file that a request is about: how it would change, and whether it lies where its
//! path says.
//!
//! Only files inside the workspace are read: what is elsewhere may be no business of those who are
//! shown the request.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mpg_core::request::Detail;
use rustix::fs::OFlags;
use serde_json::Value;
use similar::TextDiff;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::bounded;
use super::grant::plain;
use crate::stream::{list, text};
use crate::tools::FILE_TOOLS;

/// How large a file is compared, and how large its new content, in bytes.
const LARGEST: usize = 1 << 20;

/// How long a look may take, and how long the comparison in it.
const LIMIT: Duration = Duration::from_secs(5);
const COMPARING: Duration = Duration::from_millis(500);

/// How many lines stand around a change.
const CONTEXT: usize = 3;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    path: String,
    change: Option<Change>,
}

/// How a call would change a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// Passages are replaced, one after the other.
    Passages(Vec<Passage>),
    /// It gets another content.
    Content(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Passage {
    old: String,
    new: String,
    everywhere: bool,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The change.
    pub(crate) detail: Option<Detail>,
    /// Whether the path leads to where it seems to, and not through a link to elsewhere.
    pub(crate) is_plain: bool,
}

/// A file as it is.
enum Present {
    Text(String),
    /// There is none.
    Absent,
    /// It is not shown, for this reason.
    Hidden(&'static str),
}

impl Look {
    /// What to look at before a call is judged; `None` of a tool that is about no file.
    pub(super) fn of(tool: &str, input: &Value) -> Option<Self> {
        if !FILE_TOOLS.contains(&tool) {
            return None;
        }
        let passage = |edit: &Value| Passage {
            old: text(edit, "old_string").to_owned(),
            new: text(edit, "new_string").to_owned(),
            everywhere: edit["replace_all"] == true,
        };
        let change = match tool {
            "Edit" => Some(Change::Passages(vec![passage(input)])),
            "MultiEdit" => Some(Change::Passages(
                list(&input["edits"]).map(passage).collect(),
            )),
            "Write" => Some(Change::Content(text(input, "content").to_owned())),
            _ => None,
        };
        let path = ["file_path", "notebook_path", "path"]
            .iter()
            .map(|key| text(input, key))
            .find(|path| !path.is_empty());
        Some(Self {
            path: path.unwrap_or(".").to_owned(),
            change,
        })
    }

    /// Whether there is a change to be shown.
    pub(super) fn is_change(&self) -> bool {
        self.change.is_some()
    }

    /// Looks, on a thread of its own, for a few seconds at most.
    pub(crate) async fn see(self, directory: String) -> Seen {
        let without = self.clone();
        let seeing = spawn_blocking(move || self.see_now(Path::new(&directory)));
        match timeout(LIMIT, seeing).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(_)) | Err(_) => Seen {
                detail: without.detail(&without.path, &Present::Hidden("it could not be read")),
                is_plain: false,
            },
        }
    }

    fn see_now(&self, directory: &Path) -> Seen {
        let path = plain(&directory.join(&self.path));
        let real = real(&path);
        let workspace = fs::canonicalize(directory).ok();
        let workspace = workspace.as_deref();
        let inside = real.as_deref().zip(workspace);
        let inside = inside.and_then(|(real, workspace)| real.strip_prefix(workspace).ok());
        let is_plain = match path.strip_prefix(directory) {
            Ok(_) => inside.is_some(),
            Err(_) => real.as_deref() == Some(path.as_path()),
        };
        if self.change.is_none() {
            return Seen {
                detail: None,
                is_plain,
            };
        }
        let present = match (&real, inside) {
            (Some(real), Some(_)) => read(real),
            (_, _) => Present::Hidden("it is not in the workspace"),
        };
        let name = match inside {
            Some(inside) => inside.display().to_string(),
            None => path.display().to_string(),
        };
        Seen {
            detail: self.detail(&name, &present),
            is_plain,
        }
    }

    /// The change of a file, as a unified diff.
    fn detail(&self, name: &str, present: &Present) -> Option<Detail> {
        let text = match (self.change.as_ref()?, present) {
            (Change::Passages(passages), Present::Text(old)) => match replaced(old, passages) {
                Some(new) => diff(name, true, old, &new),
                None => apart(name, passages, "it has no such passage"),
            },
            // A passage that is empty makes a new file.
            (Change::Passages(passages), Present::Absent) => {
                let new: String = passages
                    .iter()
                    .map(|passage| passage.new.as_str())
                    .collect();
                diff(name, false, "", &new)
            }
            (Change::Passages(passages), Present::Hidden(why)) => apart(name, passages, why),
            (Change::Content(new), Present::Text(old)) => diff(name, true, old, new),
            (Change::Content(new), Present::Absent) => diff(name, false, "", new),
            (Change::Content(new), Present::Hidden(why)) => {
                format!(
                    "{}\n({} is not shown as it is: {why})",
                    diff(name, true, "", new),
                    name
                )
            }
        };
        Some(Detail::Diff(bounded(&text)))
    }
}

/// Where a path leads; for a file that is not there yet, where it would be.
fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Some(real);
    }
    // A link that leads nowhere would be written through.
    if fs::symlink_metadata(path).is_ok() {
        return None;
    }
    let mut missing = Vec::new();
    let mut known = path;
    while let (Some(parent), Some(name)) = (known.parent(), known.file_name()) {
        missing.push(name);
        known = parent;
        if let Ok(mut real) = fs::canonicalize(known) {
            real.extend(missing.iter().rev());
            return Some(real);
        }
    }
    None
}

/// Reads a file, if it is one, and a text of a size that can be compared.
fn read(path: &Path) -> Present {
    match open_now(path) {
        Ok(file) => contents(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Present::Absent,
        Err(_) => Present::Hidden("it cannot be read"),
    }
}

fn contents(file: File) -> Present {
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Present::Hidden("it is no file");
    }
    let mut bytes = Vec::new();
    if file
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .is_err()
    {
        return Present::Hidden("it cannot be read");
    }
    if bytes.len() > LARGEST {
        return Present::Hidden("it is too large");
    }
    String::from_utf8(bytes).map_or(Present::Hidden("it is no text"), Present::Text)
}

/// Opens to read, without waiting for who would write to a pipe.
fn open_now(path: &Path) -> std::io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    File::options().read(true).custom_flags(flags).open(path)
}

/// The text with its passages replaced; `None` where one is not there.
fn replaced(text: &str, passages: &[Passage]) -> Option<String> {
    let mut text = text.to_owned();
    for Passage {
        old,
        new,
        everywhere,
    } in passages
    {
        if old.is_empty() || !text.contains(old.as_str()) {
            return None;
        }
        text = if *everywhere {
            text.replace(old.as_str(), new)
        } else {
            text.replacen(old.as_str(), new, 1)
        };
        if text.len() > 2 * LARGEST {
            return None;
        }
    }
    Some(text)
}

/// The change of each passage for itself, where it is not known what stands around it.
fn apart(name: &str, passages: &[Passage], why: &str) -> String {
    let mut all: Vec<String> = passages
        .iter()
        .map(|passage| diff(name, true, &line(&passage.old), &line(&passage.new)))
        .collect();
    all.push(format!("({name} is not shown as it is: {why})"));
    all.join("\n")
}

/// A passage as whole lines, so that it does not seem to end a file.
fn line(passage: &str) -> String {
    let ended = passage.is_empty() || passage.ends_with('\n');
    format!("{passage}{}", if ended { "" } else { "\n" })
}

fn diff(name: &str, exists: bool, old: &str, new: &str) -> String {
    let before = if exists {
        format!("a/{name}")
    } else {
        "/dev/null".to_owned()
    };
    let (old, new) = (part(old), part(new));
    let compared = TextDiff::configure()
        .timeout(COMPARING)
        .diff_lines(old, new);
    let text = compared
        .unified_diff()
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header(&before, &format!("b/{name}"))
        .to_string();
    if text.is_empty() {
        return format!("({name} stays as it is)");
    }
    text.trim_end().to_owned()
}

/// So much of a text as is compared.
fn part(text: &str) -> &str {
    &text[..text.floor_char_boundary(2 * LARGEST)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    struct Workspace(TempDir);

    impl Workspace {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("project")).unwrap();
            let this = Self(folder);
            this.write("a.txt", "one\ntwo\nthree\nfour\nfive\nsix\n");
            this
        }

        fn path(&self, name: &str) -> PathBuf {
            // What a temporary folder is called may be a link itself.
            let work = self.0.path().join("project");
            fs::canonicalize(work).unwrap().join(name)
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.path(name), content).unwrap();
        }

        fn see(&self, tool: &str, input: &Value) -> Seen {
            Look::of(tool, input).unwrap().see_now(&self.path(""))
        }

        /// The change, without where the workspace is.
        fn diff(&self, tool: &str, input: &Value) -> String {
            let detail = self.see(tool, input).detail.unwrap();
            let Detail::Diff(text) = detail else {
                panic!("{detail:?}")
            };
            let above = fs::canonicalize(self.0.path()).unwrap();
            text.replace(&above.display().to_string(), "ABOVE")
        }
    }

    #[test]
    fn changes_are_shown_against_the_file_as_it_is() {
        let workspace = Workspace::new();
        let path = workspace.path("a.txt");
        let edit = |old: &str, new: &str| json!({ "old_string": old, "new_string": new });
        let mut one = edit("two", "2\n2½");
        one["file_path"] = json!(path);
        let mut gone = edit("seven", "7");
        gone["file_path"] = json!("a.txt");
        let mut all = edit("o", "0");
        all["file_path"] = json!("a.txt");
        all["replace_all"] = json!(true);
        let several = json!({ "file_path": path, "edits": [edit("one", "1"), edit("six", "6")] });
        let cases = [
            ("Edit", one),
            ("Edit", all),
            ("Edit", gone),
            ("MultiEdit", several),
            (
                "Write",
                json!({ "file_path": path, "content": "one\nTWO\n" }),
            ),
            (
                "Write",
                json!({ "file_path": workspace.path("new/b.txt"), "content": "new" }),
            ),
            (
                "Write",
                json!({ "file_path": path, "content": "one\ntwo\nthree\nfour\nfive\nsix\n" }),
            ),
        ];
        let shown = cases.map(|(tool, input)| workspace.diff(tool, &input));
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn what_is_outside_or_no_text_is_not_shown() {
        let workspace = Workspace::new();
        let outside = workspace.path("../secret.txt");
        fs::write(&outside, "secret\n").unwrap();
        std::os::unix::fs::symlink(&outside, workspace.path("link")).unwrap();
        std::os::unix::fs::symlink("/nowhere/x", workspace.path("dangling")).unwrap();
        fs::write(workspace.path("binary"), b"secret\xff").unwrap();
        let large = File::create(workspace.path("large")).unwrap();
        large.set_len(LARGEST as u64 + 1).unwrap();
        let names = ["../secret.txt", "link", "dangling", "binary", "large", "."];
        let mut shown = Vec::new();
        for name in names {
            let input = json!({ "file_path": name, "content": "new" });
            let diff = workspace.diff("Write", &input);
            assert!(
                !diff.contains("secret\n") && diff.contains("+new"),
                "{diff}"
            );
            let plain = workspace.see("Write", &input).is_plain;
            shown.push(format!("{diff}\nplain: {plain}"));
        }
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn large_inputs_are_cut_and_say_so() {
        let workspace = Workspace::new();
        let content = "word ".repeat(20) + "\n";
        let content = content.repeat(30_000);
        let diff = workspace.diff(
            "Write",
            &json!({ "file_path": "a.txt", "content": content }),
        );
        assert!(diff.len() <= mpg_core::request::Permission::LONGEST_DETAIL);
        let last = diff.lines().last().unwrap();
        assert!(
            last.starts_with("… ") && last.ends_with("are not shown"),
            "{last}"
        );
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let workspace = Workspace::new();
        let status = std::process::Command::new("mkfifo")
            .arg(workspace.path("pipe"))
            .status();
        assert!(status.unwrap().success());
        let diff = workspace.diff("Write", &json!({ "file_path": "pipe", "content": "x" }));
        assert!(diff.contains("no file"), "{diff}");
    }
}
