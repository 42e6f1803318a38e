//! The patterns of attention that have a name, for every head of a snapshot.

use serde::Serialize;

use crate::files::snapshot::Snapshot;
use crate::heads::head_scores::HeadScores;

/// Where a head looks at one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionPattern {
    /// Name of the layer.
    pub layer: String,
    /// Index of the head.
    pub head: usize,
    /// What it looks at, in words.
    pub target: &'static str,
    /// Share of attention that goes there.
    pub share: f64,
}

impl AttentionPattern {
    /// The patterns of every head of a snapshot, the strongest first.
    pub fn of(snapshot: &Snapshot) -> Vec<Self> {
        let mut patterns: Vec<Self> = snapshot
            .maps
            .iter()
            .flat_map(|map| {
                named(&map.scores(&snapshot.tokens)).into_iter().filter_map(|(target, share)| {
                    Some(Self { layer: map.layer.clone(), head: map.head, target, share: share? })
                })
            })
            .collect();
        patterns.sort_by(|a, b| b.share.total_cmp(&a.share));
        patterns
    }
}

/// What a head looks at, in words, with its score.
pub(crate) fn named(scores: &HeadScores) -> [(&'static str, Option<f64>); 5] {
    [
        ("the position before", scores.previous_token),
        ("the first position", scores.first_token),
        ("other positions with the same token", scores.same_token),
        ("what followed the same token earlier", scores.induction),
        ("the mirror image of the position", scores.anti_diagonal),
    ]
}
