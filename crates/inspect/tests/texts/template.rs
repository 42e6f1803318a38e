//! What a reader sees of an HTML template.

use std::collections::BTreeSet;

/// Attributes that a reader sees or hears.
const SEEN: [&str; 4] = ["aria-label", "title", "placeholder", "alt"];

/// Blocks that are values of attributes.
const IN_TAGS: [&str; 2] = ["policy", "data_name"];

/// The texts with letters between the tags of a template and in attributes that are seen, but for what is computed and
/// what is never translated.
pub fn visible(template: &str) -> Vec<String> {
    let page = computed(&without_attributes(template)).0;
    let mut found = Vec::new();
    let mut is_own = false;
    for (i, part) in page.split('<').enumerate() {
        let (tag, text) = if i == 0 { ("", part) } else { part.split_once('>').expect("a tag ends") };
        let name = tag.split_whitespace().next().unwrap_or("");
        if !is_own
            && !["style", "script"].contains(&name)
            && text.chars().any(char::is_alphabetic)
            && !is_fixed(tag)
        {
            found.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        is_own = ["style", "script"].contains(&name);
        found.extend(
            SEEN.iter()
                .filter_map(|name| attribute(tag, name))
                .filter(|text| text.chars().any(char::is_alphabetic)),
        );
    }
    found
}

/// The keys of the table that a template names.
pub fn keys(template: &str) -> BTreeSet<String> {
    let (page, computed) = computed(template);
    let named = |name: &'static str| {
        page.split('<')
            .skip(1)
            .filter_map(move |tag| attribute(tag.split('>').next()?, name))
            .collect::<Vec<_>>()
    };
    let asked = computed
        .iter()
        .filter_map(|code| code.split_once("self.text(\""))
        .map(|(_, rest)| rest.split('"').next().unwrap_or("").to_owned());
    named("data-text").into_iter().chain(named("data-label")).chain(asked).collect()
}

fn is_fixed(tag: &str) -> bool {
    attribute(tag, "translate").as_deref() == Some("no")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(tag[start..].split('"').next()?.to_owned())
}

/// The template without the blocks that stand within a tag of another one.
fn without_attributes(template: &str) -> String {
    IN_TAGS.iter().fold(template.to_owned(), |template, name| {
        let Some((before, after)) = template.split_once(&format!("{{% block {name} %}}")) else {
            return template;
        };
        let (_, after) = after.split_once("{% endblock %}").expect("a block ends");
        before.to_owned() + after
    })
}

/// The template without what Rust puts there, and that.
fn computed(template: &str) -> (String, Vec<String>) {
    let (mut page, mut code, mut rest) = (String::new(), Vec::new(), template);
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        page.push_str(&rest[..start]);
        let end = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let length = rest[start..].find(end).expect("what is computed ends") + 2;
        code.push(rest[start..start + length].to_owned());
        rest = &rest[start + length..];
    }
    (page + rest, code)
}
