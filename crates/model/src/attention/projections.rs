//! What W_Q, W_K and W_V are, each for itself: the question "what do learnable matrices buy?" in one setting.

use std::fmt::{self, Formatter};

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::init::Training;
use crate::parts::one_of;

/// What one of the matrices W_Q, W_K and W_V is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Projection {
    /// Trained by back-propagation.
    Learned,
    /// Random and never updated.
    Frozen,
    /// Absent: what it would make is the input itself.
    None,
}

/// What W_Q, W_K and W_V are. In a file one word for all three, or a table; a matrix that this leaves out is learned.
///
/// ```
/// use qkv_model::{Projection, Projections};
///
/// let read = |text: &str| serde_json::from_str::<Projections>(text).expect("known words");
/// assert_eq!(read("\"frozen\""), Projections::all(Projection::Frozen));
/// let mixed = Projections { w_k: Projection::Frozen, ..Projections::all(Projection::Learned) };
/// assert_eq!(read(r#"{ "w_k": "frozen" }"#), mixed);
/// // Written as short as it can be.
/// let written = |projections: Projections| serde_json::to_string(&projections).expect("words");
/// assert_eq!(written(read(r#"{ "w_q": "none", "w_k": "none", "w_v": "none" }"#)), "\"none\"");
/// assert_eq!(written(mixed), r#"{"w_q":"learned","w_k":"frozen","w_v":"learned"}"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projections {
    /// Makes queries.
    pub w_q: Projection,
    /// Makes keys.
    pub w_k: Projection,
    /// Makes values.
    pub w_v: Projection,
}

impl Projections {
    /// All three alike.
    pub const fn all(projection: Projection) -> Self {
        Self { w_q: projection, w_k: projection, w_v: projection }
    }

    /// W_Q, W_K and W_V.
    pub fn each(self) -> [Projection; 3] {
        [self.w_q, self.w_k, self.w_v]
    }

    /// The keys of those that are absent, as an error names them.
    pub(super) fn keys_of_absent(self) -> [Option<&'static str>; 3] {
        const KEYS: [&str; 3] = ["projections.w_q", "projections.w_k", "projections.w_v"];
        let each = self.each();
        [0, 1, 2].map(|at| match each[at] == Projection::None {
            true if self.is_uniform() => Some("projections"),
            true => Some(KEYS[at]),
            false => None,
        })
    }

    fn is_uniform(self) -> bool {
        self == Self::all(self.w_q)
    }
}

impl Projection {
    /// How the matrix and its bias are trained; `None` where there are none.
    pub(super) fn training(self) -> Option<Training> {
        match self {
            Self::Learned => Some(Training::Learned),
            Self::Frozen => Some(Training::Frozen),
            Self::None => None,
        }
    }
}

impl Serialize for Projections {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_uniform() {
            return self.w_q.serialize(serializer);
        }
        let mut table = serializer.serialize_struct("Projections", 3)?;
        table.serialize_field("w_q", &self.w_q)?;
        table.serialize_field("w_k", &self.w_k)?;
        table.serialize_field("w_v", &self.w_v)?;
        table.end()
    }
}

/// The table.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Each {
    #[serde(deserialize_with = "one_of")]
    w_q: Projection,
    #[serde(deserialize_with = "one_of")]
    w_k: Projection,
    #[serde(deserialize_with = "one_of")]
    w_v: Projection,
}

impl Default for Each {
    fn default() -> Self {
        Self { w_q: Projection::Learned, w_k: Projection::Learned, w_v: Projection::Learned }
    }
}

impl<'de> Deserialize<'de> for Projections {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrTable)
    }
}

struct WordOrTable;

impl<'de> Visitor<'de> for WordOrTable {
    type Value = Projections;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("one of `learned`, `frozen`, `none`, or a table with w_q, w_k and w_v")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Projections, E> {
        Projection::deserialize(StrDeserializer::new(word)).map(Projections::all)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Projections, A::Error> {
        let Each { w_q, w_k, w_v } = Each::deserialize(MapAccessDeserializer::new(table))?;
        Ok(Projections { w_q, w_k, w_v })
    }
}
