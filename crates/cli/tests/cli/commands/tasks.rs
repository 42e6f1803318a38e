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
    let tasks =
        "chars copy induction max modular-addition recall recall-interleaved reverse sort sorted-list";
    assert_eq!(names.join(" "), tasks);
    assert!(blocks[0][0].contains("task.text=FILE"), "{:?}", blocks[0]);
    for block in &blocks[1..] {
        let row = |line: &str, name: &str| -> Vec<String> {
            let labels = line.trim().strip_prefix(name).unwrap();
            labels.split_whitespace().map(str::to_owned).collect()
        };
        let (input, target) = (row(block[1], "input"), row(block[2], "target"));
        assert_eq!(input.len(), target.len(), "{block:?}");
        if block[0].starts_with("reverse") {
            let backwards: Vec<String> = input.into_iter().rev().collect();
            assert_eq!(target, backwards);
        }
    }
    assert!(sandbox.tree(".").is_empty());
}
