//! Damage, the same in every run.

use std::ops::Range;

use qkv_model::random::{Purpose, Rng, stream};
use rand::RngExt;

use crate::tensor_file;

/// Numbers at which readers stumble.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "9",
    "1.5",
    "1e999",
    "NaN",
    "4294967296",
    "1152921504606846976",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999999",
];

/// Texts at which readers stumble.
const TEXTS: [&str; 14] =
    ["\"", "\\", "{", "}", "[", "]", "null", "[[[[[[[[", "{\"a\":{\"a\":", "\0", "\n", "\u{7f}", ",", "../"];

/// One to four mutations of one of the seeds, by the index of the case; of a file with tensors, about half of them
/// leave the header as long as the file states.
pub fn case(seeds: &[(String, Vec<u8>)], index: u64) -> Vec<u8> {
    let mut random = stream(13, Purpose::Examples, "damage", index);
    let seed = |random: &mut Rng| seeds[random.random_range(0..seeds.len())].1.clone();
    let mut bytes = seed(&mut random);
    for _ in 0..random.random_range(1..=4) {
        let other = seed(&mut random);
        let in_header: bool = random.random();
        let change = |header: &mut Vec<u8>| mutate(header, &other, &mut random);
        let file = in_header.then(|| tensor_file::with_header(&bytes, change)).flatten();
        match file {
            Some(file) => bytes = file,
            None => mutate(&mut bytes, &other, &mut random),
        }
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let at = random.random_range(0..=bytes.len());
    match random.random_range(0..10) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        2 if at < bytes.len() => bytes[at] = random.random(),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(range(bytes.len(), random))),
        5 => {
            let part = bytes[range(bytes.len(), random)].to_vec();
            drop(bytes.splice(at..at, part));
        }
        6 => {
            let part = other[range(other.len(), random)].to_vec();
            drop(bytes.splice(range(bytes.len(), random), part));
        }
        7 => {
            let text = TEXTS[random.random_range(0..TEXTS.len())];
            drop(bytes.splice(at..at, text.bytes()));
        }
        8 if bytes.len() >= 8 => {
            let claims = [0, 1, 7, 100_000_000, 1 << 60, u64::MAX];
            let claim: u64 = claims[random.random_range(0..claims.len())];
            bytes[..8].copy_from_slice(&claim.to_le_bytes());
        }
        _ => replace_number(bytes, at, random),
    }
}

/// Replaces the first digits at or after `at`.
fn replace_number(bytes: &mut Vec<u8>, at: usize, random: &mut Rng) {
    let Some(start) = (at..bytes.len()).find(|&i| bytes[i].is_ascii_digit()) else { return };
    let end = (start..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
    let number = NUMBERS[random.random_range(0..NUMBERS.len())];
    drop(bytes.splice(start..end, number.bytes()));
}

/// At most forty bytes somewhere.
fn range(length: usize, random: &mut Rng) -> Range<usize> {
    let start = random.random_range(0..=length);
    start..(start + random.random_range(0..=40)).min(length)
}
