//! The matrices of `inspect`.

use std::collections::BTreeMap;
use std::fs;

use crate::support::sandbox::Sandbox;
use crate::support::tensors::{Numbers, file_of_layers, tensors};
use crate::support::trained::sandbox_with_the_main_job;

/// The row of figures of a matrix, cell by cell from its norm on: norm, rank, effective rank, three singular values,
/// moved, cosine.
#[track_caller]
fn figures(text: &str, matrix: &str) -> Vec<String> {
    let row = text.lines().find(|line| line.contains(&format!(" {matrix} ")) && line.contains(" × "));
    let row = row.unwrap_or_else(|| panic!("no row of {matrix} in\n{text}"));
    let after_the_shape = row.split(" × ").nth(1).unwrap().split_whitespace().skip(1);
    after_the_shape.map(str::to_owned).collect()
}

/// Four significant digits of `expected`.
#[track_caller]
fn assert_figure(text: &str, expected: f64) {
    let shown: f64 = text.parse().unwrap();
    assert!((shown - expected).abs() <= 5.1e-4 * expected.abs(), "{text} is not {expected}");
    assert_eq!(text.trim_start_matches(['0', '.']).chars().filter(char::is_ascii_digit).count(), 4, "{text}");
}

fn weights(sandbox: &Sandbox, step: u32) -> BTreeMap<String, Numbers> {
    tensors(&sandbox.read(&format!("run/checkpoints/step-{step:08}/model.safetensors")))
}

