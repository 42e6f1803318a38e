//! What the attention maps of a frame are about.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The labels of one probe example, a string for each position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeLabels {
    /// By the path of a layer, which positions are the rows and columns of its maps, where that is not all of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, MapPositions>,
    /// What the model answered, `""` where nothing was asked.
    pub predictions: Vec<String>,
    /// The right answers, `""` where a position has no target.
    pub targets: Vec<String>,
    /// The input.
    pub tokens: Vec<String>,
}

/// Which positions of an input the rows and the columns of a layer's maps are: those of the source of a pair, or those of
/// its answer. Rows and columns behind these are padding, which holds nothing and has no meaning.
///
/// ```text
/// input      z  w  ö  □ | ⊢  1  2  □        queries 4..7, keys 0..3: the answer attends to the source
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MapPositions {
    /// The rows, and those of queries.
    pub queries: Range<usize>,
    /// The columns, and those of keys and values.
    pub keys: Range<usize>,
}

impl MapPositions {
    /// Whether a position may attend to itself: the rows are the columns.
    pub fn are_of_one_sequence(&self) -> bool {
        self.queries == self.keys
    }
}

impl ProbeLabels {
    /// The key of a frame's metadata. There is one alone: safetensors writes several in random order.
    pub const KEY: &str = "probes";

    /// The key of early runs, whose frames have the maps of one example, `[heads, q_len, k_len]`.
    const OLD_KEY: &str = "probe";

    /// How many positions the source of a pair and its padding have; `None` where no layer reads an answer alone.
    pub fn source_len(&self) -> Option<usize> {
        let starts = self.layers.values().map(|positions| positions.queries.start);
        starts.max().filter(|source_len| *source_len > 0)
    }

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
    /// // Positions of maps stand in the frames of two sequences alone.
    /// let one_sequence = r#"[{"predictions":[],"targets":[],"tokens":["a"]}]"#;
    /// let labels = ProbeLabels::from_metadata(|_| Some(one_sequence))?;
    /// assert_eq!((ProbeLabels::to_metadata(&labels).as_str(), labels[0].source_len()), (one_sequence, None));
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
