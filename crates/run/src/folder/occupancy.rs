//! What lies in a folder in which a run is to begin.

use std::path::{Path, PathBuf};

use toml::Table;

use super::lock::LOCK;
use super::{CHECKPOINTS, CONFIG, METRICS, RunFolder, SNAPSHOTS};
use crate::bounds;
use crate::checkpoint::step_in;
use crate::config::FORMAT_KEY;
use crate::error::RunError;
use crate::storage::{Disk, EntryKind, Storage, UNFINISHED, list};

/// The keys that every `config.toml` of a run has: tables, or the name alone of a task or model without settings.
pub(crate) const KEYS: [&str; 5] = ["task", "model", "optimizer", "schedule", "train"];

/// The first line of a log is looked at up to here: it has a few names and a path.
const MAX_LINE: u64 = 1 << 16;

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occupancy {
    /// Nothing, or what a start leaves that died before it wrote a config: nothing of it can be lost or mixed up.
    Free,
    /// A run, or any part of one.
    Run,
    /// What is left of a run that was being removed when its process died: no run, and free to be written over.
    HalfRemoved,
    /// Something of other programs.
    Foreign,
}

impl RunFolder {
    /// Whether the folder holds a run or any part of one: checkpoints, frames, a log, or a config of ours beside
    /// something that a run writes, because other programs have a `config.toml`, too. Nothing else in it has to be
    /// known, so that a run of a user's own types is recognised by any binary.
    ///
    /// # Errors
    /// If something in it cannot be read.
    pub fn holds_a_run(path: &Path) -> Result<bool, RunError> {
        Ok(occupancy(&Disk, path)? == Occupancy::Run)
    }
}

/// What stands in place of the config of a run while the run is removed. It goes first and with one rename, so that there
/// is the old run or none at every moment; the config of the new run takes its place when nothing of the old one is left.
pub(crate) const BEING_REMOVED: &str = "format = \"qkv-removed\"\n";

/// Whether the run in this folder was being removed when its process died.
pub(crate) fn is_half_removed(storage: &dyn Storage, path: &Path) -> bool {
    let config = storage.read(&path.join(CONFIG), BEING_REMOVED.len() as u64);
    config.is_ok_and(|config| config == BEING_REMOVED.as_bytes())
}

/// The run in whose folder `path` lies, if it lies in one.
pub(crate) fn surrounding_run(storage: &dyn Storage, path: &Path) -> Option<PathBuf> {
    // What is not there yet has no links.
    let resolved = path.ancestors().find_map(|above| {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        let found = storage.resolve(above).ok().filter(|found| storage.list(found).is_ok())?;
        Some((found, above == path))
    });
    let (found, is_there) = resolved?;
    let found = std::path::absolute(&found).unwrap_or(found);
    // What may not be read is no reason to refuse what lies in it.
    let mut above = found.ancestors().skip(usize::from(is_there));
    above.find(|above| matches!(occupancy(storage, above), Ok(Occupancy::Run))).map(Path::to_owned)
}

pub(crate) fn occupancy(storage: &dyn Storage, path: &Path) -> Result<Occupancy, RunError> {
    let io = |path| RunError::io("read", path);
    let is_there = |name: &str, kind| {
        let path = path.join(name);
        let entry = storage.entry(&path).map_err(RunError::io("read", &path))?;
        Ok::<_, RunError>(entry.is_some_and(|entry| entry.kind == kind))
    };
    match storage.entry(path).map_err(io(path))?.map(|entry| entry.kind) {
        None => return Ok(Occupancy::Free),
        Some(EntryKind::File | EntryKind::Other) => return Ok(Occupancy::Foreign),
        // The folder itself may be reached through a link, unless it leads to no folder.
        Some(EntryKind::Link) if storage.list(path).is_err() => return Ok(Occupancy::Foreign),
        Some(EntryKind::Folder | EntryKind::Link) => {}
    }
    let unfinished = [CONFIG, LOCK].map(|name| format!("{name}{UNFINISHED}"));
    let mut names = storage.list(path).map_err(io(path))?.into_iter();
    if names.all(|name| name == LOCK || unfinished.iter().any(|unfinished| name == **unfinished)) {
        return Ok(Occupancy::Free);
    }
    let steps = |folder: &str, extension: &str| {
        if !is_there(folder, EntryKind::Folder)? {
            return Ok(false);
        }
        let names = list(storage, &path.join(folder))?;
        let is_step =
            |name: &std::ffi::OsString| name.to_str().is_some_and(|name| is_of_a_step(name, extension));
        Ok::<_, RunError>(names.iter().any(is_step))
    };
    let is_part = steps(CHECKPOINTS, "")?
        || steps(SNAPSHOTS, ".safetensors")?
        || has_a_log(storage, &path.join(METRICS))?;
    if is_half_removed(storage, path) {
        return Ok(Occupancy::HalfRemoved);
    }
    Ok(match config(storage, &path.join(CONFIG))? {
        Config::Foreign => Occupancy::Foreign,
        Config::Marked => Occupancy::Run,
        Config::Missing | Config::Broken if is_part => Occupancy::Run,
        Config::Ours | Config::Broken if is_part || is_there(LOCK, EntryKind::File)? => Occupancy::Run,
        Config::Ours if is_there(METRICS, EntryKind::File)? || is_there(CHECKPOINTS, EntryKind::Folder)? => {
            Occupancy::Run
        }
        Config::Missing | Config::Broken | Config::Ours => Occupancy::Foreign,
    })
}

