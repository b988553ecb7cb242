//! Where the state is, for commands that look after it: they need no token, no agent and no
//! platform, and work where the configuration is not fit to run.

use std::path::{Path, PathBuf};

use mpg_config::{Input, Overrides, Platform, Search, load};

use crate::cli::Global;
use crate::configuration::{absolute, find, read_file, working_dir};
use crate::environment;
use crate::exit::Failure;

/// The state directory that the configuration, or `--data-dir`, names.
pub(crate) fn locate(global: &Global) -> Result<PathBuf, Failure> {
    let environment = environment::read();
    let working_dir = working_dir()?;
    if let Some(directory) = &global.data_dir {
        return Ok(absolute(&working_dir, directory).into());
    }
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
        platforms: &[Platform::unchecked(mpg_discord::PLATFORM)],
        overrides: &Overrides::default(),
        directory_exists: &|_| true,
    })?;
    let directory = match loaded.settings.data_dir {
        Some(directory) => directory,
        None => search.state_dir(&path)?,
    };
    Ok(Path::new(&absolute(&working_dir, &directory)).to_path_buf())
}
