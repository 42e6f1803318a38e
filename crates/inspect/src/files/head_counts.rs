//! Who shares what: query heads, and the groups of them that share keys and values.

use crate::error::InspectError;

/// Numbers of heads of an attention layer.
///
/// Query head `h` meets the keys and values of head `h / (n_heads / n_kv_heads)`, so neighbours share them
/// ([Ainslie et al. 2023, section 2.2](https://arxiv.org/abs/2305.13245)).
///
/// ```
/// use qkv_inspect::Heads;
///
/// let heads = Heads { n_heads: 6, n_kv_heads: 2 };
/// assert_eq!((0..6).map(|h| heads.kv_head(h)).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1]);
/// assert_eq!(Heads::from(6), Heads { n_heads: 6, n_kv_heads: 6 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
}

impl From<usize> for Heads {
    /// As many heads of every kind.
    fn from(n_heads: usize) -> Self {
        Self { n_heads, n_kv_heads: n_heads }
    }
}

impl Heads {
    /// The key and value head that query head `head` meets.
    ///
    /// # Panics
    /// If there are more key and value heads than query heads, or none.
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads)
    }

    /// The same numbers, once they are known to make sense.
    ///
    /// # Errors
    /// If there are none, or groups of different sizes.
    pub fn check(self) -> Result<Self, InspectError> {
        let Self { n_heads, n_kv_heads } = self;
        if n_heads == 0 {
            return Err(InspectError::NoHeads);
        }
        if n_kv_heads == 0 || !n_heads.is_multiple_of(n_kv_heads) {
            return Err(InspectError::GroupsDoNotDivide { n_heads, n_kv_heads });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_the_same_size() {
        for (n_heads, n_kv_heads) in [(6, 4), (2, 6), (6, 0)] {
            let message = Heads { n_heads, n_kv_heads }.check().expect_err("uneven").to_string();
            let numbers = format!("n_heads = {n_heads} and n_kv_heads = {n_kv_heads}");
            assert!(message.contains(&numbers), "{message}");
        }
        assert!(matches!(Heads::from(0).check(), Err(InspectError::NoHeads)));
        assert!(Heads { n_heads: 6, n_kv_heads: 1 }.check().is_ok());
    }
}
