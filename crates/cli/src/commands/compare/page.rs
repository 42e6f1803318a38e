//! The page, with the addresses of the runs' own pages.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use qkv_inspect::{Comparison, LeftOut, RunRecord, Surroundings};
use qkv_run::RunFolder;

use crate::output::files::page::folder_of;

/// The page as it will lie at `path`, of the runs that were named so.
pub fn of(
    path: &Path,
    named: &[PathBuf],
    comparison: &Comparison,
    left_out: &[(PathBuf, LeftOut)],
) -> Result<String> {
    let folder = folder_of(path);
    let folder = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
    let link = |run: &RunRecord| address(&folder, &run.path);
    Ok(comparison.html(&Surroundings { title: &title(named), left_out, link: &link })?)
}

/// The name of the folder or of the file that was named, or how many there were.
fn title(named: &[PathBuf]) -> String {
    match named {
        [study] => {
            let place = study.canonicalize().unwrap_or_else(|_| study.clone());
            let name = if place.is_dir() { place.file_name() } else { place.file_stem() };
            name.unwrap_or_default().to_string_lossy().into_owned()
        }
        many => format!("{} and {} more", many[0].display(), many.len() - 1),
    }
}

/// Where the page of a run is, seen from a folder; `None` where the run has none.
fn address(from: &Path, run: &Path) -> Option<String> {
    let report = RunFolder::open(run).ok()?.report_file().canonicalize().ok()?;
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), report.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    // Nothing in common is another drive.
    if shared == 0 {
        return None;
    }
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|part| encoded(part.as_os_str().to_str()));
    up.map(Some).chain(down).collect::<Option<Vec<String>>>().map(|parts| parts.join("/"))
}

/// A name as a part of an address: everything but letters, digits and `-._~` as bytes in hexadecimal digits.
fn encoded(name: Option<&str>) -> Option<String> {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    Some(name?.bytes().map(byte).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use qkv_run::Existing;
    use std::fs;

    #[test]
    fn a_page_is_found_from_beside_and_from_below_whatever_the_run_is_called() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?;
        let run = RunFolder::create(&root.join("a b/javascript:x%\"é"), "", Existing::Keep)?;
        assert_eq!(address(&root, run.path()), None, "it has no page");
        run.write_report(b"")?;
        let name = "javascript%3Ax%25%22%C3%A9/report.html";
        assert_eq!(address(&root, run.path()), Some(format!("a%20b/{name}")));
        fs::create_dir(root.join("pages"))?;
        assert_eq!(address(&root.join("pages"), run.path()), Some(format!("../a%20b/{name}")));
        Ok(())
    }
}
