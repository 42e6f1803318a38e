//! The list of `names`.

use crate::support::sandbox::Sandbox;

#[test]
fn every_name_of_every_kind_is_listed_and_no_other() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeeds("names").stdout;
    let kinds: Vec<Vec<&str>> = page.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(kinds[0][0], "task", "{page}");
    // A name that there is not is answered with those there are.
    for (kind, setting) in [
        ("task", "task.name=none-such"),
        ("model", "model.name=none-such"),
        ("score", "model.score=none-such"),
        ("loss", "loss.name=none-such"),
        ("metric", "train.metrics=['none-such']"),
        ("optimizer", "optimizer.name=none-such"),
        ("schedule", "schedule.kind=none-such"),
    ] {
        let refused = match kind {
            "task" => sandbox.qkv("train none-such"),
            _ => sandbox.qkv(&format!("train reverse --set {setting}")),
        };
        assert_eq!(refused.code, Some(2), "{refused:?}");
        let names =
            kinds.iter().find(|words| words[0] == kind).unwrap_or_else(|| panic!("no {kind} in {page}"));
        assert!(names.len() > 1, "{page}");
        assert!(refused.stderr.contains(&names[1..].join(", ")), "{names:?} and {refused:?}");
    }
}
