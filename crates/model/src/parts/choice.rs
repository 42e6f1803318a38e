//! A name in a config file, and the settings beside it.

use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::wrong_value::{Unreadable, not_a_name, read_settings};
use crate::error::ModelError;

/// A name and the settings that belong to it: `"rope"`, or `{ name = "rope", base = 500.0 }`.
///
/// ```
/// use qkv_model::Choice;
///
/// let choice = Choice::new("additive").with("d_hidden", 8);
/// assert_eq!(serde_json::to_string(&choice).unwrap(), r#"{"name":"additive","d_hidden":8}"#);
/// assert_eq!(serde_json::from_str::<Choice>("\"dot\"").unwrap(), Choice::new("dot"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What is chosen.
    pub name: String,
    /// Its settings; those left out have their defaults.
    pub settings: Map<String, Value>,
}

/// Settings of something that has a name, as they stand beside it in a config file, with a default for every value.
///
/// Implemented for every type that fits; use `#[serde(default, deny_unknown_fields)]`, so that a misspelt key is an
/// error. No field may be called `name`, which is the key of the thing's own name. [`NoSettings`] is for things without
/// settings.
pub trait Settings: Serialize + DeserializeOwned + Default + 'static {}

impl<T: Serialize + DeserializeOwned + Default + 'static> Settings for T {}

/// The settings of something that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl Choice {
    /// The thing of this name, with its default settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), settings: Map::new() }
    }

    /// With one setting.
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// The settings as a type; `kind` names in an error what was chosen, for example `"score"`.
    ///
    /// # Errors
    /// If a key is unknown or a value has the wrong type.
    pub fn read<T: DeserializeOwned>(&self, kind: &'static str) -> Result<T, ModelError> {
        self.read_or_advise(kind, || None)
    }

    /// The same; where a value has a wrong type, the error has that of `default` as an example.
    pub(super) fn read_or_advise<T: DeserializeOwned>(
        &self,
        kind: &'static str,
        default: impl FnOnce() -> Option<Value>,
    ) -> Result<T, ModelError> {
        let unreadable = |key, reason| ModelError::Settings { key, name: self.name.clone(), reason };
        // JSON has no number that is not finite; taken for a value left out, it would become the default in silence.
        if let Some((key, _)) = self.settings.iter().find(|(_, value)| value.is_null()) {
            let reason = "must have a value, and a number must be finite".to_owned();
            return Err(unreadable(format!("{kind}.{key}"), reason));
        }
        let settings = Value::Object(self.settings.clone());
        read_settings(settings.clone(), kind, &settings, default).map_err(|error| match error {
            Unreadable::Value(wrong) => ModelError::WrongValue(wrong),
            Unreadable::Key { key, reason } => unreadable(key, reason),
        })
    }

    /// This choice with the settings that are not `None` in `settings`.
    ///
    /// # Panics
    /// If `settings` is not a struct.
    pub fn with_settings(&self, settings: &impl Serialize) -> Self {
        let mut settings = fields(settings);
        settings.retain(|_, value| !value.is_null());
        Self { name: self.name.clone(), settings }
    }
}

/// Every field of a struct of settings, null where it is `None`.
pub(super) fn fields(settings: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        other => panic!("settings are a struct of numbers and names, got {other:?}"),
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.settings.is_empty() {
            return serializer.serialize_str(&self.name);
        }
        let mut table = serializer.serialize_map(Some(1 + self.settings.len()))?;
        table.serialize_entry("name", &self.name)?;
        for (key, value) in &self.settings {
            table.serialize_entry(key, value)?;
        }
        table.end()
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self::new(name)),
            Value::Object(mut settings) => match settings.remove("name") {
                Some(Value::String(name)) => Ok(Self { name, settings }),
                name => {
                    settings.extend(name.map(|name| ("name".to_owned(), name)));
                    Err(not_a_name(&Value::Object(settings)))
                }
            },
            other => Err(not_a_name(&other)),
        }
    }
}

/// For `#[serde(deserialize_with = "one_of")]` on a setting whose type is an enum of names: what is no string is
/// refused with the names, too.
///
/// # Errors
/// If the value is not one of the names.
///
/// ```
/// use qkv_model::{MaskConfig, one_of};
///
/// let mask = |text: &str| one_of::<_, MaskConfig>(&mut serde_json::Deserializer::from_str(text));
/// assert_eq!(mask("\"causal\"").unwrap(), MaskConfig::Causal);
/// let message = mask("3").unwrap_err().to_string();
/// assert!(message.starts_with("unknown variant `3`, expected `none` or `causal`"), "{message}");
/// ```
pub fn one_of<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let name = match Value::deserialize(deserializer)? {
        Value::String(name) => name,
        other => other.to_string(),
    };
    T::deserialize(IntoDeserializer::<D::Error>::into_deserializer(name))
}
