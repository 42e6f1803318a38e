//! The table of texts of the pages, which their scripts use too: a page has its texts before a script runs, and without.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::LazyLock;

/// Of the film and the stage, and what the live page adds.
const TABLES: [&str; 3] = [
    include_str!("../templates/script/texts.js"),
    include_str!("../templates/script/live/texts.js"),
    include_str!("../templates/script/live/lecture/station_texts.js"),
];

static TEXTS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| TABLES.into_iter().flat_map(entries).collect());

/// A text of the table, in which values stand in place of their names in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// The text of a key, which has to be in the table.
    pub(crate) fn of(key: &str) -> Self {
        Self(TEXTS.get(key).unwrap_or_else(|| panic!("no text has the key `{key}`")).clone())
    }

    pub(crate) fn with(self, name: &str, value: impl Display) -> Self {
        Self(self.0.replace(&format!("{{{name}}}"), &value.to_string()))
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The page with the texts of its elements: that which `data-text` names as their content, that which `data-label` names
/// as what a screen reader is told. Where the data of the page begins, no such elements come any more.
pub(crate) fn filled(page: &str) -> String {
    let end = page.find("<script type=\"application/json\"").unwrap_or(page.len());
    let (elements, data) = page.split_at(end);
    let mut filled = String::with_capacity(page.len());
    let mut rest = elements;
    while let Some(start) = rest.find(" data-") {
        let attribute = &rest[start..];
        let quoted = |name: &str| {
            let value = attribute.strip_prefix(name)?.strip_prefix("=\"")?;
            Some(&value[..value.find('"')?])
        };
        if let Some(key) = quoted(" data-text") {
            let inner = start + attribute.find('>').map_or(attribute.len(), |at| at + 1);
            filled.push_str(&rest[..inner]);
            filled.push_str(&escaped(&Text::of(key)));
            rest = &rest[inner..];
        } else if let Some(key) = quoted(" data-label") {
            filled.push_str(&rest[..start]);
            filled.push_str(&format!(" aria-label=\"{}\"", escaped(&Text::of(key))));
            rest = &rest[start + " data-label=\"\"".len() + key.len()..];
        } else {
            filled.push_str(&rest[..start + " data-".len()]);
            rest = &rest[start + " data-".len()..];
        }
    }
    filled + rest + data
}

fn escaped(text: &Text) -> String {
    text.0.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The entries of an object literal in which every value is a string in double quotes, as JSON has it.
fn entries(script: &str) -> Vec<(String, String)> {
    let lines = script.lines().map(str::trim).skip_while(|line| !line.ends_with('{'));
    let table: Vec<&str> = lines.skip(1).take_while(|line| !line.starts_with('}')).collect();
    let table = table.into_iter().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut entries = Vec::new();
    let mut rest = table.trim_start();
    while !rest.is_empty() {
        let (key, after) = match rest.starts_with('"') {
            true => string(rest),
            false => {
                let end = rest.find(':').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        let value = after.strip_prefix(':').map(str::trim_start).filter(|value| value.starts_with('"'));
        let (text, after) = string(value.unwrap_or_else(|| panic!("`{key}` has no string in double quotes")));
        let after = after.trim_start().strip_prefix(',');
        rest = after.unwrap_or_else(|| panic!("a comma is missing after `{key}`")).trim_start();
        entries.push((key, text));
    }
    entries
}

/// The string with which `text` begins, and what comes after it.
fn string(text: &str) -> (String, &str) {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match strings.next() {
        Some(Ok(string)) => (string, &text[strings.byte_offset()..]),
        _ => panic!("no string as JSON has it: {}", text.lines().next().unwrap_or("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_the_texts_that_they_name() {
        let page = "<h2 id=\"a\" data-text=\"play\"></h2><i data-label=\"help\" data-x=\"1\">?</i>\
                    <script type=\"application/json\"> data-text=\"none\"</script>";
        let expected = "<h2 id=\"a\" data-text=\"play\">Play</h2><i aria-label=\"Help\" data-x=\"1\">?</i>\
                        <script type=\"application/json\"> data-text=\"none\"</script>";
        assert_eq!(filled(page), expected);
    }

    #[test]
    fn values_stand_in_place_of_their_names() {
        assert_eq!(Text::of("tokenAt").with("token", "A").with("position", 3).to_string(), "A at 3");
    }

    #[test]
    fn no_key_is_there_twice() {
        let mut keys: Vec<String> = TABLES.into_iter().flat_map(entries).map(|(key, _)| key).collect();
        keys.sort();
        let twice: Vec<&String> = keys.windows(2).filter(|two| two[0] == two[1]).map(|two| &two[0]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
