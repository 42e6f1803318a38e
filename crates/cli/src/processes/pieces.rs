//! Buffers of any length in pieces that fit into a call of MPI, which counts in 32 bits, and put together again.

use std::ops::Range;

/// Where a piece lies in every buffer, as far as that is long enough.
pub type Piece = Range<usize>;

/// Pieces of at most `at_once` bytes, up to the longest of these lengths.
pub fn pieces(lengths: &[u64], at_once: usize) -> impl Iterator<Item = Piece> + use<> {
    let longest = lengths.iter().max().map_or(0, |&n| n as usize);
    (0..longest).step_by(at_once).map(move |start| start..(start + at_once).min(longest))
}

/// The bytes of a buffer that lie in a piece.
pub fn within<'a>(bytes: &'a [u8], piece: &Piece) -> &'a [u8] {
    &bytes[piece.start.min(bytes.len())..piece.end.min(bytes.len())]
}

/// How many bytes of buffers of these lengths lie in a piece.
pub fn counts(lengths: &[u64], piece: &Piece) -> Vec<i32> {
    let end = |n: u64, at: usize| at.min(n as usize);
    lengths.iter().map(|&n| (end(n, piece.end) - end(n, piece.start)) as i32).collect()
}

/// All bytes of a call.
pub fn sum(counts: &[i32]) -> usize {
    counts.iter().map(|&count| count as usize).sum()
}

/// Where the bytes of each begin that lie one behind the other.
pub fn starts(counts: &[i32]) -> Vec<i32> {
    let mut next = 0;
    let starts = counts.iter().map(|count| {
        let start = next;
        next += count;
        start
    });
    starts.collect()
}

/// Appends the bytes of a call to the buffers that they belong to.
pub fn hand_out(mut received: &[u8], counts: &[i32], to: &mut [Vec<u8>]) {
    for (&count, to) in counts.iter().zip(to) {
        let (of_this, rest) = received.split_at(count as usize);
        to.extend_from_slice(of_this);
        received = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_of_any_length_pass_through_calls_of_three_bytes_each() {
        let sent: [&[u8]; 3] = [b"", b"a", b"bcdefgh"];
        let lengths = sent.map(|bytes| bytes.len() as u64);
        assert_eq!(pieces(&lengths, 3).collect::<Vec<_>>(), [0..3, 3..6, 6..7]);
        let mut received: [Vec<u8>; 3] = Default::default();
        let mut calls = Vec::new();
        for piece in pieces(&lengths, 3) {
            let counts = counts(&lengths, &piece);
            let bytes = sent.map(|bytes| within(bytes, &piece)).concat();
            assert_eq!(bytes.len(), sum(&counts));
            hand_out(&bytes, &counts, &mut received);
            calls.push((starts(&counts), counts));
        }
        assert_eq!(received, sent);
        let expected = [([0, 0, 1], [0, 1, 3]), ([0, 0, 0], [0, 0, 3]), ([0, 0, 0], [0, 0, 1])];
        assert_eq!(calls, expected.map(|(starts, counts)| (starts.to_vec(), counts.to_vec())));
    }

    #[test]
    fn empty_buffers_need_no_call() {
        assert_eq!(pieces(&[0, 0], 3).count() + pieces(&[], 3).count(), 0);
    }
}
