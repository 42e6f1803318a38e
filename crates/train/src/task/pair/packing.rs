//! A pair in one sequence: the source, its padding, and the answer behind it.

/// Stands where a pair is shorter than the longest.
pub(super) const PADDING: u32 = 0;

/// Stands before an answer.
pub(super) const BEGIN: u32 = 1;

/// Ends an answer.
pub(super) const END: u32 = 2;

/// The labels of these three, one column wide; symbols have the tokens after them.
pub(super) const SIGNS: [char; 3] = ['□', '⊢', '⊣'];

/// The first token of a symbol.
pub(super) const FIRST: u32 = SIGNS.len() as u32;

/// Where the source and the answer lie.
///
/// ```text
/// position   0  1  2  3 | 4  5  6  7  8        source_len 4, target_len 5
/// input      z  w  ö  □ | ⊢  1  2  □  □        □ padding, ⊢ begins the answer
/// target     ·  ·  ·  · | 1  2  ⊣  ·  ·        ⊣ ends it; padding carries no loss
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    /// Symbols of the longest source.
    pub source_len: usize,
    /// Symbols of the longest answer, and one position more, for the sign that begins it.
    pub target_len: usize,
}

impl Packing {
    /// For sources and answers of at most so many symbols.
    pub fn of_longest(source: usize, answer: usize) -> Self {
        Self { source_len: source, target_len: answer + 1 }
    }

    pub fn seq_len(self) -> usize {
        self.source_len + self.target_len
    }

    /// The input of a pair, neither side of which is longer than the longest.
    pub fn pack(self, source: &[u32], answer: &[u32]) -> Vec<u32> {
        let mut tokens = vec![PADDING; self.seq_len()];
        tokens[..source.len()].copy_from_slice(source);
        tokens[self.source_len] = BEGIN;
        tokens[self.source_len + 1..][..answer.len()].copy_from_slice(answer);
        tokens
    }

    /// The next token of the answer at each of its positions, and the end at the last.
    pub fn targets(self, tokens: &[u32]) -> Vec<Option<u32>> {
        let answer = &tokens[self.source_len..];
        let next = |at: usize| answer.get(at + 1).copied().filter(|&token| token != PADDING).unwrap_or(END);
        let of_answer = answer.iter().enumerate().map(|(at, &token)| (token != PADDING).then(|| next(at)));
        std::iter::repeat_n(None, self.source_len).chain(of_answer).collect()
    }

    /// Where the answer stands, with its padding: what tells answers apart.
    pub fn answer(self, tokens: &[u32]) -> &[u32] {
        &tokens[self.source_len + 1..]
    }

    /// Tokens before the one that ends an answer.
    pub fn as_far_as_end(self, tokens: &[u32]) -> &[u32] {
        tokens.split(|&token| token == END).next().unwrap_or_default()
    }

    /// The names of the positions of an answer.
    pub fn slices(self) -> Vec<String> {
        (0..self.target_len).map(|position| position.to_string()).collect()
    }

    /// The index of the slice of a position; `None` in the source.
    pub fn slice(self, position: usize) -> Option<usize> {
        position.checked_sub(self.source_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKING: Packing = Packing { source_len: 3, target_len: 5 };

    #[test]
    fn an_answer_stands_behind_the_padded_source_and_only_it_carries_loss() {
        let tokens = PACKING.pack(&[7, 8], &[9, 3]);
        assert_eq!(tokens, [7, 8, PADDING, BEGIN, 9, 3, PADDING, PADDING]);
        assert_eq!(PACKING.targets(&tokens), [None, None, None, Some(9), Some(3), Some(END), None, None]);
        assert_eq!(PACKING.answer(&tokens), [9, 3, PADDING, PADDING]);
    }

    #[test]
    fn the_longest_pair_fills_every_position_and_still_ends() {
        let tokens = PACKING.pack(&[7, 8, 9], &[3, 4, 5, 6]);
        assert!(!tokens.contains(&PADDING));
        let last = PACKING.targets(&tokens).pop().flatten();
        assert_eq!((tokens.len(), last), (8, Some(END)));
        assert_eq!(Packing::of_longest(3, 4), PACKING);
    }

    #[test]
    fn slices_are_the_positions_of_the_answer() {
        assert_eq!(PACKING.slices(), ["0", "1", "2", "3", "4"]);
        let found: Vec<Option<usize>> = (0..8).map(|position| PACKING.slice(position)).collect();
        assert_eq!(found, [None, None, None, Some(0), Some(1), Some(2), Some(3), Some(4)]);
    }
}
