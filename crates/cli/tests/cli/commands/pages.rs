//! The pages of `lecture` and `tasks`.

use crate::support::sandbox::Sandbox;

#[test]
fn the_lecture_agrees_with_everything_that_was_published() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeeds("lecture").stdout;
    let last: Vec<&str> = page.lines().last().unwrap().split_whitespace().collect();
    let ["all", compared, "published", "numbers", "agree", ..] = last[..] else {
        panic!("{last:?}");
    };
    // The five rungs alone have more than a hundred.
    assert!(compared.parse::<usize>().unwrap() > 100, "{last:?}");
    assert!(sandbox.tree(".").is_empty());
}

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

#[test]
fn help_and_version_are_not_errors() {
    let sandbox = Sandbox::new();
    for line in ["--help", "--version", "help train", "train --help", "inspect --help"] {
        let run = sandbox.succeeds(line);
        assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
}
