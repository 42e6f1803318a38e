//! Damaged and hostile bytes for every reader: 10,000 mutations of its seeds each. The targets of `tests/fuzz` look for
//! more such bytes with the same readers; what they find becomes a seed.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// The committed seeds.
mod corpus;
/// Files in memory.
mod memory;
/// Damage, the same in every run.
mod mutations;
/// The readers without a model, and what must hold for any bytes.
mod readers;
/// What the seeds have to be.
mod seeds;
/// Another header for a file with tensors.
mod tensor_file;
/// The readers with a model.
mod trained;

use std::fs;
use std::path::Path;

/// Where the committed seeds lie.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");

/// Every reader.
const READERS: [&str; 8] =
    ["config", "description", "frame", "log", "manifest", "optimizer", "registry", "weights"];

/// Mutations for each reader.
const CASES: u64 = 10_000;

/// Reads mutations of the seeds.
#[track_caller]
fn check(reader: &str, read: fn(&[u8])) {
    let seeds = corpus::of(reader);
    seeds.iter().for_each(|(_, seed)| read(seed));
    for index in 0..CASES {
        let bytes = mutations::case(&seeds, index);
        // The harness shows this where the case fails.
        println!("case {index}: {}", bytes.escape_ascii());
        read(&bytes);
    }
}

#[test]
fn no_bytes_of_a_config_panic_and_what_is_written_is_read() {
    check("config", trained::config);
}

#[test]
fn no_bytes_of_a_description_panic() {
    check("description", readers::description);
}

#[test]
fn no_bytes_of_a_description_change_what_its_run_is_read_as() {
    check("registry", trained::registry);
}

#[test]
fn no_bytes_of_a_manifest_panic_and_each_of_them_has_a_meaning() {
    check("manifest", readers::manifest);
}

#[test]
fn no_bytes_of_weights_panic_and_what_is_trained_can_be_inspected() {
    check("weights", trained::weights);
}

#[test]
fn no_bytes_of_moments_panic_and_none_is_missing() {
    check("optimizer", trained::optimizer);
}

#[test]
fn no_bytes_of_a_log_panic() {
    check("log", readers::log);
}

#[test]
fn no_bytes_of_a_frame_panic_and_a_film_goes_on_without_it() {
    check("frame", readers::frame);
}

#[test]
fn a_flipped_bit_of_a_sealed_frame_is_found_wherever_it_is() {
    let whole = seeds::sealed_frame();
    assert!(!readers::finds_damage_in_frame(&whole));
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(readers::finds_damage_in_frame(&flipped), "bit {bit}");
    }
}

#[test]
fn no_mutation_of_a_file_under_a_manifest_is_accepted() {
    for (name, reader) in [
        ("config.json", "description"),
        ("model.safetensors", "weights"),
        ("optimizer.safetensors", "optimizer"),
        ("MANIFEST.json", "manifest"),
    ] {
        let (seeds, whole) = (corpus::of(reader), readers::files());
        assert!(readers::reads(&whole), "the seeds are a whole checkpoint");
        for index in 0..CASES {
            let mut files = whole.clone();
            let file = files.iter_mut().find(|(file, _)| file.ends_with(name)).unwrap();
            let bytes = mutations::case(&seeds, index);
            if file.1 != bytes {
                file.1 = bytes;
                assert!(!readers::reads(&files), "{name}, case {index}");
            }
        }
    }
}

/// With `QKV_WRITE_SEEDS` set, the seeds are written.
#[test]
fn the_corpus_has_the_valid_files_of_every_reader() {
    let writes = std::env::var_os("QKV_WRITE_SEEDS").is_some();
    for reader in READERS {
        for (name, bytes) in seeds::of(reader) {
            let file = Path::new(SEEDS).join(reader).join(name);
            if writes {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, &bytes).unwrap();
            }
            let is_same = fs::read(&file).is_ok_and(|committed| committed == bytes);
            assert!(is_same, "{} is not what is written today: set QKV_WRITE_SEEDS=1", file.display());
        }
    }
}

#[test]
fn every_reader_is_fuzzed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let package = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let run = fs::read_to_string(fuzz.join("run")).unwrap();
    for reader in READERS {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{reader}.rs"))).unwrap();
        assert!(target.contains(&format!("::{reader}(bytes)")), "{reader}");
        assert!(package.contains(&format!("path = \"fuzz_targets/{reader}.rs\"")), "{reader}");
        assert!(run.split(|c: char| !c.is_ascii_lowercase()).any(|word| word == reader), "{reader}");
    }
    assert_eq!(fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count(), READERS.len());
}
