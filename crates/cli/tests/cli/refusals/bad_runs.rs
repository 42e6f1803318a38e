//! Folders and files that are not a run, or a damaged one.

use std::fs;

use safetensors::SafeTensors;

use crate::support::sandbox::Sandbox;
use crate::support::trained::{main_job, sandbox_with_the_main_job};

/// The commands that read a run.
const READERS: [&str; 5] = ["eval", "ablate", "explain", "sample", "inspect"];

const WEIGHTS: &str = "run/checkpoints/step-00000500/model.safetensors";

#[track_caller]
fn every_reader_refuses(sandbox: &Sandbox, path: &str, fragments: &[&str]) {
    for reader in READERS {
        sandbox.refuses(&format!("{reader} {path}"), fragments);
    }
}

#[test]
fn a_missing_run_is_refused() {
    every_reader_refuses(&Sandbox::new(), "nowhere", &["nowhere"]);
}

#[test]
fn a_run_that_is_called_like_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox.place("runs/reverse-1", &main_job().run);
    sandbox.place("mine/first", &main_job().run);
    for (path, meant) in [
        ("runs/revrse-1", "did you mean runs/reverse-1?"),
        ("reverse-1", "did you mean runs/reverse-1?"),
        ("reverse", "did you mean runs/reverse-1?"),
        ("mine/frist", "did you mean mine/first?"),
    ] {
        every_reader_refuses(&sandbox, path, &[path, "does not exist", meant]);
    }
    for line in ["train runs/revrse-1 --resume", "compare runs/revrse-1"] {
        sandbox.refuses(line, &["runs/revrse-1 does not exist", "; did you mean runs/reverse-1?"]);
    }
    let of_a_task = ["reverse is a task; --resume needs the folder of a run", "did you mean runs/reverse-1?"];
    sandbox.refuses("train reverse --resume", &of_a_task);
    for line in ["eval photos", "train photos --resume", "compare photos"] {
        let missing = sandbox.qkv(line).stderr;
        assert!(!missing.contains("did you mean"), "{missing}");
    }
}

#[test]
fn an_input_of_several_arguments_is_shown_between_quotation_marks() {
    let sandbox = sandbox_with_the_main_job();
    let input = "A B C D E F G H I J A B C D E F";
    let command = format!(" explain run '{input}' --query 2\n");
    sandbox.refuses(
        &format!("explain run {input} --query 2"),
        &["the input is 16 arguments, expected one between quotation marks:", &command],
    );
    let mut tried = sandbox.command("explain run --query 2");
    assert!(tried.arg(input).output().unwrap().status.success());
    // What would be refused as well is not shown.
    let refused = sandbox.qkv("explain run A B C --query 2");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    for fragment in ["the input is 3 arguments", "must have 16 labels", "got 3 labels"] {
        assert!(refused.stderr.contains(fragment), "no `{fragment}` in {}", refused.stderr);
    }
    assert!(!refused.stderr.contains("'A B C'"), "{}", refused.stderr);
}

#[test]
fn a_folder_that_is_not_a_run_is_refused_for_what_it_lacks() {
    let sandbox = Sandbox::new();
    sandbox.write("photos/cat.png", "meow");
    every_reader_refuses(&sandbox, "photos", &["photos is not a run folder: config.toml is missing"]);
}

#[test]
fn a_run_without_checkpoints_is_refused() {
    let sandbox = sandbox_with_the_main_job();
    fs::remove_dir_all(sandbox.path("run/checkpoints")).unwrap();
    every_reader_refuses(&sandbox, "run", &["run", "checkpoint"]);
}

#[test]
fn a_file_that_is_not_safetensors_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("poem.txt", "Roses are red, violets are blue");
    every_reader_refuses(&sandbox, "poem.txt", &["poem.txt"]);
    sandbox.refuses("inspect poem.txt", &["not a safetensors file", "Roses"]);
}

#[test]
fn weights_that_are_not_safetensors_or_cut_off_anywhere_are_refused() {
    let sandbox = sandbox_with_the_main_job();
    let whole = sandbox.read(WEIGHTS);
    let cut_off = [0, 5, 100, whole.len() - 1].map(|length| &whole[..length]);
    for damaged in [&b"Roses are red, violets are blue"[..]].into_iter().chain(cut_off) {
        sandbox.write(WEIGHTS, damaged);
        every_reader_refuses(&sandbox, "run", &[WEIGHTS]);
    }
}

