//! The film of a run as one page.

use crate::sandbox::Sandbox;

#[test]
fn the_page_has_a_frame_for_every_checkpoint_and_asks_for_nothing_from_outside() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train reverse --steps 6 --out run --quiet --set train.checkpoint_every=2 --set task.seq_len=5",
    );
    let report = sandbox.succeeds("report run");
    assert!(report.stdout.contains("4 frames"), "{report:?}");
    let page = sandbox.read_text("run/report.html");
    for outside in ["src=\"http", "href=\"http", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{outside}");
    }
    sandbox.succeeds("report run --out page.html");
    assert_eq!(sandbox.read_text("page.html"), page);
}

#[test]
fn other_arms_stand_beside_the_run_with_what_differs() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 4 --quiet --set task.seq_len=5";
    sandbox.succeeds(&format!("{line} --out run"));
    sandbox.succeeds(&format!("{line} --out bare --set model.projections=none"));
    sandbox.succeeds(&format!("{line} --out other --seed 7"));
    sandbox.succeeds("report run --with bare other");
    let page = sandbox.read_text("run/report.html");
    for text in ["model.projections = none", ">seed = 7<", "training loss of bare"] {
        assert!(page.contains(text), "no `{text}`");
    }
    sandbox.succeeds("report bare");
    assert!(!sandbox.read_text("bare/report.html").contains("Side by side"));
}

#[test]
fn a_report_of_nothing_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.refuses("report nowhere", &["nowhere"]);
    sandbox.refuses("report . --out .", &["--out", "name a file"]);
    sandbox.succeeds("train reverse --steps 1 --quiet --out run");
    sandbox.refuses("report run --with nowhere", &["nowhere"]);
}
