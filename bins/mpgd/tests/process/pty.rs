//! A terminal for a command: what a person types and sees.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command in a terminal. What it writes is read on a thread of its own, which ends with it.
pub(crate) struct Pty {
    keyboard: File,
    screen: watch::Receiver<String>,
    seen: usize,
    child: Child,
}

impl Pty {
    /// Starts a command in a new terminal.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let other = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let end = || Stdio::from(OwnedFd::from(other.try_clone().unwrap()));
        let child = command
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        // The command's own copies go with it, and so end what is read.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let keyboard = File::from(terminal);
        let mut display = keyboard.try_clone().unwrap();
        let (shown, screen) = watch::channel(String::new());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = display.read(&mut bytes) {
                if length == 0 {
                    return;
                }
                let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                shown.send_modify(|screen| screen.push_str(&text));
            }
        });
        Self {
            keyboard,
            screen,
            seen: 0,
            child,
        }
    }

    /// Waits until a text is seen behind what was waited for before.
    pub(crate) async fn see(&mut self, text: &str) {
        let seen = self.seen;
        let found = {
            let shown = self.screen.wait_for(|screen| screen[seen..].contains(text));
            let shown = timeout(PATIENCE, shown).await;
            let screen = shown.ok().and_then(Result::ok);
            screen.and_then(|screen| screen[seen..].find(text))
        };
        let Some(at) = found else {
            panic!("{text:?} is not on {}", self.screen.borrow().as_str());
        };
        self.seen += at + text.len();
    }

    /// Types something that is not to be seen, once it would not be: what was typed before is
    /// thrown away.
    pub(crate) async fn type_hidden(&mut self, keys: &str) {
        let mut look = interval(Duration::from_millis(10));
        let hidden = async {
            while tcgetattr(&self.keyboard)
                .is_ok_and(|modes| modes.local_modes.contains(LocalModes::ECHO))
            {
                look.tick().await;
            }
        };
        let hidden = timeout(PATIENCE, hidden).await;
        assert!(hidden.is_ok(), "what is typed is shown");
        self.type_keys(keys);
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// All that was ever on the screen.
    pub(crate) fn screen(&self) -> String {
        self.screen.borrow().clone()
    }

    /// Waits for the command's end.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends in time").unwrap().code()
    }
}
