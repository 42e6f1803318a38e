//! The page for researchers: its tables have as many lines of code as the files that they link.

use std::fs;
use std::path::Path;

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
