//! How strongly a head shows each attention pattern that has a name, in one number each.

use qkv_run::ProbeLabels;

use crate::files::frames::snapshot::AttentionMap;

/// Shares of attention between 0 and 1, each the mean over the queries for which there is something to find; `None`
/// where there is no such query. A query that sees nothing is left out, and one whose weights are no shares of one:
/// negative, NaN, or with a larger sum. With weights `a_ij`, tokens `t_i` and `n` positions:
///
/// | score | per query `i` | queries |
/// |---|---|---|
/// | previous token | `a_i,i-1` | `i ≥ 1` |
/// | first token | `a_i,0` | `i ≥ 1` |
/// | same token | `Σ a_ij` over `j ≠ i` with `t_j = t_i` | that have such a key |
/// | induction | `Σ a_ij` over `1 ≤ j < i` with `t_j-1 = t_i` | that have such a key |
/// | anti-diagonal | `a_i,n-1-i` | all |
///
/// A map that is zero above its diagonal is taken as causal, and only earlier keys count as such keys.
///
/// Previous-token heads and induction heads:
/// [Elhage et al. 2021](https://transformer-circuits.pub/2021/framework/index.html); the induction score is the
/// prefix-matching score of
/// [Olsson et al. 2022](https://transformer-circuits.pub/2022/in-context-learning-and-induction-heads/index.html),
/// which they take on repeated random tokens. First token:
/// [Vig & Belinkov 2019, section 4](https://arxiv.org/abs/1906.04284), the "sink" of
/// [Xiao et al. 2024](https://arxiv.org/abs/2309.17453). Same token: the duplicate-token heads of
/// [Wang et al. 2023](https://arxiv.org/abs/2211.00593). The anti-diagonal is what reversing a sequence takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeadScores {
    /// Looks at the position before.
    pub previous_token: Option<f64>,
    /// Looks at the first position.
    pub first_token: Option<f64>,
    /// Looks at other positions that hold the query's own token.
    pub same_token: Option<f64>,
    /// Looks at what followed the query's own token earlier.
    pub induction: Option<f64>,
    /// Looks at the mirror image of its position.
    pub anti_diagonal: Option<f64>,
}

impl HeadScores {
    /// What a head looks at, in words, with its score.
    pub fn named(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("the position before", self.previous_token),
            ("the first position", self.first_token),
            ("other positions with the same token", self.same_token),
            ("what followed the same token earlier", self.induction),
            ("the mirror image of the position", self.anti_diagonal),
        ]
    }
}

impl AttentionMap {
    /// The scores of a head on one sequence, by the tokens of the whole input. They are all `None` for a map between two
    /// different sequences, and those that need tokens where there is not one a position.
    ///
    /// ```
    /// use qkv_inspect::{AttentionMap, Matrix};
    ///
    /// let tokens = ["a", "b", "a"].map(str::to_owned);
    /// let weights = Matrix::new(3, 3, vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.25, 0.75, 0.0])?;
    /// let scores = AttentionMap::new("0", 0, weights).scores(&tokens);
    /// assert_eq!(scores.previous_token, Some(0.875));
    /// assert_eq!((scores.same_token, scores.induction), (Some(0.25), Some(0.75)));
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    pub fn scores(&self, tokens: &[String]) -> HeadScores {
        let n = self.weights.rows();
        if !self.is_of_one_sequence() {
            return HeadScores::default();
        }
        let tokens = self.query_labels(tokens).unwrap_or_default();
        let causal = (0..n).all(|i| self.weights.row(i)[i + 1..].iter().all(|&weight| weight == 0.0));
        let same = |i: usize, j: usize| j != i && (!causal || j < i) && tokens[j] == tokens[i];
        let follows = |i: usize, j: usize| 1 <= j && j < i && tokens[j - 1] == tokens[i];
        let labelled = tokens.len() == n;
        HeadScores {
            previous_token: self.share(|i, j| j + 1 == i),
            first_token: self.share(|i, j| i > 0 && j == 0),
            same_token: labelled.then(|| self.share(same)).flatten(),
            induction: labelled.then(|| self.share(follows)).flatten(),
            anti_diagonal: self.share(|i, j| i + j + 1 == n),
        }
    }

