//! `explain` of a model that reads a source and writes its answer.

use super::{line, numbers};
use crate::support::sandbox::Sandbox;
use crate::support::trained::TINY_PAIR;

/// The longest name of a number below a thousand.
const LONGEST: usize = "siebenhundertsiebenundsiebzig".len();

/// A run of some steps in `run`, after which answers are digits: no two dimensions are equal, 20 wide, 2 heads with 7 for
/// queries and keys and 10 for values.
fn run_of_pairs() -> Sandbox {
    let sandbox = Sandbox::new();
    let shape = "--set model.d_model=20 --set model.n_heads=2 --set model.d_k=7";
    sandbox.succeeds(&format!("train {TINY_PAIR} --steps 60 --quiet --out run {shape}"));
    sandbox
}

#[track_caller]
fn have_shapes(text: &str, shapes: &[(&str, &str)]) {
    for (start, shape) in shapes {
        assert!(line(text, start).contains(shape), "{start}: no {shape} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// The rows of the table of scores, as words.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let table = text.lines().skip_while(|line| !line.ends_with("weight")).skip(1);
    table.take_while(|line| !line.is_empty()).map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn a_query_of_the_answer_meets_the_keys_of_the_source() {
    let sandbox = run_of_pairs();
    let text =
        sandbox.succeeds("explain run einundzwanzig --layer decoder.0.cross --query 0 --head 1").stdout;
    assert!(line(&text, "run at step").ends_with("step 60, layer decoder.0.cross, head 1"), "{text}");
    assert_eq!(line(&text, "source"), "source     einundzwanzig");
    assert!(line(&text, "the query is").ends_with("position 0 of the answer, where `⊢` stands"), "{text}");
    let n_padding = LONGEST - 13;
    let keys = format!("the keys are the 13 positions of the source; {n_padding} of padding are hidden");
    assert_eq!(line(&text, "the keys are"), keys);
    have_shapes(
        &text,
        &[
            ("x_0 ", "[1 × 20]"),
            ("W_Q ", "[20 × 7]"),
            ("q_0 = x_0 W_Q", "[1 × 7]"),
            ("W_K ", "[20 × 7]"),
            ("k_j = source_j W_K", "[13 × 7]"),
            ("weights ", "[1 × 13]"),
            ("W_V ", "[20 × 10]"),
            ("v_j = source_j W_V", "[13 × 10]"),
            ("context_0 ", "[1 × 10]"),
            ("logits_0 = features_0 U", "[1 × "),
        ],
    );
    let rows = rows(&text);
    let read: String = rows.iter().map(|row| row[1]).collect();
    assert_eq!((read.as_str(), rows[3][0]), ("einundzwanzig", "3"), "{text}");
    let sum: f64 = rows.iter().map(|row| row[4].parse::<f64>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4 && !text.contains('□'), "{text}");
    assert!(
        line(&text, "j  source").ends_with("weight") && line(&text, "k_12 ").contains("k_12 g"),
        "{text}"
    );
}

#[test]
fn the_features_of_the_answer_are_a_sum_over_the_parts_of_the_decoder() {
    let sandbox = run_of_pairs();
    let text = sandbox.succeeds("explain run einundzwanzig --query 0 --head 1").stdout;
    assert!(line(&text, "features_0 = ").starts_with("features_0 = sum of these parts"), "{text}");
    let [residual, others, head, mlp, biases, features] =
        ["residual ", "others ", "head 1 ", "MLP ", "biases ", "features "]
            .map(|start| numbers(&text, start));
    assert!(residual.len() > 4 && residual.len() == features.len(), "{text}");
    for (at, sum) in features.iter().enumerate() {
        let parts = residual[at] + others[at] + head[at] + mlp[at] + biases[at];
        // Five parts, printed to four digits.
        assert!((parts - sum).abs() < 3e-4, "{at}: {parts} for {sum}\n{text}");
    }
    // The encoder's last layer leads to no answer.
    let of_encoder = sandbox.succeeds("explain run zwei --layer encoder.0").stdout;
    assert!(!of_encoder.contains("features_"), "{of_encoder}");
}

#[test]
fn a_layer_has_an_index_a_path_and_a_name_and_the_last_one_across_is_shown_first() {
    let sandbox = run_of_pairs();
    let explain = |layer: &str| sandbox.succeeds(&format!("explain run zwei {layer}")).stdout;
    let shown = explain("");
    for layer in ["2", "decoder.0.cross", "decoder.0.cross.attention"] {
        assert_eq!(explain(&format!("--layer {layer}")), shown, "{layer}");
    }
    assert_eq!(explain("--layer decoder.0"), explain("--layer 1"));
    assert!(explain("--layer encoder.0").contains("layer encoder.0, head 0"));
    let there_are = "0 or encoder.0, 1 or decoder.0, 2 or decoder.0.cross; got";
    for wrong in ["3", "decoder", "decoder.1.cross", "attention"] {
        sandbox.refuses(&format!("explain run zwei --layer {wrong}"), &["--layer", there_are, wrong]);
    }
}

#[test]
fn each_side_counts_its_own_positions() {
    let sandbox = run_of_pairs();
    let text = sandbox.succeeds("explain run einundzwanzig --layer encoder.0 --query 12").stdout;
    assert!(line(&text, "the query is").ends_with("position 12 of the source, where `g` stands"), "{text}");
    have_shapes(&text, &[("k_j = x_j W_K", "[13 × 7]"), ("v_j = x_j W_V", "[13 × 10]")]);
    assert!(text.ends_with("this position has no target\n"), "{text}");
    let refused = ["--query must be below 13, the number of positions of the source, got 13"];
    sandbox.refuses("explain run einundzwanzig --layer encoder.0 --query 13", &refused);
    // The model has answered by now, to a source that it read whole.
    let own = sandbox.succeeds("explain run einundzwanzig --layer decoder.0").stdout;
    let answer = line(&own, "answer").split_whitespace().nth(1).unwrap_or_default().chars().count();
    let last = format!("position {answer} of the answer");
    assert!(line(&own, "the query is").contains(&last), "{own}");
    assert_eq!(rows(&own).len(), answer + 1, "{own}");
    let first = sandbox.succeeds("explain run einundzwanzig --layer decoder.0 --query 0").stdout;
    assert_eq!(
        first.lines().filter(|line| line.ends_with("hidden") && line.contains('.')).count(),
        answer,
        "{first}"
    );
}

#[test]
fn an_answer_that_the_model_writes_is_neither_right_nor_wrong() {
    let sandbox = run_of_pairs();
    let text = sandbox.succeeds("explain run einundzwanzig").stdout;
    assert!(text.contains("\n           the model wrote the answer itself\n"), "{text}");
    let prediction = line(&text, "the prediction is");
    assert!(prediction.ends_with("`, with which it goes on"), "{prediction}");
    // What it writes first is what it predicts first.
    let answer = line(&text, "answer").split_whitespace().nth(1).unwrap_or("⊣");
    let first = answer.chars().next().unwrap();
    assert!(prediction.contains(&format!("`{first}`")), "{text}");
    // A test example has a right answer.
    let drawn = sandbox.succeeds("explain run").stdout;
    let verdict = line(&drawn, "the prediction is");
    assert!(verdict.ends_with("which is right") || verdict.contains("the target is `"), "{verdict}");
    assert!(
        drawn.contains("the input is the first of the test examples") && !drawn.contains("wrote"),
        "{drawn}"
    );
    sandbox.refuses("explain run zweix", &["`x`", "the vocabulary lacks"]);
    let long = "siebenhundertsiebenundsiebzigtausend";
    sandbox.refuses(&format!("explain run {long}"), &["at most 29 tokens", "got 36"]);
}

#[test]
fn a_transformer_reads_a_source_in_its_one_sequence() {
    let sandbox = Sandbox::new();
    let train = "train translate --steps 60 --quiet --out run --set task.to=digits --set task.largest=999";
    let model =
        "--set model.name=transformer --set model.d_model=8 --set model.n_heads=1 --set model.d_mlp=8";
    sandbox.succeeds(&format!("{train} {model} --set train.batch_size=4 --set train.eval_examples=10"));
    let text = sandbox.succeeds("explain run zwei --query 2").stdout;
    assert!(line(&text, "input").starts_with("input      z w e i □ □"), "{text}");
    assert!(text.contains("the model wrote the answer itself"), "{text}");
    assert!(line(&text, "the query is").ends_with("position 2, where `e` stands"), "{text}");
    // A whole row is an input, too, with the answer that stands in it.
    let padding = "□ ".repeat(LONGEST - 4);
    let row = format!("z w e i {padding}⊢ 2 □ □");
    let mut command = sandbox.command("explain run");
    let output = command.arg(&row).args(["--query", &LONGEST.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("wrote") && line(&text, "the query is").contains("where `⊢` stands"), "{text}");
    let verdict = line(&text, "the prediction is");
    assert!(verdict.ends_with("which is right") || verdict.ends_with("the target is `2`"), "{verdict}");
}

#[test]
fn maps_are_shown_and_written_without_padding_with_words_on_both_sides() {
    let sandbox = run_of_pairs();
    let text = sandbox.succeeds("explain run einundzwanzig --map --svg pictures --png pictures").stdout;
    assert!(
        text.contains("each row is a token of the answer as it is written,\neach column one of the source"),
        "{text}"
    );
    assert!(text.contains("head 0  (") && text.contains("head 1  ("), "{text}");
    let answer = line(&text, "answer").split_whitespace().nth(1).unwrap_or_default();
    let size = format!("({} answer down, 13 source across)", answer.chars().count() + 1);
    assert!(line(&text, "head 0").ends_with(&size), "{text}");
    assert!(
        text.contains("\n  e i n u n d z w a n z i g\n") && !text.contains('□') && !text.contains('⊢'),
        "{text}"
    );
    let rows: String =
        text.lines().filter(|line| line.ends_with('|')).filter_map(|line| line.chars().next()).collect();
    assert_eq!(rows, format!("{answer}⊣").repeat(2), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let name = "weights_decoder_0_cross_attention_head_1";
    let svg = sandbox.read_text(&format!("pictures/{name}.svg"));
    assert!(
        svg.contains(&format!("<title>decoder.0.cross, head 1: einundzwanzig → {answer}</title>")),
        "{svg}"
    );
    assert!(sandbox.read(&format!("pictures/{name}.png")).starts_with(b"\x89PNG"));
    // One head alone, of any layer.
    let text = sandbox.succeeds("explain run zwei --map --layer encoder.0 --head 1").stdout;
    assert!(text.contains("each row is a query, each column a key") && !text.contains("head 0"), "{text}");
    assert!(line(&text, "head 1").ends_with("(4 query down, 4 key across)"), "{text}");
    let text = sandbox.succeeds("explain run --map --layer decoder.0").stdout;
    assert!(text.contains("the first of the test examples"), "{text}");
    sandbox.refuses("explain run zwei --map --query 0", &["--map", "--query"]);
    sandbox.refuses("explain run zwei --svg pictures", &["--map"]);
    sandbox.write("file", "");
    sandbox.refuses("explain run zwei --map --svg file", &["--svg file is a file; name a folder"]);
}

#[test]
fn a_map_that_is_too_wide_is_shown_in_parts() {
    let sandbox = Sandbox::new();
    let train =
        "train translate --steps 60 --quiet --out run --set task.to=digits --set model.name=encoder-decoder";
    let small = "--set model.d_model=8 --set model.n_heads=1 --set model.d_mlp=8 --set train.batch_size=4";
    sandbox.succeeds(&format!("{train} {small} --set model.n_layers=1 --set train.eval_examples=10"));
    let source = "siebenhundertsiebenundsiebzigtausendzwei";
    let text = sandbox.succeeds(&format!("explain run {source} --map")).stdout;
    let parts: Vec<&str> = text.lines().filter(|line| line.starts_with("head 0, source ")).collect();
    assert!(
        parts.len() == 2 && parts[0].contains("source 0 to 19") && parts[1].contains("source 20 to 39"),
        "{text}"
    );
    for labels in
        ["\n  s i e b e n h u n d e r t s i e b e n u\n", "\n  n d s i e b z i g t a u s e n d z w e i\n"]
    {
        assert!(text.contains(labels), "{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_transformer_has_maps_too() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train letters --steps 1 --quiet --out run");
    let text = sandbox.succeeds("explain run ABCD --map").stdout;
    assert!(text.starts_with("run at step 1, layer 0\ninput      A B C D\n"), "{text}");
    assert!(line(&text, "head 0").ends_with("(4 query down, 4 key across)"), "{text}");
    assert!(text.contains("\n  A B C D\nA "), "{text}");
}
