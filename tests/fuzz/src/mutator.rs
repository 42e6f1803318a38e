//! How libFuzzer changes a file with tensors.

use libfuzzer_sys::fuzzer_mutate;

use crate::tensor_file;

/// Changes `data[..size]` in place and returns its new size. Every second time it is the header alone that changes, and
/// the number in front of it is mended: otherwise hardly an input would get past that number.
pub fn tensors(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let header_only = |header: &mut Vec<u8>| {
        let length = header.len();
        let room = (max_size + length).saturating_sub(size).max(1);
        header.resize(room.max(length), 0);
        let length = fuzzer_mutate(header, length, room);
        header.truncate(length);
    };
    let file = seed.is_multiple_of(2).then(|| tensor_file::with_header(&data[..size], header_only)).flatten();
    match file.filter(|file| file.len() <= max_size) {
        Some(file) => {
            data[..file.len()].copy_from_slice(&file);
            file.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
}