    /// Every pattern in words, with the share of attention: those of [`scores`](Self::scores),
    /// [`asked_for`](Self::asked_for) and [`copied`](Self::copied).
    pub(crate) fn patterns(&self, labels: &ProbeLabels) -> [(&'static str, Option<f64>); 7] {
        let [a, b, c, d, e] = self.scores(&labels.tokens).named();
        let asked_for = ("what the question asks for", self.asked_for(labels));
        [a, b, c, d, e, asked_for, ("the token of the source that it is to write", self.copied(labels))]
    }

    /// The mean attention of an answer to the tokens of its source that are to be written next, over the queries for
    /// which the source has such a token: what copying takes. `None` for a map of one sequence.
    pub fn copied(&self, labels: &ProbeLabels) -> Option<f64> {
        let (targets, tokens) = (self.query_labels(&labels.targets)?, self.key_labels(&labels.tokens)?);
        let is_between_two = self.positions.is_some() && !self.is_of_one_sequence();
        is_between_two
            .then(|| self.share(|query, key| tokens[key] == targets[query] && !targets[query].is_empty()))?
    }

    /// The mean attention to what a question asks for, over the questions: a token in capitals that stands where an
    /// answer is asked for asks for the same one in small letters, and its answer shares the position of that or follows
    /// it, as `recall` has them. `None` where there is no such question, or an answer is asked for elsewhere too: a capital
    /// in a text is no question.
    ///
    /// ```text
    /// tokens   a7  b2  A·        tokens   a  7  b  2  A
    /// answer            7        answer               7
    /// wanted   ^                 wanted      ^
    /// ```
    pub fn asked_for(&self, labels: &ProbeLabels) -> Option<f64> {
        let ProbeLabels { tokens, targets, .. } = labels;
        let lengths = [tokens.len(), targets.len(), self.weights.columns()];
        if self.positions.is_some() || lengths != [self.weights.rows(); 3] {
            return None;
        }
        let key = |query: usize| {
            let question = tokens[query].trim_end_matches('·');
            let key = question.to_lowercase();
            (!targets[query].is_empty() && key != question).then_some(key)
        };
        let keys: Vec<Option<String>> = (0..tokens.len()).map(key).collect();
        if targets.iter().zip(&keys).any(|(target, key)| !target.is_empty() && key.is_none()) {
            return None;
        }
        self.share(|query, at| {
            let Some(key) = &keys[query] else { return false };
            let answer = &targets[query];
            let is_beside = tokens[at].strip_prefix(key.as_str()) == Some(answer);
            let is_behind = at > 0 && tokens[at - 1] == *key && tokens[at] == *answer;
            is_beside || is_behind
        })
    }

    /// The mean attention to the keys that are `wanted`, over the queries that have one.
    fn share(&self, wanted: impl Fn(usize, usize) -> bool) -> Option<f64> {
        let shares: Vec<f64> = self
            .sharing_queries()
            .filter_map(|i| {
                let row = self.weights.row(i).iter().enumerate();
                let found: Vec<f64> = row.filter(|&(j, _)| wanted(i, j)).map(|(_, &weight)| weight).collect();
                (!found.is_empty()).then(|| found.iter().sum())
            })
            .collect();
        // The rounding of f32 weights may carry a sum past one.
        (!shares.is_empty()).then(|| (shares.iter().sum::<f64>() / shares.len() as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use qkv_run::MapPositions;

    use super::*;
    use crate::error::InspectError;
    use crate::matrix::dense::Matrix;

    /// A map in which query `i` looks at key `targets[i]` alone; at none where there is no such key.
    fn looking_at(targets: &[usize], tokens: &str) -> HeadScores {
        let n = targets.len();
        let values = targets.iter().flat_map(|&t| (0..n).map(move |j| f64::from(u8::from(j == t)))).collect();
        let weights = Matrix::new(n, n, values).expect("square");
        let tokens: Vec<String> = tokens.chars().map(String::from).collect();
        AttentionMap::new("", 0, weights).scores(&tokens)
    }

    #[test]
    fn hand_made_heads_score_one_at_their_pattern() {
        assert_eq!(looking_at(&[0, 0, 1, 2], "abca").previous_token, Some(1.0));
        assert_eq!(looking_at(&[0, 0, 0, 0], "abca").first_token, Some(1.0));
        assert_eq!(looking_at(&[3, 2, 1, 0], "abca").anti_diagonal, Some(1.0));
        // Queries 3 and 4 repeat tokens 0 and 1; what followed those stands at 1 and 2.
        assert_eq!(looking_at(&[0, 0, 0, 1, 2, 0], "abcabd").induction, Some(1.0));
        assert_eq!(looking_at(&[0, 0, 0, 0, 1, 0], "abcabd").same_token, Some(1.0));
        // Here the keys after the query are visible, and 0 and 1 have theirs there.
        assert_eq!(looking_at(&[3, 4, 0, 0, 1, 0], "abcabd").same_token, Some(1.0));
    }

    #[test]
    fn a_question_finds_its_key_beside_or_before_the_answer() -> Result<(), InspectError> {
        let share = |tokens: &[&str], targets: &[&str], row: &[f64]| {
            let n = tokens.len();
            let mut weights = vec![1.0 / n as f64; n * (n - 1)];
            weights.extend(row);
            let weights = Matrix::new(n, n, weights)?;
            let labels = [tokens, targets].map(|list| list.iter().map(|&text| text.to_owned()).collect());
            let [tokens, targets] = labels;
            let labels = ProbeLabels { tokens, targets, ..ProbeLabels::default() };
            Ok::<_, InspectError>(AttentionMap::new("", 0, weights).asked_for(&labels))
        };
        let stacked = share(&["a7", "b2", "A·"], &["", "", "7"], &[0.75, 0.25, 0.0])?;
        assert_eq!(stacked, Some(0.75));
        let behind =
            share(&["a", "7", "b", "2", "B"], &["", "", "", "", "2"], &[0.0, 0.125, 0.0, 0.5, 0.375])?;
        assert_eq!(behind, Some(0.5));
        // Nothing is asked, or not by capitals.
        assert_eq!(share(&["a7", "A·"], &["", ""], &[1.0, 0.0])?, None);
        assert_eq!(share(&["a7", "a"], &["", "7"], &[1.0, 0.0])?, None);
        // A text, in which the next character is asked for everywhere: A has the one that a had.
        let row = [0.0, 1.0, 0.0, 0.0];
        assert_eq!(share(&["a", "X", "b", "A"], &["", "", "", "X"], &row)?, Some(1.0));
        assert_eq!(share(&["a", "X", "b", "A"], &["X", "b", "A", "X"], &row)?, None);
        Ok(())
    }

    #[test]
    fn a_score_needs_a_query_for_which_there_is_something_to_find() {
        let nowhere = 9;
        let scores = looking_at(&[nowhere, nowhere, 1], "abc");
        let expected = HeadScores {
            previous_token: Some(1.0),
            first_token: Some(0.0),
            anti_diagonal: Some(0.0),
            ..HeadScores::default()
        };
        assert_eq!(scores, expected);
        assert_eq!(looking_at(&[nowhere; 3], "aaa"), HeadScores::default());
        let unlabelled = looking_at(&[0, 0, 1], "aa");
        assert_eq!((unlabelled.same_token, unlabelled.previous_token), (None, Some(1.0)));
    }

    #[test]
    fn maps_between_two_sequences_have_no_scores() -> Result<(), InspectError> {
        let weights = Matrix::new(1, 2, vec![0.5, 0.5])?;
        let map = AttentionMap::new("", 0, weights);
        assert_eq!(map.scores(&["a".to_owned()]), HeadScores::default());
        // Also where source and answer have the same length.
        let weights = Matrix::new(2, 2, vec![0.25, 0.75, 0.5, 0.5])?;
        let at = |queries, keys| {
            let positions = Some(MapPositions { queries, keys });
            AttentionMap { positions, ..AttentionMap::new("", 0, weights.clone()) }
        };
        let list = |texts: [&str; 5]| texts.map(str::to_owned).to_vec();
        let (tokens, targets) = (list(["a", "b", "", "=", "b"]), list(["", "", "", "b", "!"]));
        let labels = ProbeLabels { tokens, targets, ..ProbeLabels::default() };
        let cross = at(3..5, 0..2);
        assert_eq!(
            (cross.scores(&labels.tokens), cross.copied(&labels)),
            (HeadScores::default(), Some(0.75))
        );
        assert_eq!(cross.asked_for(&labels), None);
        // The answer to itself, whose tokens are not those at the beginning.
        let own = at(3..5, 3..5);
        assert_eq!((own.scores(&labels.tokens).previous_token, own.copied(&labels)), (Some(0.5), None));
        assert_eq!(own.scores(&list(["", "", "", "b", "b"])).same_token, Some(0.625));
        assert_eq!(own.scores(&list(["b", "b", "", "=", "b"])).same_token, None);
        Ok(())
    }
}