#[test]
fn the_weights_of_another_model_are_refused_with_both_sizes() {
    let sandbox = sandbox_with_the_main_job();
    sandbox.succeeds("train reverse --steps 1 --set model.d_model=24 --out narrow --quiet");
    fs::copy(sandbox.path("narrow/checkpoints/step-00000001/model.safetensors"), sandbox.path(WEIGHTS))
        .unwrap();
    for reader in ["eval", "ablate", "explain", "sample"] {
        sandbox.refuses(&format!("{reader} run"), &[WEIGHTS, "is damaged", "MANIFEST.json states"]);
    }
    // Before there were manifests, only the sizes could tell.
    make_older_than_manifests(&sandbox);
    for reader in ["eval", "ablate", "explain", "sample"] {
        sandbox.refuses(&format!("{reader} run"), &[WEIGHTS, "embedding.table", "[10, 32]", "[10, 24]"]);
    }
    sandbox.refuses("inspect run", &["run", "24x24", "32x32"]);
}

#[test]
fn weights_that_lack_a_tensor_are_refused_with_its_name() {
    let sandbox = sandbox_with_the_main_job();
    make_older_than_manifests(&sandbox);
    let whole = sandbox.read(WEIGHTS);
    let weights = SafeTensors::deserialize(&whole).unwrap();
    let others = weights.iter().filter(|(name, _)| *name != "blocks.0.attention.w_k");
    sandbox.write(WEIGHTS, safetensors::serialize(others, None).unwrap());
    for reader in ["eval", "ablate", "explain", "sample"] {
        sandbox.refuses(&format!("{reader} run"), &[WEIGHTS, "lacks `blocks.0.attention.w_k`"]);
    }
}

/// Makes the last checkpoint one of a version that wrote no manifests.
fn make_older_than_manifests(sandbox: &Sandbox) {
    let checkpoint = "run/checkpoints/step-00000500";
    fs::remove_file(sandbox.path(&format!("{checkpoint}/MANIFEST.json"))).unwrap();
    let config = sandbox.read_text(&format!("{checkpoint}/config.json"));
    let config = config.replace("qkv-checkpoint-2", "qkv-checkpoint-1");
    sandbox.write(&format!("{checkpoint}/config.json"), config);
}

#[test]
fn a_damaged_config_is_refused_by_those_who_need_it() {
    let sandbox = sandbox_with_the_main_job();
    sandbox.write("run/config.toml", "seed =");
    for reader in ["eval", "ablate", "explain", "sample"] {
        sandbox.refuses(&format!("{reader} run"), &["config of run", "line 1"]);
    }
}

#[test]
fn an_index_out_of_range_is_refused_with_the_range() {
    let sandbox = sandbox_with_the_main_job();
    for (option, fragments) in [
        ("--layer 1", ["--layer", "0 or blocks.0; got 1", "of the run"]),
        ("--layer blocks", ["--layer", "0 or blocks.0; got blocks", "of the run"]),
        ("--layer -1", ["--layer", "0 or blocks.0; got -1", "of the run"]),
        ("--head 2", ["--head", "below 1", "got 2"]),
        ("--query 16", ["--query", "below 16", "got 16"]),
    ] {
        sandbox.refuses(&format!("explain run {option}"), &fragments);
    }
    sandbox.refuses("inspect run --heads 0", &["--heads", "at least 1"]);
    sandbox.refuses("inspect run --heads 3", &["run", "n_heads = 3", "32"]);
}

#[test]
fn an_input_that_the_task_does_not_know_is_refused() {
    let sandbox = sandbox_with_the_main_job();
    for (input, fragments) in [
        ("1 2 3", ["3 labels", "must have 16 labels"]),
        ("", ["0 labels", "must have 16 labels"]),
        ("A B C D E F G H I J A B C D E x", ["`x`", "A B C D E F G H I J"]),
        ("A B C D E F G H I J A B C D E K", ["`K`", "no label"]),
    ] {
        let mut command = sandbox.command("explain run");
        command.arg(input);
        sandbox.is_refused(command, &fragments);
    }
}

#[test]
fn an_evaluation_of_nothing_or_of_everything_of_too_much_is_refused() {
    let sandbox = sandbox_with_the_main_job();
    sandbox.refuses("eval run --examples 0", &["'0'", "--examples", "at least 1"]);
    sandbox
        .refuses("eval run --exact", &["--exact", "at most 1,000,000 inputs", "has 10,000,000,000,000,000"]);
    sandbox.succeeds("train recall --steps 1 --out pairs --quiet");
    sandbox.refuses("eval pairs --exact", &["--exact", "more than can be numbered"]);
}
