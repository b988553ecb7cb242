//! Where the state is, for commands that look after it: they need no token, no agent and no
//! platform, and work where the configuration is not fit to run.

use std::path::{Path, PathBuf};

use mpg_config::{Input, Overrides, Platform, Search, Settings, load};

use crate::cli::Global;
use crate::configuration::{absolute, find, read_file, working_dir};
use crate::environment;
use crate::exit::Failure;

/// The directory of the log below a state.
pub(crate) const LOG: &str = "log";

/// The state directory that the configuration, or `--data-dir`, names.
pub(crate) fn locate(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(directory) = &global.data_dir {
        return Ok(absolute(&working_dir()?, directory).into());
    }
    settings(global).map(|(state, _)| state)
}

/// The directory of the log.
pub(crate) fn log(global: &Global) -> Result<PathBuf, Failure> {
    let (state, settings) = match settings(global) {
        Ok((state, settings)) => (state, Some(settings)),
        // The state is known without a configuration.
        Err(_) if global.data_dir.is_some() => (locate(global)?, None),
        Err(failure) => return Err(failure),
    };
    let state = match &global.data_dir {
        Some(_) => locate(global)?,
        None => state,
    };
    let named = settings.and_then(|settings| settings.log.dir);
    Ok(named.map_or_else(|| state.join(LOG), PathBuf::from))
}

fn settings(global: &Global) -> Result<(PathBuf, Settings), Failure> {
    let environment = environment::read();
    let working_dir = working_dir()?;
    let search = Search {
        config: global.config.as_deref(),
        profile: global.profile.as_deref(),
        working_dir: &working_dir,
        env: &environment,
    };
    let path = find(&search, global)?.path;
    let text = read_file(&path)?;
    let loaded = load(&Input {
        source_name: &path,
        text: &text,
        env: &environment,
        platforms: &[mpg_discord::PLATFORM, mpg_web::chat::PLATFORM].map(Platform::unchecked),
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    })?;
    let directory = match &loaded.settings.data_dir {
        Some(directory) => directory.clone(),
        None => search.state_dir(&path)?,
    };
    let directory = Path::new(&absolute(&working_dir, &directory)).to_path_buf();
    Ok((directory, loaded.settings))
}
