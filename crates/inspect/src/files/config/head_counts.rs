//! Numbers of query heads, and of the keys and values that groups of them share.

use crate::error::InspectError;
use crate::files::config::CheckpointConfig;
use crate::files::weights::Weights;

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
    /// If a count is zero, or the groups have different sizes.
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

    /// Key and value heads as wide as `n_heads` query heads of a `w_q` and `w_k` with so many columns; as many as query
    /// heads where there is no such number.
    fn of_widths(n_heads: usize, [w_q, w_k]: [usize; 2]) -> Self {
        let columns = n_heads.checked_mul(w_k);
        let count =
            columns.and_then(|columns| Some(columns.checked_div(w_q)?).filter(|n| n * w_q == columns));
        let n_kv_heads = count.filter(|&count| count > 0 && n_heads.is_multiple_of(count)).unwrap_or(n_heads);
        Self { n_heads, n_kv_heads }
    }

    /// What does not divide is refused where it is split, under the name of its matrix.
    fn check_widths(self, layer: &str, [w_q, w_k]: [usize; 2]) -> Result<(), InspectError> {
        let Self { n_heads, n_kv_heads } = self;
        let are_split = w_q.is_multiple_of(n_heads) && w_k.is_multiple_of(n_kv_heads);
        match are_split && w_q / n_heads != w_k / n_kv_heads {
            true => {
                Err(InspectError::HeadWidthsDiffer { layer: layer.to_owned(), w_q, w_k, n_heads, n_kv_heads })
            }
            false => Ok(()),
        }
    }
}

impl CheckpointConfig {
    /// The heads of a file's matrices when the query heads are `n_heads`. Key and value heads are `n_kv_heads`, else
    /// those of the config, else they follow from the widths: a dot product needs queries as wide as keys, so W_K has
    /// as many heads as it has times the `d_k` of W_Q. A score that is known to be no dot product has as many as query
    /// heads.
    ///
    /// # Errors
    /// If there are no heads, groups of different sizes, or queries of another width than keys under a dot product.
    pub fn heads_of(
        &self,
        weights: &Weights,
        n_heads: usize,
        n_kv_heads: Option<usize>,
    ) -> Result<Heads, InspectError> {
        let is_dot = self.score.as_deref().map(|score| ["dot", "scaled-dot"].contains(&score));
        let known = n_kv_heads.or(self.n_kv_heads);
        let n_kv_heads = match (known, widths(weights).next()) {
            (Some(known), _) => known,
            (None, Some((_, widths))) if is_dot != Some(false) => {
                Heads::of_widths(n_heads, widths).n_kv_heads
            }
            _ => n_heads,
        };
        let heads = Heads { n_heads, n_kv_heads }.check()?;
        if is_dot == Some(true) || (is_dot.is_none() && known.is_none()) {
            widths(weights).try_for_each(|(layer, widths)| heads.check_widths(layer, widths))?;
        }
        Ok(heads)
    }
}

/// Columns of W_Q and W_K of every layer that has both.
fn widths(weights: &Weights) -> impl Iterator<Item = (&str, [usize; 2])> {
    weights.names().filter_map(|name| {
        let prefix = name.strip_suffix("w_q").filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))?;
        let columns = |name: &str| match weights.shape(name) {
            Some(&[_, columns]) => Some(columns),
            _ => None,
        };
        let widths = [columns(name)?, columns(&format!("{prefix}w_k"))?];
        Some((prefix.trim_end_matches('.'), widths))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::weights;

    /// Key and value heads, or the message.
    fn found(
        model: &CheckpointConfig,
        [w_q, w_k]: [usize; 2],
        n_heads: usize,
        given: Option<usize>,
    ) -> String {
        let file = weights(&[("a.w_q", &[1, w_q], vec![0.0; w_q]), ("a.w_k", &[1, w_k], vec![0.0; w_k])]);
        match model.heads_of(&file, n_heads, given) {
            Ok(heads) => heads.n_kv_heads.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn key_heads_are_given_or_known_or_follow_from_the_widths() {
        let unknown = CheckpointConfig::default();
        let score =
            |score: &str| CheckpointConfig { score: Some(score.to_owned()), ..CheckpointConfig::default() };
        let grouped = CheckpointConfig { n_kv_heads: Some(2), ..score("scaled-dot") };
        assert_eq!(found(&grouped, [32, 16], 4, None), "2");
        assert_eq!(found(&unknown, [32, 16], 4, None), "2");
        assert_eq!(found(&unknown, [32, 32], 4, None), "4");
        assert_eq!(found(&score("dot"), [32, 8], 4, None), "1");
        assert_eq!(found(&score("additive"), [32, 16], 4, None), "4");
        assert_eq!(found(&unknown, [32, 12], 4, Some(2)), "2");
        let refused = "a: w_q has 32 columns, 8 for each of n_heads = 4, w_k has 12, 3 for each of n_kv_heads = 4; a dot \
                       product needs equal widths: give the model's own numbers of heads";
        assert_eq!(found(&unknown, [32, 12], 4, None), refused);
        let refused = found(&grouped, [32, 8], 4, None);
        assert!(refused.contains("w_k has 8, 4 for each of n_kv_heads = 2"), "{refused}");
        let refused = found(&grouped, [30, 10], 3, None);
        assert!(refused.starts_with("n_heads = 3 and n_kv_heads = 2 do not fit"), "{refused}");
        assert_eq!(found(&unknown, [0, 4], 3, None), "3");
        assert!(found(&unknown, [4, 4], 0, None).contains("got 0"));
        assert_eq!(found(&unknown, [4, 4], usize::MAX, None), usize::MAX.to_string());
    }

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
