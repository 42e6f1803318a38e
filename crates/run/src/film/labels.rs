//! What the attention maps of a frame are about.

use serde::{Deserialize, Serialize};

/// The labels of one probe example, a string for each position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeLabels {
    /// What the model answered, `""` where nothing was asked.
    pub predictions: Vec<String>,
    /// The right answers, `""` where a position has no target.
    pub targets: Vec<String>,
    /// The input.
    pub tokens: Vec<String>,
}

impl ProbeLabels {
    /// The key of a frame's metadata. There is one alone: safetensors writes several in random order.
    pub const KEY: &str = "probes";

    /// The key of early runs, whose frames have the maps of one example, `[heads, q_len, k_len]`.
    const OLD_KEY: &str = "probe";

    /// The value of [`KEY`](Self::KEY).
    pub fn to_metadata(examples: &[Self]) -> String {
        serde_json::to_string(examples).expect("labels are strings")
    }

    /// Reads the labels of every example of a frame; none where its `metadata` has no such key.
    ///
    /// # Errors
    /// If the value is not what [`to_metadata`](Self::to_metadata) gives.
    ///
    /// ```
    /// use qkv_run::ProbeLabels;
    ///
    /// let probes = r#"[{"tokens": ["a", "b"]}, {"tokens": ["c"], "targets": ["d"]}]"#;
    /// let labels = ProbeLabels::from_metadata(|key| (key == ProbeLabels::KEY).then_some(probes))?;
    /// assert_eq!((labels.len(), labels[1].targets.as_slice()), (2, &["d".to_owned()][..]));
    /// assert!(ProbeLabels::from_metadata(|_| None)?.is_empty());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn from_metadata<'a>(
        metadata: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Vec<Self>, serde_json::Error> {
        match (metadata(Self::KEY), metadata(Self::OLD_KEY)) {
            (Some(all), _) => serde_json::from_str(all),
            (None, Some(one)) => Ok(vec![serde_json::from_str(one)?]),
            (None, None) => Ok(Vec::new()),
        }
    }
}
