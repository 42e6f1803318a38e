//! The list of `tasks`.

use crate::support::sandbox::Sandbox;

#[test]
fn the_tasks_are_listed_with_an_input_and_its_target() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeeds("tasks").stdout;
    let blocks: Vec<Vec<&str>> = page
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
        .map(|block| block.lines().collect())
        .collect();
    let names: Vec<_> = blocks.iter().map(|block| block[0].split_whitespace().next().unwrap()).collect();
    let tasks = "copy dates induction letters max modular-addition recall recall-interleaved reverse sort sorted-list \
                 translate chars";
    assert_eq!(names.join(" "), tasks);
    let (of_a_text, of_symbols) = blocks.split_last().unwrap();
    for text in ["a language model of any text", "`--set task.text=FILE`"] {
        assert!(of_a_text.join(" ").contains(text), "no `{text}` in {of_a_text:?}");
    }
    assert!(!page.contains("empty"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    for block in of_symbols {
        let row = |name: &str| -> Vec<String> {
            let labels = block.iter().find_map(|line| line.trim().strip_prefix(name)).unwrap();
            labels.split_whitespace().map(str::to_owned).collect()
        };
        if ["dates", "translate"].iter().any(|name| block[0].starts_with(name)) {
            assert!(!row("source ").is_empty() && !row("answer ").is_empty());
            continue;
        }
        let (input, target) = (row("input "), row("target "));
        assert_eq!(input.len(), target.len(), "{block:?}");
        if ["letters", "reverse"].iter().any(|name| block[0].starts_with(name)) {
            let backwards: Vec<String> = input.into_iter().rev().collect();
            assert_eq!(target, backwards);
        }
    }
    assert!(sandbox.tree(".").is_empty());
}