#[test]
fn norm_and_movement_are_those_of_the_files() {
    let sandbox = sandbox_with_the_main_job();
    let text = sandbox.succeeds("inspect run").stdout;
    let [start, end] = [0, 500].map(|step| weights(&sandbox, step));
    for (title, field) in [("W_Q", "w_q"), ("W_K", "w_k"), ("W_V", "w_v")] {
        let name = format!("blocks.0.attention.{field}");
        let (start, end) = (&start[&name], &end[&name]);
        let row = figures(&text, title);
        assert_figure(&row[0], end.norm());
        assert_eq!(row[1], "32", "the rank of {row:?}");
        let moved = end.minus(start).norm() / start.norm();
        assert_figure(&row[6], moved);
        assert!(
            text.contains(&format!("{title} of blocks.0.attention, head 0  (32 d_in down, 32 ")),
            "{text}"
        );
    }
    assert!(text.contains("attention weights, query down, key across"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn a_run_its_checkpoint_and_its_file_show_the_same() {
    let sandbox = sandbox_with_the_main_job();
    // All but the first line, which names the source.
    let show = |source: &str| {
        let text = sandbox.succeeds(&format!("inspect {source}")).stdout;
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(first.starts_with(source) && first.ends_with("at step 500"), "{first}");
        rest.to_owned()
    };
    let of_run = show("run");
    assert_eq!(of_run, show("run/checkpoints/step-00000500"));
    assert_eq!(of_run, show("run/checkpoints/step-00000500/model.safetensors"));
}

#[test]
fn step_zero_has_not_moved() {
    let sandbox = sandbox_with_the_main_job();
    let text = sandbox.succeeds("inspect run/checkpoints/step-00000000").stdout;
    for matrix in ["W_Q", "W_K", "W_V"] {
        assert_eq!(figures(&text, matrix)[6..], ["0", "1.000"]);
    }
}

#[test]
fn a_bare_file_is_split_into_the_heads_that_it_is_said_to_have() {
    let sandbox = sandbox_with_the_main_job();
    let file = "run/checkpoints/step-00000500/model.safetensors";
    fs::copy(sandbox.path(file), sandbox.path("mine.safetensors")).unwrap();
    fs::remove_dir_all(sandbox.path("run")).unwrap();
    let whole = sandbox.succeeds("inspect mine.safetensors").stdout;
    assert_eq!(figures(&whole, "W_Q")[6..], ["-", "-"], "nothing to compare it with");
    let split = sandbox.succeeds("inspect mine.safetensors --heads 2").stdout;
    for head in 0..2 {
        assert!(
            split.contains(&format!("W_Q of blocks.0.attention, head {head}  (32 d_in down, 16 ")),
            "{split}"
        );
    }
    let w_q = &tensors(&sandbox.read("mine.safetensors"))["blocks.0.attention.w_q"];
    let left_half = w_q.values.chunks(32).flat_map(|row| &row[..16]).copied().collect();
    let left_half = Numbers { shape: vec![32, 16], values: left_half };
    // The first row is head 0.
    assert_figure(&figures(&split, "W_Q")[0], left_half.norm());
}

#[test]
fn heads_of_keys_are_those_of_the_config_or_follow_from_the_widths() {
    let sandbox = Sandbox::new();
    let grouped = "--set model.n_heads=4 --set model.n_kv_heads=2 --set model.d_k=8";
    sandbox.succeeds(&format!("train reverse --steps 1 --quiet --out run {grouped}"));
    let of_run = sandbox.succeeds("inspect run").stdout;
    assert!(of_run.contains("W_K of blocks.0.attention, head 3  (32 d_in down, 8 d_k across)"), "{of_run}");
    assert_eq!(sandbox.succeeds("inspect run --heads 4").stdout, of_run);
    fs::copy(
        sandbox.path("run/checkpoints/step-00000001/model.safetensors"),
        sandbox.path("mine.safetensors"),
    )
    .unwrap();
    for given in ["", "--kv-heads 2"] {
        let of_file = sandbox.succeeds(&format!("inspect mine.safetensors --heads 4 {given}")).stdout;
        assert!(
            of_file.contains("W_K of blocks.0.attention, head 3  (32 d_in down, 8 d_k across)"),
            "{of_file}"
        );
    }
    sandbox.refuses("inspect run --heads 2", &["16 for each of n_heads = 2", "8 for each of n_kv_heads = 2"]);
}

#[test]
fn heads_are_described_in_a_line_each() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train copy --steps 1 --quiet --out run --set model.n_layers=2 --set model.n_heads=2");
    let text = sandbox.succeeds("inspect run").stdout;
    let after =
        |heading: &str| text.split_once(heading).unwrap_or_else(|| panic!("no {heading:?} in {text}")).1;
    for layer in ["blocks.0.attention", "blocks.1.attention"] {
        let lines: Vec<&str> = after(&format!("heads of {layer}\n")).lines().take(3).collect();
        let heads: Vec<&str> = lines[1..].iter().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(heads, ["0", "1"], "{text}");
        let copying: f64 = lines[1].split_whitespace().last().unwrap().parse().unwrap();
        assert!((-1.0..=1.0).contains(&copying), "{text}");
    }
    for line in after("heads of blocks.0").lines() {
        assert!(line.chars().count() <= 80, "{line:?} is wider than 80 columns");
    }
    // Query, key and value of each of the two heads of the second layer.
    let composed =
        after("composition: ").lines().skip(2).take_while(|line| line.contains("blocks.0.attention"));
    assert_eq!(composed.count(), 6, "{text}");
}

#[test]
fn figures_far_from_one_keep_four_digits() {
    let sandbox = Sandbox::new();
    sandbox.write("far.safetensors", file_of_layers(&[("a", 1e38), ("b", 1e-5)]));
    let text = sandbox.succeeds("inspect far.safetensors").stdout;
    assert_eq!(figures(&text, "W_Q")[0], "2.000e38");
    assert!(text.contains("  2.000e-5  "), "{text}");
}

#[test]
fn every_picture_that_was_written_has_a_file_of_its_own() {
    let sandbox = Sandbox::new();
    let long = "x".repeat(300);
    let layers = ["A", "a", "a/b", "a_b", "a b", long.as_str()];
    sandbox.write("mine.safetensors", file_of_layers(&layers.map(|layer| (layer, 1.0))));
    let text = sandbox.succeeds("inspect mine.safetensors --svg pictures").stdout;
    let written = text.lines().filter_map(|line| line.strip_prefix("wrote "));
    let mut folded: Vec<String> = written.map(str::to_lowercase).collect();
    folded.sort();
    folded.dedup();
    assert_eq!((folded.len(), sandbox.tree("pictures").len()), (6, 6), "{text}");
}

#[test]
fn a_model_without_projections_is_reported_as_such() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 1 --quiet --out run --set model.projections=none");
    let text = sandbox.succeeds("inspect run").stdout;
    assert!(text.contains("no projections"), "{text}");
    assert!(text.contains("attention weights"), "{text}");
    let mixed = "--set model.projections.w_q=none --set model.projections.w_k=frozen";
    sandbox.succeeds(&format!("train reverse --steps 1 --quiet --out mixed {mixed}"));
    let text = sandbox.succeeds("inspect mixed").stdout;
    assert!(text.contains("\nno W_Q: queries are the input itself\n"), "{text}");
    assert!(!text.contains("no W_K") && !text.contains("no projections"), "{text}");
}

#[test]
fn pictures_are_well_formed_and_one_a_matrix() {
    let sandbox = sandbox_with_the_main_job();
    let text = sandbox.succeeds("inspect run --svg deep/pictures").stdout;
    let pictures = sandbox.tree("deep/pictures");
    let names: Vec<&str> = pictures.keys().map(|path| path.to_str().unwrap()).collect();
    let expected =
        ["w_k", "w_q", "w_v", "weights"].map(|name| format!("{name}_blocks_0_attention_head_0.svg"));
    assert_eq!(names, expected);
    for (path, content) in &pictures {
        let path = path.to_str().unwrap();
        assert!(text.contains(&format!("wrote deep/pictures/{path}")), "{text}");
        let svg = String::from_utf8(content.clone().unwrap()).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{path}");
        let cells = if path.starts_with("weights") { 16 * 16 } else { 32 * 32 };
        assert!(balanced_elements(&svg) > cells, "{path}");
    }
}

/// The number of elements of an XML text without comments, each of which must be closed in its turn.
fn balanced_elements(xml: &str) -> usize {
    let (mut open, mut count) = (Vec::new(), 0);
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("no end of <{piece}"));
        assert!(!text.contains('>'), "a bare > in {text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "an open quotation mark in <{tag}>");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "</{name}>"),
            None => {
                count += 1;
                if !tag.ends_with('/') {
                    open.push(tag.split_whitespace().next().unwrap());
                }
            }
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    count
}
