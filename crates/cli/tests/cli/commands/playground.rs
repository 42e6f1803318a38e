//! The page in which a reader trains, with a run in it.

use crate::support::sandbox::Sandbox;

/// What `crates/web/build` makes, as far as the command reads it.
const PAGE: &str = "<!DOCTYPE html>\n<meta name=\"generator\" content=\"qkv\">\n\
     <script type=\"application/json\" id=\"page\">{\"palettes\":{},\"beginning\":null}</script>\n";

#[test]
fn the_page_begins_with_the_config_the_weights_and_the_text_of_a_run() {
    let sandbox = Sandbox::new();
    sandbox.write("built.html", PAGE);
    sandbox.write("text.txt", "</script> la la li lo, ".repeat(20));
    sandbox.succeeds(
        "train chars --set task.text=text.txt --set task.seq_len=5 --set model.d_model=8 --set model.n_heads=1 \
         --set train.batch_size=2 --set train.eval_examples=5 --steps 2 --out run --quiet",
    );
    let run = sandbox.succeeds("playground run --page built.html --out page.html");
    assert!(run.stdout.contains("open page.html in a browser"), "{run:?}");
    let page = sandbox.read_text("page.html");
    let (before, rest) = page.split_once("\"beginning\":").unwrap();
    assert!(PAGE.starts_with(before));
    let (json, _) = rest.split_once("}</script>").unwrap();
    let beginning: serde_json::Value = serde_json::from_str(json).unwrap();
    // The text has a name there, and no place on this machine.
    let folder = sandbox.path("text.txt").display().to_string();
    let config = sandbox.read_text("run/config.toml").replace(&folder, "text.txt");
    assert!(config.ends_with(beginning["config"].as_str().unwrap()), "{config}\n{json}");
    assert!(beginning["text"].as_str().unwrap().starts_with("PC9zY3JpcHQ+"), "{json}");
    // The length of a header in eight bytes.
    assert!(beginning["weights"].as_str().unwrap().len() > 1000);
    sandbox.succeeds("playground --page built.html --out plain.html");
    assert_eq!(sandbox.read_text("plain.html"), PAGE);
}

#[test]
fn the_pairs_of_a_run_are_in_its_page_too() {
    let sandbox = Sandbox::new();
    sandbox.write("built.html", PAGE);
    sandbox.write("pairs.txt", (1..40).map(|n| format!("{n}\tn{n}\n")).collect::<String>());
    let small =
        "--set model.d_model=8 --set model.n_heads=1 --set train.batch_size=2 --set train.eval_examples=5";
    sandbox
        .succeeds(&format!("train translate --set task.pairs=pairs.txt {small} --steps 2 --out run --quiet"));
    sandbox.succeeds("playground run --page built.html --out page.html");
    let page = sandbox.read_text("page.html");
    // In base64: one, a tab and n1.
    assert!(page.contains("\"text\":\"MQluMQo"), "{page}");
    assert!(page.contains("pairs = \\\"pairs.txt\\\""), "{page}");
    // Numbers in words need no file.
    sandbox
        .succeeds(&format!("train translate {small} --set task.largest=99 --steps 1 --out numbers --quiet"));
    sandbox.succeeds("playground numbers --page built.html --out numbers.html");
    assert!(sandbox.read_text("numbers.html").contains("\"text\":null"));
}

#[test]
fn a_page_that_is_not_there_or_is_another_is_refused_with_the_command_that_builds_it() {
    let sandbox = Sandbox::new();
    sandbox.write("other.html", "<html>");
    sandbox.succeeds("train reverse --steps 1 --out run --quiet");
    sandbox.refuses(
        "playground run --page other.html",
        &["other.html is no page without a run", "crates/web/build"],
    );
    sandbox.refuses("playground --page other.html --out other.html/page.html", &["--out"]);
    let missing = sandbox.qkv("playground --page missing.html");
    assert_eq!(missing.code, Some(1), "{missing:?}");
}
