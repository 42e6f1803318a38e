//! `config.json`: what made a checkpoint, and how good it was.

use toml::Table;

use super::own_keys::{OwnKeys, Scalar};
use crate::bounds;
use crate::log::Evaluation;

/// The format of checkpoints with a manifest.
const FORMAT: &str = "qkv-checkpoint-2";

/// That of checkpoints without one, which are still read; the first had no format at all.
const FORMAT_BEFORE_MANIFESTS: &str = "qkv-checkpoint-1";

/// The run's config, and what belongs to this step of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The config of the run, as in `config.toml`.
    pub config: Table,
    /// Label of each token.
    pub vocabulary: Vec<String>,
    /// The version that wrote it; `None` in checkpoints without a manifest.
    pub version: Option<String>,
    /// The commit that was built into what wrote it, if any.
    pub commit: Option<String>,
    /// On the validation split, if this step was evaluated.
    pub evaluation: Option<Evaluation>,
}

impl Description {
    /// For a checkpoint that this version writes.
    pub fn new(config: Table, vocabulary: Vec<String>) -> Self {
        let version = Some(env!("CARGO_PKG_VERSION").to_owned());
        Self { config, vocabulary, version, commit: None, evaluation: None }
    }

    /// The step at which the run began: 0, or that of the state that it took over from another.
    pub fn first_step(&self) -> u64 {
        first_step(&self.config)
    }

    /// The file of a checkpoint at `step`.
    pub(super) fn to_json(&self, step: u64) -> Vec<u8> {
        let mut json = serde_json::to_value(&self.config).expect("tables of numbers and names are JSON");
        json["format"] = FORMAT.into();
        json["step"] = step.into();
        json["vocabulary"] = self.vocabulary.as_slice().into();
        for (key, value) in [("version", &self.version), ("commit", &self.commit)] {
            if let Some(value) = value {
                json[key] = value.as_str().into();
            }
        }
        if let Some(evaluation) = &self.evaluation {
            json["evaluation"] = serde_json::to_value(evaluation).expect("figures are JSON");
        }
        format!("{json:#}\n").into_bytes()
    }

    /// Reads the rest of the file of a checkpoint at `step`, of which `own` was read.
    pub(super) fn parse(own: OwnKeys, json: &[u8], step: u64) -> Result<Self, String> {
        if own.n_settings > bounds::SETTINGS {
            return Err(format!("it has more than {} values beside its vocabulary", bounds::SETTINGS));
        }
        if let Some(found) = own.step.filter(|found| *found != Scalar::Whole(step)) {
            return Err(format!("it is of step {found}, expected {step}"));
        }
        let mut config = toml_of_json(json)?;
        // From here as well, because every bit of a number counts.
        let evaluation = config.remove("evaluation").map(toml::Value::try_into).transpose();
        for key in super::Checkpoint::OWN_KEYS {
            config.remove(key);
        }
        let text = |value| if let Some(Scalar::Text(text)) = value { Some(text) } else { None };
        Ok(Self {
            config,
            vocabulary: own.vocabulary,
            version: text(own.version),
            commit: text(own.commit),
            evaluation: evaluation.map_err(|error| format!("`evaluation`: {}", error.message()))?,
        })
    }
}

/// The step at which a run with this config began.
pub(crate) fn first_step(config: &Table) -> u64 {
    let step = |parent: &toml::Value| match parent.get("taken")?.as_str()? {
        "state" => u64::try_from(parent.get("step")?.as_integer()?).ok(),
        _ => None,
    };
    config.get("parent").and_then(step).unwrap_or(0)
}

/// What a `config.json` names as its format.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A manifest lies beside it.
    WithManifest,
    /// No manifest was written yet.
    BeforeManifests,
    /// That of another version.
    Unknown(String),
}

impl Format {
    pub(super) const KNOWN: &[&str] = &[FORMAT_BEFORE_MANIFESTS, FORMAT];

    pub(super) fn of(own: &OwnKeys) -> Self {
        match &own.format {
            Some(Scalar::Text(format)) if format == FORMAT => Self::WithManifest,
            Some(Scalar::Text(format)) if format == FORMAT_BEFORE_MANIFESTS => Self::BeforeManifests,
            Some(other) => Self::Unknown(other.to_string()),
            None => Self::BeforeManifests,
        }
    }
}

