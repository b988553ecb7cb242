//! The line for a shell that goes on with a session.

use mpg_core::id::SessionId;

/// Goes to the session's directory, where alone the CLI finds it, and resumes it there.
///
/// It is one command line of a POSIX shell, whatever the directory is called.
pub(crate) fn resume_line(session: SessionId, directory: &str, command: &str) -> String {
    let (directory, command) = (quoted(&anchored(directory)), quoted(command));
    format!("cd {directory} && {command} --resume {session}")
}

/// A directory that `cd` takes for none of its options, and for no directory of `CDPATH`.
fn anchored(directory: &str) -> String {
    if directory.starts_with('/') {
        directory.to_owned()
    } else {
        format!("./{directory}")
    }
}

/// A word of a POSIX shell that is this text.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%:".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn words() {
        for (text, word) in [
            ("/srv/one", "/srv/one"),
            ("", "''"),
            ("/srv/my app", "'/srv/my app'"),
            ("/srv/it's", "'/srv/it'\\''s'"),
            ("/srv/$HOME", "'/srv/$HOME'"),
            ("/srv/`id`", "'/srv/`id`'"),
            ("/srv/a;b&c|d", "'/srv/a;b&c|d'"),
            ("/srv/*?[x]", "'/srv/*?[x]'"),
            ("/srv/~", "'/srv/~'"),
            ("/srv/a\\b\"c", "'/srv/a\\b\"c'"),
            ("/srv/zwei\nzeilen", "'/srv/zwei\nzeilen'"),
            ("/srv/é#!", "'/srv/é#!'"),
            ("A=b", "'A=b'"),
        ] {
            assert_eq!(quoted(text), word, "{text:?}");
        }
    }

    #[test]
    fn a_shell_goes_where_the_session_is() {
        let root = tempfile::tempdir().unwrap();
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        let program = root.path().join("a $(false) claude");
        std::fs::write(&program, "#!/bin/sh\npwd; printf '%s|' \"$@\"\n").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        for name in [
            "plain",
            "two words",
            "it's",
            "$HOME",
            "`id`",
            "a;b",
            "*",
            "-P",
            "~",
            "a\"b",
            "a\nb",
            "é",
        ] {
            let directory = root.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            let line = resume_line(
                session,
                directory.to_str().unwrap(),
                program.to_str().unwrap(),
            );
            let ran = Command::new("sh").arg("-c").arg(&line).output().unwrap();
            let directory = directory.canonicalize().unwrap();
            let expected = format!("{}\n--resume|{session}|", directory.display());
            assert_eq!(String::from_utf8_lossy(&ran.stdout), expected, "{line}");
        }
        assert!(resume_line(session, "-x", "claude").starts_with("cd ./-x && claude --resume "));
    }
}
