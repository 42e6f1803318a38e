//! The steps of the walk.

use super::{explain, line};
use crate::support::sandbox::Sandbox;
use crate::support::trained::sandbox_with_the_main_job;

#[test]
fn every_matrix_of_the_walk_comes_with_its_shape() {
    let sandbox = Sandbox::new();
    // All dimensions differ: 5 positions, 12 wide, 2 heads with 7 for queries and keys and 6 for values.
    sandbox.succeeds(
        "train reverse --steps 1 --quiet --out run --set task.seq_len=5 --set model.d_model=12 --set model.n_heads=2 \
         --set model.d_k=7",
    );
    let text = sandbox.succeeds("explain run --query 3 --head 1").stdout;
    for (start, shape) in [
        ("x_3 ", "[1 × 12]"),
        ("W_Q ", "[12 × 7]"),
        ("q_3 = x_3 W_Q", "[1 × 7]"),
        ("W_K ", "[12 × 7]"),
        ("k_j = x_j W_K", "[5 × 7]"),
        ("scores ", "[1 × 5]"),
        ("scaled ", "[1 × 5]"),
        ("weights ", "[1 × 5]"),
        ("W_V ", "[12 × 6]"),
        ("v_j = x_j W_V", "[5 × 6]"),
        ("context_3 ", "[1 × 6]"),
    ] {
        assert!(line(&text, start).contains(shape), "{start}: no {shape} in\n{text}");
    }
    // 1/√7.
    assert!(line(&text, "scaled ").contains("0.377964"), "{text}");
    assert!(line(&text, "run at step").ends_with("step 1, layer 0, head 1"), "{text}");
}

#[test]
fn the_walk_of_the_main_job_ends_at_the_mirrored_symbol() {
    let sandbox = sandbox_with_the_main_job();
    let text = explain(&sandbox, "run --query 3", "A B C D E F G H I J A B C D E F");
    assert!(line(&text, "input").ends_with("A B C D E F G H I J A B C D E F"), "{text}");
    assert!(line(&text, "weights ").ends_with("sum 1.000000"), "{text}");
    for (start, shape) in [("q_3 ", "[1 × 32]"), ("W_Q ", "[32 × 32]"), ("k_j ", "[16 × 32]")] {
        assert!(line(&text, start).contains(shape), "{text}");
    }
    // Position 3 of the answer is position 12 of the input, where a C stands.
    assert!(line(&text, "the prediction is").contains("`C`, which is right"), "{text}");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip_while(|line| !line.contains("weight") || !line.contains("token"))
        .skip(1)
        .take(16)
        .map(|row| {
            let cells = row.split_whitespace().take(5).enumerate();
            // Beside the token stand numbers.
            cells.filter(|(column, _)| *column != 1).map(|(_, cell)| cell.parse().unwrap()).collect()
        })
        .collect();
    let (scale, mut heaviest) = (1.0 / 32_f64.sqrt(), 0);
    for (j, row) in rows.iter().enumerate() {
        let [index, score, scaled, weight] = row[..] else { panic!("{row:?}") };
        assert_eq!(index, j as f64);
        // Printed to four digits.
        assert!((score * scale - scaled).abs() < 1e-4, "{row:?}");
        // softmax: the ratio of two weights is the exponential of the difference of their scaled scores.
        let expected = rows[12][3] * (scaled - rows[12][2]).exp();
        assert!((weight - expected).abs() < 1e-4, "{row:?}");
        heaviest = if weight > rows[heaviest][3] { j } else { heaviest };
    }
    assert_eq!(heaviest, 12, "{text}");
}