/// The same values as TOML, without the vocabulary, which may be long. Numbers are taken over as they are written:
/// `serde_json` may miss the last bit of a float.
pub(crate) fn toml_of_json(json: &[u8]) -> Result<Table, String> {
    /// In place of `null`, which TOML lacks; no text of JSON has a raw NUL.
    const NULL: &str = "\"\\u0000null\"";
    /// The end of what stands before the labels of tokens.
    const VOCABULARY: &str = "\"vocabulary\"";
    let json = str::from_utf8(json).map_err(|_| "expected UTF-8")?;
    let mut toml = String::from("json=");
    let (mut in_text, mut escaped, mut skip) = (false, false, 0);
    let (mut depth, mut is_left_out) = (0_usize, false);
    for c in json.chars() {
        match c {
            '[' | '{' if !in_text => depth += 1,
            ',' if !in_text && depth == 1 => is_left_out = false,
            ']' | '}' if !in_text => {
                depth = depth.saturating_sub(1);
                is_left_out &= depth > 0;
            }
            _ => {}
        }
        match c {
            _ if skip > 0 => skip -= 1,
            '"' if !escaped => {
                in_text = !in_text;
                if !is_left_out {
                    toml.push(c);
                }
            }
            _ if is_left_out => {}
            ':' if !in_text && depth == 1 && toml.ends_with(VOCABULARY) => {
                toml.push_str("=0");
                is_left_out = true;
            }
            '\u{7f}' => toml.push_str("\\u007f"),
            _ if in_text => toml.push(c),
            ':' => toml.push('='),
            'n' => {
                toml.push_str(NULL);
                skip = "ull".len();
            }
            _ if c.is_whitespace() => {}
            _ => toml.push(c),
        }
        escaped = in_text && c == '\\' && !escaped;
    }
    if toml.len() > bounds::SETTINGS_BYTES {
        let most = bounds::SETTINGS_BYTES;
        return Err(format!("it has {} bytes beside its vocabulary, expected at most {most}", toml.len()));
    }
    let mut table: Table = toml.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    match table.remove("json") {
        Some(toml::Value::Table(mut table)) => {
            remove_nulls(&mut table);
            Ok(table)
        }
        _ => Err("expected an object".to_owned()),
    }
}

fn remove_nulls(table: &mut Table) {
    table.retain(|_, value| value.as_str() != Some("\0null"));
    for value in table.iter_mut().map(|(_, value)| value) {
        if let toml::Value::Table(table) = value {
            remove_nulls(table);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::evaluation;

    fn own(json: &[u8]) -> OwnKeys {
        OwnKeys::read(json).expect("an object")
    }

    #[test]
    fn numbers_pass_from_json_to_toml_with_every_bit() -> Result<(), String> {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..10_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(random);
            if number.is_finite() {
                let json = serde_json::to_string(&serde_json::json!({ "a": { "lr": number } }));
                let table = toml_of_json(json.expect("a number").as_bytes())?;
                assert_eq!(table["a"]["lr"].as_float().map(f64::to_bits), Some(number.to_bits()));
            }
        }
        Ok(())
    }

    #[test]
    fn texts_lists_and_gaps_pass_from_json_to_toml() -> Result<(), String> {
        let json = serde_json::json!({
            "text": "a: \"b\" \\ {n} [1, null]\n\u{7f}é\u{1}", "n": null, "list": [1, -2, 3.0],
            "inner": { "null": "null", "none": null, "yes": true },
        });
        let table = toml_of_json(format!("{json:#}").as_bytes())?;
        assert_eq!(table["text"].as_str(), json["text"].as_str());
        assert_eq!(table["list"].to_string(), "[1, -2, 3.0]");
        assert_eq!(
            (table["inner"]["null"].as_str(), table["inner"]["yes"].as_bool()),
            (Some("null"), Some(true))
        );
        assert!(!table.contains_key("n") && table["inner"].get("none").is_none());
        Ok(())
    }

    #[test]
    fn a_description_is_read_as_it_was_written() -> Result<(), Box<dyn std::error::Error>> {
        let config: Table = "seed = 3\n[optimizer]\nlr = 0.00031622776601683794\n".parse()?;
        let mut written = Description::new(config, vec!["a".to_owned(), "\u{7f}".to_owned()]);
        written.evaluation = Some(evaluation(1.0 / 11.0).with("top", 1.0 / 7.0));
        for commit in [None, Some("abc".to_owned())] {
            written.commit = commit;
            let json = written.to_json(7);
            assert_eq!(Description::parse(own(&json), &json, 7)?, written);
        }
        let json = written.to_json(7);
        let message = Description::parse(own(&json), &json, 8).expect_err("another step");
        assert_eq!(message, "it is of step 7, expected 8");
        Ok(())
    }
}
