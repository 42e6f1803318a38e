//! `qkv playground`: the page in which a reader trains a model, with a run in it.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::{PlaygroundRun, playground_of_run};
use qkv_train::Registry;

use crate::args::PlaygroundArgs;
use crate::exit::usage;
use crate::output::files::page::PageFile;
use crate::output::stdout::Stdout;
use crate::session::runs::location::Location;

/// Name of the page that was built.
const PAGE: &str = "playground.html";

/// The command that builds it.
const BUILD: &str = "crates/web/build";

/// Writes the page.
pub fn run(args: &PlaygroundArgs, registry: &Registry) -> Result<ExitCode> {
    let out = PageFile::new(&args.out)?;
    let built = match &args.page {
        Some(page) => page.clone(),
        None => built_page()?,
    };
    let page = fs::read_to_string(&built).with_context(|| format!("cannot read {}", built.display()))?;
    let page = match &args.run {
        None => page,
        Some(run) => {
            with_run(&page, &built, Location::find(run, "--step", args.step)?, &args.settings, registry)?
        }
    };
    let place = out.write(&page)?;
    writeln!(Stdout::new(), "{place}")?;
    Ok(ExitCode::SUCCESS)
}

/// The page beside the program, or in the folder above, where a build of the program and of the page have put both.
fn built_page() -> Result<PathBuf> {
    let program = env::current_exe().context("cannot tell where this program lies")?;
    let folders = program.ancestors().skip(1).take(2);
    let places: Vec<PathBuf> = folders.map(|folder| folder.join(PAGE)).collect();
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        usage(format!(
            "no page was built: expected {}; run {BUILD} in the sources of this program, or name a page with --page",
            places.join(" or ")
        ))
    })
}

/// The page with the config, the weights and the text of a run.
fn with_run(
    page: &str,
    built: &Path,
    location: Location,
    settings: &[String],
    registry: &Registry,
) -> Result<String> {
    let Location { run, step } = &location;
    let experiment = registry.read_run(run, *step, settings);
    let experiment =
        experiment.with_context(|| format!("cannot use the config of {}", run.path().display()))?;
    let weights = location.read(|checkpoint| Ok(checkpoint.read_weights()?))?;
    let (mut config, mut text) = (experiment.config, None);
    if let Some((key, path)) = config.file_of_task() {
        text = Some(fs::read(&path).with_context(|| format!("cannot read the {key} {}", path.display()))?);
        // Its place on this machine is no matter of the page's reader.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        config.task.settings.insert(key.to_owned(), name.into());
    }
    let config = config.to_toml();
    let of_run = PlaygroundRun { config: &config, weights: Some(&weights), text: text.as_deref() };
    playground_of_run(page, of_run).ok_or_else(|| {
        let built = built.display();
        usage(format!("{built} is no page without a run, as {BUILD} makes it; run that again, or name such a page with --page"))
    })
}
