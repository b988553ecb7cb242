//! The definitions of the service: a unit of systemd, a property list of launchd.

use std::fmt::Write as _;
use std::path::PathBuf;

/// What is started, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// The program.
    pub(super) program: PathBuf,
    /// Its configuration.
    pub(super) config: PathBuf,
    /// The file of variables, which may be missing.
    pub(super) variables: PathBuf,
    /// Variables that are the same at every start.
    pub(super) environment: Vec<(&'static str, String)>,
    /// How long an end may take, in seconds.
    pub(super) stop_limit: u64,
}

/// A unit for the service manager of one user.
pub(super) fn systemd(service: &Service) -> String {
    let mut environment = String::new();
    for (name, value) in &service.environment {
        // Writing to a string cannot fail.
        let _ = writeln!(
            environment,
            "Environment={}",
            word(&format!("{name}={value}"), false)
        );
    }
    format!(
        "# Written by `mpgd service install`, which writes it anew.\n\
         [Unit]\n\
         Description=Gateway from chat channels to coding agents\n\
         Documentation=https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html\n\
         StartLimitIntervalSec=300\n\
         StartLimitBurst=10\n\
         \n\
         [Service]\n\
         # Ready once the platforms are connected; fed by the gateway's own loop.\n\
         Type=notify\n\
         NotifyAccess=main\n\
         WatchdogSec=60\n\
         ExecStart={program} --config {config} run\n\
         ExecReload={kill} -HUP $MAINPID\n\
         {environment}\
         # Secrets and whatever else agents need, NAME=value a line; nobody else may read it.\n\
         EnvironmentFile=-{variables}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         # A configuration that makes no sense does not get better by trying.\n\
         RestartPreventExitStatus=64 78\n\
         # Only the gateway is stopped: what agents do goes on, and the next start takes it up.\n\
         KillMode=process\n\
         Delegate=yes\n\
         # An agent that takes all memory does not take the gateway with it.\n\
         OOMPolicy=continue\n\
         # More than drain-limit.\n\
         TimeoutStopSec={stop}\n\
         # Agents write in the projects, wherever these are, so no part of the file system is hidden\n\
         # or read-only here, and /tmp is shared: a private one would vanish under agents that go\n\
         # on. Remove NoNewPrivileges for agents that use sudo.\n\
         NoNewPrivileges=yes\n\
         RestrictRealtime=yes\n\
         LimitCORE=0\n\
         UMask=0077\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        program = word(&service.program.to_string_lossy(), true),
        config = word(&service.config.to_string_lossy(), true),
        variables = specifiers(&service.variables.to_string_lossy()),
        kill = "/bin/kill",
        stop = service.stop_limit,
    )
}

/// A property list for the service manager of one user of macOS.
pub(super) fn launchd(service: &Service, label: &str) -> String {
    let mut variables = String::new();
    for (name, value) in &service.environment {
        // Writing to a string cannot fail.
        let _ = writeln!(
            variables,
            "    <key>{}</key><string>{}</string>",
            xml(name),
            xml(value)
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <dict>\n\
         \x20 <key>Label</key><string>{label}</string>\n\
         \x20 <key>ProgramArguments</key>\n\
         \x20 <array>\n\
         \x20   <string>{program}</string>\n\
         \x20   <string>--config</string>\n\
         \x20   <string>{config}</string>\n\
         \x20   <string>run</string>\n\
         \x20 </array>\n\
         \x20 <key>EnvironmentVariables</key>\n\
         \x20 <dict>\n{variables}\
         \x20 </dict>\n\
         \x20 <key>RunAtLoad</key><true/>\n\
         \x20 <key>KeepAlive</key>\n\
         \x20 <dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>AbandonProcessGroup</key><true/>\n\
         \x20 <key>ExitTimeOut</key><integer>{stop}</integer>\n\
         \x20 <key>Umask</key><integer>63</integer>\n\
         </dict>\n\
         </plist>\n",
        label = xml(label),
        program = xml(&service.program.to_string_lossy()),
        config = xml(&service.config.to_string_lossy()),
        stop = service.stop_limit,
    )
}

/// A text as one word of a unit's line; in a command line, variables are put in.
fn word(text: &str, is_command: bool) -> String {
    let mut word = String::from("\"");
    for c in specifiers(text).chars() {
        match c {
            '"' | '\\' => word.extend(['\\', c]),
            '$' if is_command => word.push_str("$$"),
            '\n' => word.push_str("\\n"),
            c => word.push(c),
        }
    }
    word.push('"');
    word
}

/// A text in which nothing stands for something else.
fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service {
            program: "/srv/ann/.cargo/bin/mpgd".into(),
            config: "/srv/ann/100% \"mine\"/mpg.toml".into(),
            variables: "/srv/ann/100% \"mine\"/mpgd.env".into(),
            environment: vec![("PATH", "/usr/bin:/srv/ann/<bin> & $more".to_owned())],
            stop_limit: 90,
        }
    }

    #[test]
    fn a_unit() {
        insta::assert_snapshot!(systemd(&service()));
    }

    #[test]
    fn a_property_list() {
        insta::assert_snapshot!(launchd(&service(), "org.example.mpgd"));
    }
}
