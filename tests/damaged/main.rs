//! Damaged and hostile bytes for every reader: 10,000 mutations of valid files each.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

/// Files in memory.
mod memory;
/// Damage, the same in every run.
mod mutations;
/// Every reader, and what must hold for any bytes.
mod readers;
/// Valid files.
mod seeds;

/// Mutations for each reader.
const CASES: u64 = 10_000;

/// Reads mutations of the seeds.
#[track_caller]
fn check(name: &str) {
    let (_, read) = readers::ALL.into_iter().find(|(reader, _)| *reader == name).unwrap();
    let seeds = seeds::of(name);
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
    check("config");
}

#[test]
fn no_bytes_of_a_description_panic() {
    check("description");
}

#[test]
fn no_bytes_of_a_manifest_panic_and_each_of_them_has_a_meaning() {
    check("manifest");
}

#[test]
fn no_bytes_of_weights_panic_and_what_is_trained_can_be_inspected() {
    check("weights");
}

#[test]
fn no_bytes_of_moments_panic_and_none_is_missing() {
    check("optimizer");
}

#[test]
fn no_bytes_of_a_log_panic() {
    check("log");
}

#[test]
fn no_bytes_of_a_frame_panic_and_a_film_goes_on_without_it() {
    check("frame");
}

#[test]
fn no_mutation_of_a_file_under_a_manifest_is_accepted() {
    for (name, reader) in [
        ("config.json", "description"),
        ("model.safetensors", "weights"),
        ("optimizer.safetensors", "optimizer"),
        ("MANIFEST.json", "manifest"),
    ] {
        let (seeds, whole) = (seeds::of(reader), readers::files());
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
