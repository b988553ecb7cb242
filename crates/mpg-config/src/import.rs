//! From the predecessor's file to one of our own.

mod text;

use miette::Severity;
use mpg_core::config::Config;
use toml::de::DeTable;

use crate::document;
use crate::load::{Input, read_document};
use crate::predecessor;
use crate::problem::Problems;
use crate::report::{ConfigError, Report};
use crate::settings::Settings;

/// What becomes of the predecessor's file.
#[derive(Debug)]
pub struct Imported {
    /// A file of our own with the same meaning, with comments.
    pub text: String,
    /// What the core would run with.
    pub config: Config,
    /// What its surroundings would run with.
    pub settings: Settings,
    /// What of the file could not be taken over, or means something else here.
    pub warnings: Report,
}

/// Writes the predecessor's file as one of our own, with everything that is wrong with it in the
/// error. `token_file` is where the Discord token will be, where that is not the environment.
///
/// Loading what is written gives what loading the file itself gives.
pub fn import(input: &Input<'_, '_>, token_file: Option<&str>) -> Result<Imported, ConfigError> {
    let mut lowering = Problems::default();
    let document = document::checked_length(input.text, &mut lowering)
        .and_then(|()| predecessor::lower(input.text, &mut lowering));
    let mut reading = Problems::default();
    let read = document.map(|mut document: DeTable<'_>| {
        if let Some(file) = token_file {
            predecessor::put_token_file(&mut document, file);
        }
        let read = read_document(&document, input, &mut reading);
        (document, read)
    });
    let Problems { errors, warnings } = lowering;
    let warnings = Report::new(Severity::Warning, input.source_name, input.text, warnings);
    let mut all = errors;
    for problem in reading.errors.kept {
        all.push(problem);
    }
    all.omitted = all.omitted.saturating_add(reading.errors.omitted);
    match read {
        Some((document, Some((config, settings, _)))) if all.kept.is_empty() => Ok(Imported {
            text: text::write(&document, input.source_name, &warnings),
            config,
            settings,
            warnings,
        }),
        Some(_) | None => Err(ConfigError::of_report(Report::new(
            Severity::Error,
            input.source_name,
            input.text,
            all,
        ))),
    }
}
