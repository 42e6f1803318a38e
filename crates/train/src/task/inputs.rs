//! Numbered inputs, so that a model can be evaluated on all of them.

/// All different inputs of a task, numbered from 0.
pub struct Inputs<'a> {
    /// How many there are; `None` where it overflows.
    pub count: Option<u64>,
    nth: Box<dyn Fn(u64) -> Vec<u32> + 'a>,
}

impl<'a> Inputs<'a> {
    /// `nth` gives the input of a number below `count`.
    pub fn new(count: Option<u64>, nth: impl Fn(u64) -> Vec<u32> + 'a) -> Self {
        Self { count, nth: Box::new(nth) }
    }

    /// What `input` makes of each string of `len` symbols below `n_symbols`; the digits of its number are the string.
    pub(super) fn of_strings(
        len: usize,
        n_symbols: usize,
        input: impl Fn(Vec<u32>) -> Vec<u32> + 'a,
    ) -> Self {
        let base = n_symbols as u64;
        let count = u32::try_from(len).ok().and_then(|len| base.checked_pow(len));
        Self::new(count, move |mut index| {
            let mut string = vec![0; len];
            for symbol in string.iter_mut().rev() {
                *symbol = (index % base) as u32;
                index /= base;
            }
            input(string)
        })
    }

    /// Input number `index`, below [`count`](Self::count).
    pub fn nth(&self, index: u64) -> Vec<u32> {
        (self.nth)(index)
    }
}
