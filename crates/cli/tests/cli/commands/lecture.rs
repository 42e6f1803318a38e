//! The published numbers of `lecture`.

use crate::support::sandbox::Sandbox;

#[test]
fn the_lecture_agrees_with_everything_that_was_published() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeeds("lecture").stdout;
    let last: Vec<&str> = page.lines().last().unwrap().split_whitespace().collect();
    let ["all", compared, "published", "numbers", "agree", ..] = last[..] else {
        panic!("{last:?}");
    };
    // The first six steps alone have more than a hundred.
    assert!(compared.parse::<usize>().unwrap() > 100, "{last:?}");
    assert!(sandbox.tree(".").is_empty());
}
