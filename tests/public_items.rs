//! Rules of the sources: a page, a documentation test or an example leads to every public item, and no library has a
//! command line.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_public_item_is_linked_from_a_page_or_used_in_an_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let examples: String =
        sources(&root.join("examples")).map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut hidden = Vec::new();
    for name in ["model", "run", "train", "inspect"] {
        let folder = root.join("crates").join(name).join("src");
        let docs: String =
            sources(&folder).map(|file| documentation(&fs::read_to_string(file).unwrap())).collect();
        let items = exported(&fs::read_to_string(folder.join("lib.rs")).unwrap());
        assert!(items.len() >= 10, "the list of `pub use` of {name} was not found");
        let found = |item: &String| {
            let links =
                ["`]", "::", "`](", "("].iter().any(|after| docs.contains(&format!("[`{item}{after}")));
            let kind = docs.contains(&format!("[`struct@{item}`]"));
            links || kind || is_word_in(item, &examples) || docs.lines().any(|line| is_used_in(item, line))
        };
        hidden.extend(items.into_iter().filter(|item| !found(item)).map(|item| format!("{name}::{item}")));
    }
    assert!(hidden.is_empty(), "no page leads to {hidden:?}");
}

#[test]
fn no_message_of_a_library_names_an_option_of_the_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let libraries = ["kernels", "model", "run", "train", "inspect"]
        .map(|name| root.join("crates").join(name).join("src"));
    let files: Vec<PathBuf> = libraries.iter().flat_map(|folder| sources(folder)).collect();
    assert!(files.len() > 100, "the sources were not found");
    let options = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.trim().starts_with("//") && names_an_option(line));
        lines.map(|line| format!("{}: {line}", file.display())).collect::<Vec<_>>()
    });
    assert_eq!(options.collect::<Vec<_>>(), [""; 0]);
}

/// Whether `--` stands before a word and behind a space, a quotation mark or a back quote.
fn names_an_option(line: &str) -> bool {
    line.match_indices("--").any(|(at, _)| {
        line[..at].ends_with([' ', '"', '`']) && line[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
    })
}

/// All Rust files below `folder`.
pub(crate) fn sources(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.into_iter()
}

/// The lines that rustdoc shows.
fn documentation(source: &str) -> String {
    let lines =
        source.lines().map(str::trim).filter(|line| line.starts_with("///") || line.starts_with("//!"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The names behind `pub use`.
fn exported(lib: &str) -> Vec<String> {
    let uses = lib.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let names = uses.flat_map(|list| match list.split_once('{') {
        Some((_, names)) => names.trim_end_matches('}').split(',').map(str::trim).collect::<Vec<_>>(),
        None => vec![list.rsplit("::").next().unwrap()],
    });
    let public = names.map(|name| name.rsplit(" as ").next().unwrap_or(name));
    public.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Whether a line of a documentation test imports or calls the item.
fn is_used_in(item: &str, line: &str) -> bool {
    line.starts_with("/// use qkv") && is_word_in(item, line)
}

fn is_word_in(word: &str, text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}
