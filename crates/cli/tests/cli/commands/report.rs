//! The film of a run as one page.

use crate::support::sandbox::Sandbox;

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
    sandbox.succeeds("report --with bare --with other run");
    let page = sandbox.read_text("run/report.html");
    for text in ["id=\"variants-title\"", "model.projections = none", ">seed = 7<", "training loss of bare"] {
        assert!(page.contains(text), "no `{text}`");
    }
    sandbox.succeeds("report bare");
    assert!(!sandbox.read_text("bare/report.html").contains("id=\"variants-title\""));
}

#[test]
fn pictures_for_papers_and_slides() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 4 --quiet --set task.seq_len=5 --set model.n_heads=2 --out run");
    sandbox.succeeds("report run --svg svg --png png");
    let names = |folder: &str| -> Vec<String> {
        sandbox
            .tree(folder)
            .keys()
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    let mut expected = Vec::new();
    for kind in ["film", "ov_tokens", "qk_tokens", "w_k", "w_q", "w_v", "weights"] {
        expected.extend([0, 1].map(|head| format!("{kind}_blocks_0_attention_head_{head}")));
    }
    assert_eq!((names("svg"), names("png")), (expected.clone(), expected));
    let svg = sandbox.read_text("svg/film_blocks_0_attention_head_1.svg");
    for text in ["run: layer 0, head 1", "\nstep 0\n", "\nstep 4\n", "\nW_Q\n", "\nattention\n"] {
        assert!(svg.contains(text), "no `{text}`");
    }
    // The signature that every PNG file begins with.
    for picture in sandbox.tree("png").values().flatten() {
        assert_eq!(picture[..8], [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a]);
    }
}

#[test]
fn a_frame_that_cannot_be_read_is_left_out_and_named() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train reverse --steps 6 --out run --quiet --set train.snapshot_every=2 --set task.seq_len=5",
    );
    let frame = "run/snapshots/step-00000002.safetensors";
    let whole = sandbox.read(frame);
    sandbox.write(frame, &whole[..whole.len() / 2]);
    let report = sandbox.succeeds("report run");
    assert!(report.stdout.contains("\n3 frames, "), "{report:#?}");
    assert_eq!(report.stderr.lines().count(), 1, "{report:#?}");
    for fragment in ["without the frame of step 2", "step-00000002.safetensors"] {
        assert!(report.stderr.contains(fragment), "{report:#?}");
    }
}

#[test]
fn a_report_of_nothing_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.refuses("report nowhere", &["nowhere"]);
    sandbox.refuses("report . --out .", &["--out", "name a file"]);
    sandbox.succeeds("train reverse --steps 1 --quiet --out run");
    sandbox.write("notes.toml", "seed = 1");
    sandbox.refuses("report run --out notes.toml", &["--out notes.toml", "something else than a page"]);
    assert_eq!(sandbox.read_text("notes.toml"), "seed = 1");
    sandbox.refuses("report run --with nowhere", &["nowhere"]);
    sandbox
        .refuses("report run --png run/config.toml", &["--png run/config.toml is a file", "name a folder"]);
}