#[test]
fn only_the_last_layer_leads_to_an_answer() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train reverse --steps 1 --quiet --out run --set model.n_layers=2 --set model.n_heads=2 --set model.d_mlp=16",
    );
    let [first, last] = ["--layer 0", "--layer 1 --head 1"]
        .map(|place| sandbox.succeeds(&format!("explain run {place}")).stdout);
    assert!(!first.contains("logits_") && !first.contains("residual"), "{first}");
    for start in ["residual ", "others ", "head 1 ", "MLP ", "features ", "logits_0 = features_0 U"] {
        line(&last, start);
    }
    assert!(
        line(&last, "logits_0").ends_with("[1 × 10]") && last.lines().all(|line| line.chars().count() <= 80),
        "{last}"
    );
    // What is not asked has no answer.
    sandbox.succeeds("train recall --steps 1 --quiet --out recall");
    assert!(!sandbox.succeeds("explain recall --query 2").stdout.contains("logits_"));
}

#[test]
fn a_hidden_key_is_marked() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train copy --steps 1 --quiet --out run --set task.len=3");
    let walk = sandbox.succeeds("explain run --query 2");
    let hidden = |text: &str| text.lines().filter(|line| line.ends_with("hidden")).count();
    // Five positions: queries 2 and 4 see three and five of them.
    assert_eq!(hidden(&walk.stdout), 2, "{}", walk.stdout);
    assert_eq!(hidden(&sandbox.succeeds("explain run --query 4").stdout), 0);
}

#[test]
fn matrices_that_are_not_there_are_called_identity() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train reverse --steps 1 --quiet --out run --set model.projections=none");
    let walk = sandbox.succeeds("explain run").stdout;
    assert_eq!(walk.lines().filter(|line| line.ends_with("identity")).count(), 3, "{walk}");
    let mixed = "--set model.projections.w_k=none --set model.projections.w_v=frozen --set model.bias=true";
    sandbox.succeeds(&format!("train letters --steps 1 --quiet --out mixed --set model.d_k=8 {mixed}"));
    let walk = sandbox.succeeds("explain mixed").stdout;
    let identities: Vec<&str> = walk.lines().filter(|line| line.ends_with("identity")).collect();
    assert!(matches!(identities[..], [line] if line.starts_with("W_K")), "{walk}");
    assert!(
        walk.contains("W_Q + b_Q") && walk.contains("k_j = x_j W_K  ") && walk.contains("W_V + b_V"),
        "{walk}"
    );
}

#[test]
fn every_step_between_scores_and_weights_is_shown() {
    let sandbox = Sandbox::new();
    let line = "train reverse --steps 3 --quiet --set task.seq_len=5 --out";
    let explained = |name: &str, settings: &str| {
        sandbox.succeeds(&format!("{line} {name} {settings}"));
        sandbox.succeeds(&format!("explain {name}")).stdout
    };
    let plain = explained("plain", "");
    for word in ["as compared", "biased", "capped", "sink"] {
        assert!(!plain.contains(word), "{plain}");
    }
    assert!(explained("rope", "--set model.positions=rope").contains("as compared"));
    assert!(explained("alibi", "--set model.positions=alibi").contains("biased"));
    assert!(explained("cap", "--set model.softcap=0.1").contains("capped"));
    assert!(explained("quiet", "--set model.softmax=quiet").contains("the rest on the sink"));
}

#[test]
fn every_line_fits_whatever_the_length_of_inputs_and_labels() {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", "the quick brown fox jumps over the lazy dog, and again\n".repeat(60));
    let fast = "--set train.batch_size=4 --set train.eval_examples=4 --steps 1 --quiet --out";
    sandbox.succeeds(&format!("train chars --set task.text=text.txt {fast} text"));
    sandbox.succeeds(&format!("train sorted-list --set model.d_model=8 --set model.n_heads=1 {fast} list"));
    let [walk, ..] = ["explain list", "explain text", "inspect list", "inspect text"].map(|line| {
        let page = sandbox.succeeds(line).stdout;
        let widest = page.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 80, "{line}: {widest}");
        page
    });
    // Eight values stand below each other, also beside the longest label.
    let keys: Vec<&str> =
        walk.lines().filter(|line| line.starts_with("k_") && !line.starts_with("k_j")).collect();
    assert!(keys.len() == 20 && keys.iter().any(|row| row.starts_with("k_10 SEP")), "{walk}");
    assert!(keys.iter().all(|row| row.chars().count() == 80 && !row.contains('…')), "{walk}");
}
