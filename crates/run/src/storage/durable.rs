//! Writing so that a file or folder appears complete or not at all, also after a power cut.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{EntryKind, Storage};
use crate::error::RunError;

/// Behind the name of what is not finished, or no longer wanted.
pub(crate) const UNFINISHED: &str = ".tmp";

/// So much of a file is in memory while it is copied.
const PIECE: u64 = 1 << 20;

/// Replaces a file at once and for good: when this returns, its new bytes outlast a power cut.
///
/// # Errors
/// If it cannot be written; the old file is then still there.
pub fn replace_file(storage: &dyn Storage, file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    replace_by(storage, begin(storage, file)?, file, bytes)
}

/// The same where other processes may do it at this moment, also on other machines, with the folders that are missing on
/// the way: the file is that of one of them at every moment, if each has a name of its own as the `writer`.
///
/// # Errors
/// If it cannot be written.
pub fn replace_shared_file(
    storage: &dyn Storage,
    file: &Path,
    bytes: &[u8],
    writer: &str,
) -> Result<(), RunError> {
    create_folders(storage, parent(file))?;
    replace_by(storage, with_suffix(file, &format!(".{writer}{UNFINISHED}")), file, bytes)
}

/// Creates a file for good, with the folders that are missing on the way, where other processes may do it at this moment,
/// also on other machines: returns whether it is this one's. Each needs a name of its own as the `writer`. Where the file
/// system gives no file two names, one of several that do it at the same moment replaces the others.
///
/// # Errors
/// If it cannot be written.
pub fn create_shared_file(
    storage: &dyn Storage,
    file: &Path,
    bytes: &[u8],
    writer: &str,
) -> Result<bool, RunError> {
    create_folders(storage, parent(file))?;
    let unfinished = with_suffix(file, &format!(".{writer}{UNFINISHED}"));
    let linked = write(storage, &unfinished, bytes)
        .and_then(|()| storage.sync_file(&unfinished).map_err(RunError::writing(&unfinished, bytes.len())))
        .map(|()| storage.link(&unfinished, file));
    let created = match linked {
        Ok(Err(error)) if error.kind() == ErrorKind::Unsupported && !exists(storage, file)? => {
            rename(storage, &unfinished, file)?;
            return sync_folder(storage, parent(file)).map(|()| true);
        }
        Ok(Err(error)) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::AlreadyExists) => {
            Ok(false)
        }
        Ok(result) => result.map(|()| true).map_err(RunError::io("create", file)),
        Err(error) => Err(error),
    };
    let _ = storage.remove_file(&unfinished);
    sync_folder(storage, parent(file))?;
    created
}

fn replace_by(storage: &dyn Storage, unfinished: PathBuf, file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let synced = write(storage, &unfinished, bytes)
        .and_then(|()| storage.sync_file(&unfinished).map_err(RunError::writing(&unfinished, bytes.len())));
    finish(storage, &unfinished, file, synced)?;
    sync_folder(storage, parent(file))
}

/// Replaces a file at once, without waiting for the disk: after a power cut it may be torn.
pub(crate) fn put_file(storage: &dyn Storage, file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let unfinished = begin(storage, file)?;
    finish(storage, &unfinished, file, write(storage, &unfinished, bytes))
}

fn begin(storage: &dyn Storage, file: &Path) -> Result<PathBuf, RunError> {
    let unfinished = with_suffix(file, UNFINISHED);
    remove_tree(storage, &unfinished)?;
    Ok(unfinished)
}

fn finish(
    storage: &dyn Storage,
    unfinished: &Path,
    file: &Path,
    written: Result<(), RunError>,
) -> Result<(), RunError> {
    let done = written.and_then(|()| rename(storage, unfinished, file));
    if done.is_err() {
        // It may be the file that filled the disk.
        let _ = storage.remove_file(unfinished);
    }
    done
}

/// Writes a new file.
pub(crate) fn write(storage: &dyn Storage, file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    storage.write_new(file, bytes).map_err(RunError::writing(file, bytes.len()))
}

/// Creates the folders that are missing on the way to `folder`, each for good; returns them, the outermost first.
/// Another process may create the same ones at this moment.
pub(crate) fn create_folders(storage: &dyn Storage, folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    if folder.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let mut created = Vec::new();
    let mut result = storage.create_folder(folder);
    if is(&result, ErrorKind::NotFound) && folder.parent().is_some() {
        created = create_folders(storage, parent(folder))?;
        result = storage.create_folder(folder);
    }
    if is(&result, ErrorKind::AlreadyExists) {
        storage.list(folder).map_err(RunError::io("create", folder))?;
        return Ok(created);
    }
    result.map_err(RunError::io("create", folder))?;
    created.push(folder.to_owned());
    sync_folder(storage, parent(folder))?;
    Ok(created)
}

fn is(result: &io::Result<()>, kind: ErrorKind) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == kind)
}

/// Whether there is anything at `path`.
pub(crate) fn exists(storage: &dyn Storage, path: &Path) -> Result<bool, RunError> {
    Ok(storage.entry(path).map_err(RunError::io("read", path))?.is_some())
}

