//! `mpgd audit`: who did what, and whether that is what was written.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use mpg_core::audit::Audited;
use mpg_store::{AuditCheck, Mark, StateReader};
use serde::Serialize;

use crate::cli::{AuditCommand, ExportOptions, Global, VerifyOptions};
use crate::exit::{self, Failure};
use crate::{run, state_dir};

/// How many entries are read at once.
const PAGE: u32 = 1_000;

pub(crate) fn audit(global: &Global, command: &AuditCommand) -> Result<ExitCode, Failure> {
    let directory = state_dir::locate(global)?;
    run::runtime()?.block_on(async {
        match command {
            AuditCommand::Verify(options) => verify(&directory, options).await,
            AuditCommand::Export(options) => export(&directory, options).await,
        }
    })
}

async fn open(directory: &Path) -> Result<StateReader, Failure> {
    let reader = StateReader::open(directory).await?;
    let nothing = || format!("there is no state in {}", directory.display());
    reader.ok_or_else(|| Failure::Refused(nothing()))
}

/// What a look at the log found, for programs.
#[derive(Debug, Serialize)]
struct View {
    intact: bool,
    entries: u64,
    pruned: u64,
    last: String,
    broken: Option<BrokenView>,
}

#[derive(Debug, Serialize)]
struct BrokenView {
    number: u64,
    fault: String,
}

impl View {
    fn new(check: &AuditCheck) -> Self {
        let broken = check.broken.map(|broken| BrokenView {
            number: broken.number,
            fault: broken.fault.to_string(),
        });
        Self {
            intact: broken.is_none(),
            entries: check.entries,
            pruned: check.pruned,
            last: format!("{}:{}", check.last.number, check.last.hash),
            broken,
        }
    }

    fn text(&self) -> String {
        let Self {
            entries, pruned, ..
        } = self;
        let older = if *pruned > 0 {
            format!(", and {pruned} older ones were removed")
        } else {
            String::new()
        };
        match &self.broken {
            None => {
                let entries = match entries {
                    1 => "1 entry".to_owned(),
                    entries => format!("{entries} entries"),
                };
                format!(
                    "the audit log is what was written: {entries}{older}\nlast entry: {}\n",
                    self.last
                )
            }
            Some(BrokenView { number, fault }) => format!(
                "the audit log is not what was written: entry {number} {fault}\n\
                 nothing was changed; compare it with an export or a backup\n"
            ),
        }
    }
}

async fn verify(directory: &Path, options: &VerifyOptions) -> Result<ExitCode, Failure> {
    let known: Option<Mark> = match &options.known {
        None => None,
        Some(known) => Some(known.parse().map_err(|takes| {
            Failure::Usage(format!("`--known` takes {takes}; {known:?} is none"))
        })?),
    };
    let reader = open(directory).await?;
    let check = reader.check_audit(known.as_ref()).await;
    reader.close().await;
    let view = View::new(&check?);
    exit::print(&if options.json {
        exit::json(&view)
    } else {
        view.text()
    });
    Ok(if view.intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn export(directory: &Path, options: &ExportOptions) -> Result<ExitCode, Failure> {
    let since = match &options.since {
        None => None,
        Some(text) => Some(since(text)?),
    };
    let reader = open(directory).await?;
    let mut after = 0;
    loop {
        let entries = reader.audited(after, since, PAGE).await?;
        let Some(last) = entries.last() else {
            break;
        };
        after = last.number;
        let lines: String = entries
            .iter()
            .map(|entry| line(entry, options.json))
            .collect();
        exit::print(&lines);
    }
    reader.close().await;
    Ok(ExitCode::SUCCESS)
}

fn since(text: &str) -> Result<Timestamp, Failure> {
    // A day is as good as the moment at which it begins.
    let moment = text
        .parse()
        .or_else(|_| format!("{text}T00:00:00Z").parse());
    moment.map_err(|_| {
        Failure::Usage(format!(
            "`--since` takes a time as 2026-01-31T12:00:00Z, or a day as 2026-01-31; {text:?} is neither"
        ))
    })
}

/// An entry as a line: the body stands in it as it was hashed.
fn line(entry: &Audited, json: bool) -> String {
    let Audited {
        number,
        at,
        body,
        hash,
    } = entry;
    if json {
        let nanoseconds = at.as_nanosecond();
        return format!(
            "{{\"number\":{number},\"at\":\"{at}\",\"nanoseconds\":{nanoseconds},\"hash\":\"{hash}\",\"entry\":{body}}}\n"
        );
    }
    format!("{number}\t{at}\t{hash}\t{body}\n")
}

#[cfg(test)]
mod tests {
    use mpg_store::{Broken, Fault};
    use serde_json::Value;

    use super::*;

    fn check(broken: Option<Broken>) -> AuditCheck {
        AuditCheck {
            entries: 3,
            pruned: 2,
            last: Mark {
                number: 5,
                hash: "ab".repeat(32),
            },
            broken,
        }
    }

    #[test]
    fn what_was_found_is_said() {
        let intact = View::new(&check(None)).text();
        assert!(
            intact.contains("3 entries, and 2 older ones were removed"),
            "{intact}"
        );
        assert!(intact.ends_with(&format!("last entry: 5:{}\n", "ab".repeat(32))));
        let broken = Broken {
            number: 4,
            fault: Fault::Missing,
        };
        let broken = View::new(&check(Some(broken))).text();
        assert!(broken.contains("entry 4 is not there"), "{broken}");
    }

    #[test]
    fn a_mark_is_read_back() {
        let view = View::new(&check(None));
        assert_eq!(view.last.parse(), Ok(check(None).last));
        for wrong in ["", "5", "5:ab", "x:y"] {
            assert!(wrong.parse::<Mark>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_is_when_it_begins() {
        assert_eq!(since("1970-01-02").unwrap().as_second(), 86_400);
        assert_eq!(since("1970-01-01T00:00:01Z").unwrap().as_second(), 1);
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn an_entry_is_a_line_of_json() {
        let entry = Audited {
            number: 7,
            at: Timestamp::UNIX_EPOCH,
            body: r#"{"act":"asked"}"#.to_owned(),
            hash: "ab".to_owned(),
        };
        let value: Value = serde_json::from_str(&line(&entry, true)).unwrap();
        assert_eq!(value["entry"]["act"], "asked");
        assert_eq!(value["number"], 7);
    }
}
