//! `MANIFEST.json`: which files a checkpoint has, and a hash of each.

use serde::{Deserialize, Serialize};

use crate::hash::sha256;

/// Every file of a checkpoint with its size and its SHA-256, and a hash over the list itself.
///
/// ```
/// use qkv_run::Manifest;
///
/// let manifest = Manifest::new(120, [("config.json", &b"{}"[..]), ("model.safetensors", b"")]);
/// let text = manifest.to_json();
/// assert_eq!(Manifest::parse(&text).as_ref(), Ok(&manifest));
/// for bit in 0..8 * text.len() {
///     let mut damaged = text.clone();
///     damaged[bit / 8] ^= 1 << (bit % 8);
///     assert!(Manifest::parse(&damaged).is_err());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The schema's name.
    schema: String,
    /// The step of the checkpoint.
    pub step: u64,
    /// The files, in alphabetical order.
    pub files: Vec<ManifestFile>,
    /// Of the JSON of the fields above, without spaces and in their order.
    sha256: String,
}

/// One file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Its name in the folder of the checkpoint.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
}

const SCHEMA: &str = "qkv-manifest-1";

/// What cannot be a manifest of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoManifest {
    /// That of another version, which names this schema.
    UnknownSchema(String),
    /// In words.
    Damaged(String),
}

impl Manifest {
    /// The schemas that this version reads.
    pub(super) const KNOWN: &[&str] = &[SCHEMA];

    /// That of a checkpoint with these files.
    pub fn new<'a>(step: u64, files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let file = |(name, bytes): (&str, &[u8])| ManifestFile {
            name: name.to_owned(),
            size: bytes.len() as u64,
            sha256: sha256(bytes),
        };
        let mut files: Vec<ManifestFile> = files.into_iter().map(file).collect();
        files.sort_by(|one, other| one.name.cmp(&other.name));
        let mut manifest = Self { schema: SCHEMA.to_owned(), step, files, sha256: String::new() };
        manifest.sha256 = manifest.own_hash();
        manifest
    }

    /// The text of the file.
    pub fn to_json(&self) -> Vec<u8> {
        let json = serde_json::to_string_pretty(self).expect("numbers and names");
        (json + "\n").into_bytes()
    }

    /// Reads the text of a file. It has to be the very text that [`to_json`](Self::to_json) gives, so that no bit of it
    /// is without meaning.
    ///
    /// # Errors
    /// If it is another text, or names a schema that this version does not read.
    pub fn parse(text: &[u8]) -> Result<Self, NoManifest> {
        let damaged = |what: String| NoManifest::Damaged(what);
        let json: serde_json::Value =
            serde_json::from_slice(text).map_err(|error| damaged(format!("expected JSON, {error}")))?;
        match json.get("schema").and_then(|schema| schema.as_str()) {
            Some(SCHEMA) => {}
            Some(other) if is_ours(other) && has_its_hash(text, &json) => {
                return Err(NoManifest::UnknownSchema(other.to_owned()));
            }
            _ => return Err(damaged(format!("expected the schema {SCHEMA}"))),
        }
        let manifest: Self = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        let (found, expected) = (&manifest.sha256, manifest.own_hash());
        if *found != expected {
            return Err(damaged(format!("the SHA-256 of its list is {expected}, it names {found}")));
        }
        if let Some(file) = manifest.files.iter().find(|file| !is_plain_name(&file.name)) {
            return Err(damaged(format!("{:?} is no name of a file in its folder", file.name)));
        }
        if manifest.to_json() != text {
            return Err(damaged("it was changed after it was written".to_owned()));
        }
        Ok(manifest)
    }

    fn own_hash(&self) -> String {
        #[derive(Serialize)]
        struct List<'a> {
            schema: &'a str,
            step: u64,
            files: &'a [ManifestFile],
        }
        let list = List { schema: &self.schema, step: self.step, files: &self.files };
        sha256(&serde_json::to_vec(&list).expect("numbers and names"))
    }
}

/// Whether a schema is one that another version could have.
fn is_ours(schema: &str) -> bool {
    schema
        .strip_prefix("qkv-manifest-")
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the text of a manifest of any schema has the hash of its own fields, so that it is what was written: the hash
/// stands last, and is that of the JSON of the fields before it, without spaces and in their order.
fn has_its_hash(text: &[u8], json: &serde_json::Value) -> bool {
    let Some(stated) = json.get("sha256").and_then(|hash| hash.as_str()) else { return false };
    let (mut is_in_text, mut is_escaped) = (false, false);
    let mut dense = text.to_vec();
    dense.retain(|&byte| {
        is_in_text ^= byte == b'"' && !is_escaped;
        is_escaped = is_in_text && byte == b'\\' && !is_escaped;
        is_in_text || !byte.is_ascii_whitespace()
    });
    let last = format!(",\"sha256\":\"{stated}\"}}");
    let fields = dense.strip_suffix(last.as_bytes());
    fields.is_some_and(|fields| sha256(&[fields, b"}"].concat()) == *stated)
}

/// Whether it names a file in a folder, and nothing elsewhere on any platform.
fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        for name in ["../a", "a/b", "/a", "..", ".", "", "a\\b", "c:a", ".hidden", "a\0"] {
            let manifest = Manifest::new(1, [(name, &b""[..])]);
            let refused = Manifest::parse(&manifest.to_json());
            assert!(
                matches!(refused, Err(NoManifest::Damaged(what)) if what.contains("no name")),
                "{name:?}"
            );
        }
    }

    #[test]
    fn another_schema_is_refused_by_its_name_where_its_own_hash_vouches_for_it() {
        let mut other = Manifest::new(1, [("a b", &b""[..])]);
        other.schema = "qkv-manifest-9".to_owned();
        other.sha256 = other.own_hash();
        let text = other.to_json();
        assert_eq!(Manifest::parse(&text), Err(NoManifest::UnknownSchema("qkv-manifest-9".to_owned())));
        // A later version may have other fields.
        let fields = r#"{"schema":"qkv-manifest-2","steps":[1, 2],"note":"\" \\"}"#;
        let hash = sha256(fields.replace(", ", ",").as_bytes());
        let text = format!("{},\n \"sha256\": \"{hash}\" }}\n", &fields[..fields.len() - 1]);
        assert_eq!(
            Manifest::parse(text.as_bytes()),
            Err(NoManifest::UnknownSchema("qkv-manifest-2".to_owned()))
        );
    }

    #[test]
    fn every_flipped_bit_is_damage_and_no_other_version() {
        let text = Manifest::new(1, [("config.json", &b"{}"[..])]).to_json();
        for bit in 0..8 * text.len() {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = Manifest::parse(&flipped);
            assert!(matches!(refused, Err(NoManifest::Damaged(_))), "bit {bit}: {refused:?}");
        }
    }
}