/// The names in a folder of a run, sorted; none where it is missing. A file in its place is refused, and so is a link:
/// what is written or removed through it would lie outside the run.
pub(crate) fn list(storage: &dyn Storage, folder: &Path) -> Result<Vec<OsString>, RunError> {
    let failed = RunError::io("read", folder);
    match storage.entry(folder) {
        Ok(None) => return Ok(Vec::new()),
        Ok(Some(entry)) if entry.kind == EntryKind::Link => {
            return Err(RunError::damaged(folder, "it is a symbolic link, expected a folder".to_owned()));
        }
        Ok(Some(entry)) if entry.kind != EntryKind::Folder => {
            return Err(RunError::damaged(folder, "it is a file, expected a folder".to_owned()));
        }
        Ok(Some(_)) => {}
        Err(error) => return Err(failed(error)),
    }
    let mut names = storage.list(folder).map_err(failed)?;
    names.sort();
    Ok(names)
}

/// The bytes of a file; `None` where it is missing.
pub(crate) fn read(storage: &dyn Storage, file: &Path, at_most: u64) -> Result<Option<Vec<u8>>, RunError> {
    match storage.read(file, at_most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RunError::io("read", file)(error)),
    }
}

/// Gives a file or folder another name.
pub(crate) fn rename(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), RunError> {
    storage.rename(from, to).map_err(RunError::io("rename", from))
}

/// Makes the names in a folder outlast a power cut.
pub(crate) fn sync_folder(storage: &dyn Storage, folder: &Path) -> Result<(), RunError> {
    storage.sync_folder(folder).map_err(RunError::io("sync", folder))
}

/// Removes a file if it is there.
pub(crate) fn remove_file(storage: &dyn Storage, file: &Path) -> Result<(), RunError> {
    match storage.remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(RunError::io("remove", file)),
    }
}

/// Removes a file, a link, or a folder with all that is in it, if it is there.
pub(crate) fn remove_tree(storage: &dyn Storage, path: &Path) -> Result<(), RunError> {
    let failed = RunError::io("remove", path);
    match storage.entry(path) {
        Ok(None) => Ok(()),
        Ok(Some(entry)) if entry.kind == EntryKind::Folder => {
            for name in list(storage, path)? {
                remove_tree(storage, &path.join(name))?;
            }
            storage.remove_folder(path).map_err(failed)
        }
        Ok(Some(_)) => remove_file(storage, path),
        Err(error) => Err(failed(error)),
    }
}

/// Gives a folder another name, for good. Where the file system cannot rename it, as one of the lower layer of an overlay, it
/// is copied: the copy has the name before anything of the original goes.
pub(crate) fn rename_folder(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), RunError> {
    let result = storage.rename(from, to);
    if !is(&result, ErrorKind::CrossesDevices) {
        return result.map_err(RunError::io("rename", from));
    }
    let unfinished = with_suffix(to, UNFINISHED);
    remove_tree(storage, &unfinished)?;
    copy(storage, from, &unfinished)?;
    rename(storage, &unfinished, to)?;
    sync_folder(storage, parent(to))?;
    remove_tree(storage, from)
}

/// Copies a file, or a folder with all that is in it, for good.
fn copy(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), RunError> {
    let entry = storage.entry(from).map_err(RunError::io("read", from))?;
    match entry.map(|entry| entry.kind) {
        Some(EntryKind::Folder) => {
            storage.create_folder(to).map_err(RunError::io("create", to))?;
            for name in list(storage, from)? {
                copy(storage, &from.join(&name), &to.join(&name))?;
            }
            sync_folder(storage, to)
        }
        _ => copy_file(storage, from, to),
    }
}

fn copy_file(storage: &dyn Storage, from: &Path, to: &Path) -> Result<(), RunError> {
    let mut reader = storage.reader(from).map_err(RunError::io("read", from))?;
    write(storage, to, b"")?;
    loop {
        let mut piece = Vec::new();
        (&mut reader).take(PIECE).read_to_end(&mut piece).map_err(RunError::io("read", from))?;
        if piece.is_empty() {
            return storage.sync_file(to).map_err(RunError::io("sync", to));
        }
        storage.append(to, &piece).map_err(RunError::writing(to, piece.len()))?;
    }
}

/// Removes folders of `parent` so that a power cut leaves none of them half empty: their names go first, for good. Where
/// the file system cannot rename one, it goes file by file.
pub(crate) fn retire(storage: &dyn Storage, parent: &Path, folders: &[PathBuf]) -> Result<(), RunError> {
    if folders.is_empty() {
        return Ok(());
    }
    let unwanted: Vec<PathBuf> = folders.iter().map(|folder| with_suffix(folder, UNFINISHED)).collect();
    for (folder, unwanted) in folders.iter().zip(&unwanted) {
        remove_tree(storage, unwanted)?;
        match storage.rename(folder, unwanted) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => remove_tree(storage, folder)?,
            result => result.map_err(RunError::io("rename", folder))?,
        }
    }
    sync_folder(storage, parent)?;
    unwanted.iter().try_for_each(|unwanted| remove_tree(storage, unwanted))
}

/// `path` with `suffix` behind it, and a number where that name is taken.
pub(crate) fn free_name(storage: &dyn Storage, path: &Path, suffix: &str) -> Result<PathBuf, RunError> {
    let mut name = with_suffix(path, suffix);
    let mut number = 2_u64;
    while exists(storage, &name)? {
        name = with_suffix(path, &format!("{suffix}-{number}"));
        number += 1;
    }
    Ok(name)
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or(OsStr::new("")).to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// The folder that `path` lies in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
