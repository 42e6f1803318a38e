//! The page for researchers: its tables have as many lines of code as the files that they link. It and the list in the
//! documentation of `Registry` have every kind of thing that can be a user's own. `page/follow.py` runs the page.

use std::fs;
use std::path::Path;

use qkv_train::Registry;

/// A page of the project, without the marks of a comment.
fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.lines().map(|line| line.trim_start_matches("/// ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_that_a_config_can_name_stands_in_both_lists() {
    let registry = Registry::new();
    let kinds: Vec<&str> = registry.known().iter().map(|known| known.kind).collect();
    assert!(["task", "model", "layer", "schedule"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    for path in ["examples/RESEARCH.md", "crates/train/src/registry/mod.rs"] {
        let page = page(path);
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        let is_there = |key: &str| rows.iter().any(|row| row.contains(&format!("`{key}`")));
        for kind in &kinds {
            let keys = [
                (*kind).to_owned(),
                format!("{kind}.name"),
                format!("{kind}.kind"),
                format!("model.{kind}"),
                format!("train.{kind}s"),
            ];
            assert!(keys.iter().any(|key| is_there(key)), "{path} lacks the kind `{kind}`");
        }
    }
}

#[test]
fn the_page_for_researchers_counts_the_lines_as_they_are() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples");
    let page = fs::read_to_string(examples.join("RESEARCH.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let links: Vec<(&str, &str)> = rows.flat_map(links_to_sources).collect();
    assert!(links.len() >= 17, "only {} links were found", links.len());
    let wrong = links.iter().filter_map(|(file, after)| {
        let source = fs::read_to_string(examples.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let is_library = file.starts_with("../crates/");
        let n_lines = if is_library { first_test(&source).len() } else { code(source.lines()).len() };
        let expected = format!(", {n_lines} lines");
        (!after.starts_with(&expected)).then(|| format!("{file}{expected}"))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_page_for_researchers_counts_its_lines_of_python() {
    let page = page("examples/RESEARCH.md");
    let (before, after) = page.split_once("```python\n").unwrap();
    let n_lines = after.split("```").next().unwrap().lines().count();
    let sentence = format!("These {n_lines} lines, after `pip install numpy safetensors`");
    assert!(before.contains(&sentence), "no `{sentence}`");
}

/// The target of each link to a Rust file, and what stands behind the link.
fn links_to_sources(row: &str) -> impl Iterator<Item = (&str, &str)> {
    let links = row.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    links.filter(|(target, _)| target.ends_with(".rs"))
}

/// The code of the first documentation test, without its hidden lines.
fn first_test(source: &str) -> Vec<String> {
    let documentation = source.lines().filter_map(|line| line.trim().strip_prefix("///"));
    let documentation = documentation.map(str::trim).collect::<Vec<_>>().join("\n");
    let mut blocks = documentation.split("```").skip(1).step_by(2);
    let test = blocks.find(|block| block.starts_with('\n')).expect("a block of Rust");
    code(test.lines().filter(|line| !line.starts_with("# ")))
}

/// The lines that are neither blank nor a comment.
fn code<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(str::to_owned).collect()
}
