//! Rule of the sources: what trains and what is trained runs where there is no clock, no thread, no file and no terminal, as
//! in a web page.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What a page does not have: the words that a line of the sources may not have.
const NOT_IN_A_PAGE: [&str; 8] =
    ["std::time", "std::thread", "std::fs", "std::env", "std::process", "std::net", "println!", "eprint"];

/// Where one of them stands all the same, and why a page can do without.
const ALLOWED: [(&str, &str, &str); 3] = [
    ("train/src/stopwatch.rs", "std::time", "the one clock, which has a form for a module without one"),
    ("train/src/task/text_file.rs", "std::fs", "texts on disk; a page gives the bytes of a text"),
    ("model/src/weight_file.rs", "std::fs", "opens a file that a user names; no training calls it"),
];

#[test]
fn the_core_of_model_and_train_needs_no_clock_thread_file_or_terminal() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut found = BTreeMap::new();
    let mut n_files = 0;
    for name in ["model", "train"] {
        for path in crate::public_items::sources(&crates.join(name).join("src")) {
            n_files += 1;
            let file = path.strip_prefix(&crates).unwrap().to_str().unwrap().replace('\\', "/");
            for (number, word, line) in words(&fs::read_to_string(&path).unwrap()) {
                found.insert((file.clone(), word), format!("crates/{file}:{number}: `{word}` in `{line}`"));
            }
        }
    }
    assert!(n_files > 100, "the sources were not found");
    for (file, word, reason) in ALLOWED {
        let was_there = found.remove(&(file.to_owned(), word));
        assert!(was_there.is_some(), "crates/{file} no longer has {word} ({reason}): take it off this list");
    }
    let found: Vec<String> = found.into_values().collect();
    assert!(found.is_empty(), "a web page has none of these:\n{}", found.join("\n"));
}

#[test]
fn a_use_is_found_in_code_and_not_in_comments_or_tests() {
    let source = "//! std::fs\nuse std::fs::read;\n/// println!(\nfn f() { println!(\"\"); }\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    let found: Vec<_> = words(source).into_iter().map(|(number, word, _)| (number, word)).collect();
    assert_eq!(found, [(2, "std::fs"), (4, "println!")]);
    assert_eq!(words("use std::{\n    fs,\n    time::Instant,\n};\n").len(), 2);
}

/// The lines that have one of the words: number, word and text. Comments and the tests at the end of a file are left out.
fn words(source: &str) -> Vec<(usize, &'static str, &str)> {
    let mut found = Vec::new();
    let mut in_list = false;
    for (index, line) in source.lines().enumerate() {
        let line = line.trim();
        if line == "#[cfg(test)]" {
            break;
        }
        if line.starts_with("//") {
            continue;
        }
        in_list |= line.starts_with("use std::{");
        for word in NOT_IN_A_PAGE {
            let in_braces =
                in_list && word.strip_prefix("std::").is_some_and(|module| has_module(line, module));
            if line.contains(word) || in_braces {
                found.push((index + 1, word, line));
            }
        }
        in_list &= !line.contains("};");
    }
    found
}

/// Whether a module stands in a line of `use std::{ … }`.
fn has_module(line: &str, module: &str) -> bool {
    let names = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    names.into_iter().any(|name| name.split("::").next() == Some(module))
}
