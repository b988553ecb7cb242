//! The program that opens a browser, where there is one.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tracing::debug;

/// The page that leads to the link.
const PAGE: &str = "open.html";

/// A program that opens what it is given in the browser of whoever sits there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opener(&'static str);

impl Opener {
    /// The one of this system; `None` where there is no screen to show a browser on.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self("open"));
        }
        let screens = ["DISPLAY", "WAYLAND_DISPLAY"];
        let mut values = screens.iter().filter_map(|name| environment.get(*name));
        values
            .any(|value| !value.is_empty())
            .then_some(Self("xdg-open"))
    }

    /// Has a link opened, by way of a page in `folder`, and waits for nothing. Where that does not work,
    /// whoever reads the link opens it.
    ///
    /// Everybody on a machine sees what programs are started with, and the link lets in whoever is first:
    /// so it stands in a file that nobody else can read.
    pub(super) fn open(self, link: &str, folder: &Path) {
        let page = match leading_to(link, folder) {
            Ok(page) => page,
            Err(error) => {
                debug!(%error, "no page could be made that leads to the chat");
                return;
            }
        };
        let opened = Command::new(self.0)
            .arg(page)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt that is meant for the chat does not end the browser.
            .process_group(0)
            .spawn();
        match opened {
            // It may be the browser itself, which stays: its end is taken whenever it comes.
            Ok(mut program) => drop(tokio::spawn(async move { program.wait().await })),
            Err(error) => debug!(%error, program = self.0, "no browser was opened"),
        }
    }
}

/// A page for this user alone that leads to a link at once.
fn leading_to(link: &str, folder: &Path) -> io::Result<PathBuf> {
    let page = folder.join(PAGE);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&page)?;
    let text = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={link}\">\n\
         <title>mpg</title>\n<a href=\"{link}\">To the chat</a>\n"
    );
    file.write_all(text.as_bytes())?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn a_browser_is_opened_where_there_is_a_screen() {
        for (name, value, opened) in [
            ("DISPLAY", ":0", true),
            ("WAYLAND_DISPLAY", "wayland-0", true),
            ("DISPLAY", "", false),
            ("TERM", "xterm", false),
        ] {
            let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            let opener = Opener::of(&environment);
            assert_eq!(opener.is_some(), opened, "{name}={value}");
        }
    }

    #[test]
    fn the_link_is_in_a_file_of_this_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let link = "http://127.0.0.1:1/login?to=chat#secret";
        let page = leading_to(link, folder.path()).unwrap();
        let mode = page.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("content=\"0; url=http://127.0.0.1:1/login?to=chat#secret\""));
        // What is there already is nobody's to be written to.
        leading_to(link, folder.path()).unwrap_err();
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        Opener("mpg-no-such-program").open("http://127.0.0.1:1/", folder.path());
        Opener("mpg-no-such-program").open("http://127.0.0.1:1/", &folder.path().join("gone"));
    }
}