/// What a `config.toml` is.
enum Config {
    Missing,
    /// With a format of ours.
    Marked,
    /// With the keys that ours have.
    Ours,
    /// Empty, or no TOML.
    Broken,
    Foreign,
}

fn config(storage: &dyn Storage, path: &Path) -> Result<Config, RunError> {
    match storage.entry(path).map_err(RunError::io("read", path))? {
        None => return Ok(Config::Missing),
        // Refused, with its name, where it is read.
        Some(entry) if entry.kind != EntryKind::File => return Ok(Config::Broken),
        Some(entry) if entry.size > bounds::CONFIG => return Ok(Config::Foreign),
        Some(_) => {}
    }
    let text = storage.read(path, bounds::CONFIG).map_err(RunError::io("read", path))?;
    let table: Option<Table> = str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
    Ok(match table {
        None => Config::Broken,
        Some(table) if table.is_empty() => Config::Broken,
        Some(table)
            if table.get(FORMAT_KEY).and_then(|found| found.as_str()?.strip_prefix("qkv-")).is_some() =>
        {
            Config::Marked
        }
        Some(table) if KEYS.iter().all(|key| table.contains_key(*key)) => Config::Ours,
        Some(_) => Config::Foreign,
    })
}

/// Whether a name is `step-00000120` and `extension`, or what becomes of it: `step-00000120.replaced`, `….damaged-2`.
pub(crate) fn is_of_a_step(name: &str, extension: &str) -> bool {
    let (stem, rest) = name.split_once('.').unwrap_or((name, ""));
    step_in(stem, "").is_some() && stem.len() > "step-".len() && (!rest.is_empty() || extension.is_empty())
}

/// Whether the first line is an event.
fn has_a_log(storage: &dyn Storage, path: &Path) -> Result<bool, RunError> {
    match storage.entry(path).map_err(RunError::io("read", path))? {
        Some(entry) if entry.kind == EntryKind::File => {}
        _ => return Ok(false),
    }
    let log = storage.read_start(path, MAX_LINE).map_err(RunError::io("read", path))?;
    let line = log.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line: Option<serde_json::Value> = serde_json::from_slice(line).ok();
    Ok(line.is_some_and(|line| line.get("event").is_some_and(serde_json::Value::is_string)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{CONFIG_TEXT, Outcome};
    use std::fs;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Occupancy) -> Outcome {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().ok_or("a folder")?)?;
            fs::write(path, text)?;
        }
        assert_eq!(occupancy(&Disk, folder.path())?, expected, "{files:?}");
        Ok(())
    }

    #[test]
    fn any_part_of_a_run_occupies_its_folder() -> Outcome {
        let event = "{\"event\":\"start\",\"task\":\"sort\"}\n";
        for part in [
            ("checkpoints/step-00000000/config.json", ""),
            ("checkpoints/step-00000005.damaged/config.json", ""),
            ("snapshots/step-00000000.safetensors", ""),
            ("metrics.jsonl", event),
        ] {
            check(&[part], Occupancy::Run)?;
            check(&[part, (CONFIG, "")], Occupancy::Run)?;
            check(&[part, (CONFIG, "seed =")], Occupancy::Run)?;
            check(&[part, (CONFIG, CONFIG_TEXT)], Occupancy::Run)?;
            check(&[part, (CONFIG, "[package]\nname = \"thesis\"\n")], Occupancy::Foreign)?;
        }
        check(&[(CONFIG, "format = \"qkv-run-1\"\n")], Occupancy::Run)?;
        check(&[(CONFIG, ""), (LOCK, "")], Occupancy::Run)
    }

    #[test]
    fn a_config_is_recognised_by_its_keys_however_they_are_written() -> Outcome {
        let tables = "[task]\nname = \"sort\"\n[model]\n[optimizer]\n[schedule]\n[train]\n";
        let names = "task = \"first\"\nmodel = \"mine\"\noptimizer.lr = 1\n[schedule]\n[ train ]\n";
        let text = "text = \"\"\"\n[task]\n[model]\n[optimizer]\n[schedule]\n[train]\n\"\"\"\n";
        check(&[(CONFIG, tables), (METRICS, "")], Occupancy::Run)?;
        check(&[(CONFIG, names), (METRICS, "")], Occupancy::Run)?;
        check(&[(CONFIG, names)], Occupancy::Foreign)?;
        check(&[(CONFIG, "[task]\n[model]\n"), (METRICS, "")], Occupancy::Foreign)?;
        check(&[(CONFIG, text), (METRICS, "")], Occupancy::Foreign)
    }

    #[test]
    fn what_other_programs_write_is_foreign_and_what_holds_nothing_is_free() -> Outcome {
        for other in ["checkpoints/best.pt", "checkpoints/step-5x/a", "snapshots/step-1", "cat.png", CONFIG] {
            check(&[(other, "")], Occupancy::Foreign)?;
        }
        check(&[(METRICS, "{\"loss\":1}\n")], Occupancy::Foreign)?;
        check(&[], Occupancy::Free)?;
        check(&[(LOCK, "12\n")], Occupancy::Free)?;
        check(&[(LOCK, "12\n"), ("config.toml.tmp", "se")], Occupancy::Free)?;
        check(&[(LOCK, "12\n"), ("cat.png", "meow")], Occupancy::Foreign)
    }
}
