//! Every bit, every length and every name of a checkpoint's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use qkv_run::{Checkpoint, RunError, RunFolder, Storage};

use crate::support::life::{RUN, contents, first_start, lived, resume};
use crate::support::simulated::Simulated;

const FILES: [&str; 4] = ["MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors"];

/// A disk with a run, and two of its checkpoints.
fn run() -> (Simulated, [Checkpoint; 2]) {
    let (disk, _) = lived(&[first_start, resume]);
    let run = RunFolder::open_on(Arc::new(disk.clone()), Path::new(RUN)).unwrap();
    let checkpoints = [10, 15].map(|step| run.at(step).unwrap());
    (disk, checkpoints)
}

fn bytes(disk: &Simulated, file: &Path) -> Vec<u8> {
    disk.read(file, u64::MAX).unwrap()
}

/// The file that is named as damaged.
#[track_caller]
fn refused(checkpoint: &Checkpoint, what: &str) -> PathBuf {
    match checkpoint.read() {
        Err(RunError::Damaged { file, .. } | RunError::UnknownFormat { file, .. }) => file,
        Err(error) => panic!("{what}: {error}"),
        Ok(_) => panic!("{what}: accepted"),
    }
}

#[test]
fn a_flipped_bit_is_refused_wherever_it_is() {
    let (disk, [checkpoint, _]) = run();
    for name in FILES {
        let file = checkpoint.folder.join(name);
        let whole = bytes(&disk, &file);
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            disk.put(&file, &flipped);
            assert_eq!(refused(&checkpoint, &format!("bit {bit} of {name}")), file, "bit {bit}");
        }
        disk.put(&file, &whole);
    }
    assert!(checkpoint.read().unwrap() == contents(1, 10));
}

#[test]
fn every_other_length_is_refused() {
    let (disk, [checkpoint, _]) = run();
    for name in FILES {
        let file = checkpoint.folder.join(name);
        let whole = bytes(&disk, &file);
        for length in 0..whole.len() {
            disk.put(&file, &whole[..length]);
            assert_eq!(refused(&checkpoint, &format!("{length} bytes of {name}")), file, "{length}");
        }
        for more in 1..64 {
            for byte in [0, b' ', b'\n', b'}'] {
                let longer = [&whole[..], &vec![byte; more]].concat();
                disk.put(&file, &longer);
                assert_eq!(refused(&checkpoint, &format!("{more} bytes more of {name}")), file, "{more}");
            }
        }
        disk.put(&file, &whole);
    }
}

#[test]
fn a_missing_file_is_refused() {
    for name in FILES {
        let (disk, [checkpoint, _]) = run();
        let file = checkpoint.folder.join(name);
        disk.remove_file(&file).unwrap();
        assert_eq!(refused(&checkpoint, &format!("no {name}")), file);
    }
}

#[test]
fn a_surplus_file_is_refused_but_for_hidden_ones() {
    let (disk, [checkpoint, _]) = run();
    disk.write_new(&checkpoint.folder.join(".DS_Store"), b"").unwrap();
    assert!(checkpoint.read().is_ok());
    let file = checkpoint.folder.join("model.bin");
    disk.write_new(&file, b"").unwrap();
    assert_eq!(refused(&checkpoint, "one file more"), file);
}

#[test]
fn files_of_another_valid_checkpoint_are_refused_in_every_combination() {
    let (disk, [checkpoint, other]) = run();
    for combination in 1..1_usize << FILES.len() {
        let swapped: Vec<&str> = (0..FILES.len())
            .filter(|index| combination >> index & 1 == 1)
            .map(|index| FILES[index])
            .collect();
        let before: Vec<Vec<u8>> =
            swapped.iter().map(|name| bytes(&disk, &checkpoint.folder.join(name))).collect();
        for name in &swapped {
            disk.put(&checkpoint.folder.join(name), &bytes(&disk, &other.folder.join(name)));
        }
        let file = refused(&checkpoint, &format!("{swapped:?}"));
        assert!(FILES.iter().any(|name| file.ends_with(name)), "{file:?}");
        for (name, before) in swapped.iter().zip(before) {
            disk.put(&checkpoint.folder.join(name), &before);
        }
    }
    assert!(checkpoint.read().is_ok());
}

#[test]
#[cfg(unix)]
fn a_link_is_damage_and_a_folder_in_place_of_a_file_is_an_error() {
    use qkv_run::Existing;
    use std::fs;
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&folder.path().join("run"), "", Existing::Keep).unwrap();
    for name in FILES {
        let checkpoint = run.write_checkpoint(3, &contents(1, 3)).unwrap();
        let (file, elsewhere) = (checkpoint.folder.join(name), folder.path().join(name));
        fs::rename(&file, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert_eq!(refused(&checkpoint, "a link"), file);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(matches!(checkpoint.read(), Err(RunError::Io { action: "read", path, .. }) if path == file));
    }
    let checkpoint = run.write_checkpoint(4, &contents(1, 4)).unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&checkpoint.folder, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &checkpoint.folder).unwrap();
    assert_eq!(refused(&checkpoint, "a link to a folder"), checkpoint.folder);
}
