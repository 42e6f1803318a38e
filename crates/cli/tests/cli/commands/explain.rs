//! The walk of `explain`.

use crate::support::sandbox::{Finished, Sandbox};
use crate::support::trained::sandbox_with_the_main_job;

#[track_caller]
fn explain(sandbox: &Sandbox, line: &str, input: &str) -> String {
    let mut command = sandbox.command(&format!("explain {line}"));
    let run: Finished = command.arg(input).output().unwrap().into();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
    run.stdout
}

/// The line that begins with `start`.
#[track_caller]
fn line<'a>(text: &'a str, start: &str) -> &'a str {
    let line = text.lines().find(|line| line.trim_start().starts_with(start));
    line.unwrap_or_else(|| panic!("no line `{start}` in\n{text}"))
}

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

/// The numbers in the lines that begin with `start`.
#[track_caller]
fn numbers(text: &str, start: &str) -> Vec<f64> {
    line(text, start)[start.len()..].split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_walk_goes_on_from_the_context_to_the_probability_of_the_answer() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train letters --quiet --out run");
    let text = explain(&sandbox, "run --query 1", "A B C D");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let [residual, head, features] = ["residual ", "head 0 ", "features "].map(|start| numbers(&text, start));
    for ((residual, head), sum) in residual.iter().zip(&head).zip(&features) {
        // Printed to four digits.
        assert!((residual + head - sum).abs() < 2e-4, "{text}");
    }
    let rows = |after: &str, n: usize| -> Vec<Vec<String>> {
        let lines = text.lines().skip_while(|line| !line.starts_with(after)).skip(1).take(n);
        lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let unembedding = rows("U, the unembedding", 8);
    let table = rows("       token", 4);
    let logit = |token: usize| -> f64 {
        features.iter().zip(&unembedding).map(|(x, row)| x * row[token].parse::<f64>().unwrap()).sum()
    };
    let sum: f64 = (0..4).map(|token| logit(token).exp()).sum();
    for (token, name) in ["A", "B", "C", "D"].into_iter().enumerate() {
        let row = table.iter().find(|row| row[0] == name).unwrap();
        let [shown, share] = [1, 2].map(|column| row[column].parse::<f64>().unwrap());
        assert!((shown - logit(token)).abs() < 5e-3, "{name}: {shown} for {}\n{text}", logit(token));
        assert!((share - logit(token).exp() / sum).abs() < 5e-3, "{name}\n{text}");
    }
    // Position 1 of the answer is position 2 of the input.
    assert!(
        table[0][0] == "C" && line(&text, "the prediction is").ends_with("`C`, which is right"),
        "{text}"
    );
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
fn without_an_input_a_test_example_is_explained() {
    let sandbox = sandbox_with_the_main_job();
    let text = sandbox.succeeds("explain run").stdout;
    assert!(line(&text, "the query is").contains("position 0"), "{text}");
    assert!(line(&text, "the prediction is").ends_with("which is right"), "{text}");
}

#[test]
fn labels_that_share_a_position_are_read_side_by_side() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train recall --steps 1 --quiet --out run");
    let input = "a0 b1 c2 d3 e4 f5 F· A· B· C· D· E·";
    let text = explain(&sandbox, "run --query 8", input);
    assert!(line(&text, "input").ends_with(input), "{text}");
    assert!(line(&text, "the query is").ends_with("position 8, where `B·` stands"), "{text}");
    // B asks for b, which stood with 1.
    let verdict = line(&text, "the prediction is");
    assert!(verdict.ends_with("the target is `1`") || verdict.ends_with("`1`, which is right"), "{verdict}");
    let first_asked = explain(&sandbox, "run", input);
    assert!(line(&first_asked, "the query is").contains("position 6"), "{first_asked}");
    let unasked = explain(&sandbox, "run --query 2", input);
    assert!(unasked.ends_with("this position has no target\n"), "{unasked}");
    let mut command = sandbox.command("explain run");
    command.arg("a b1 c2 d3 e4 f5 F· A· B· C· D· E·");
    sandbox.is_refused(command, &["`a`", "2 labels side by side"]);
    let length = "must have 12 positions of 2 labels side by side, separated by spaces";
    sandbox.refuses("explain run abc", &[length, "got 1 position"]);
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

/// A run of a text of the characters a, b, e, o, r, t, a space and a line end.
fn run_of_a_text() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", "to be or to bate\n".repeat(20));
    sandbox.succeeds(
        "train chars --set task.text=text.txt --set task.seq_len=12 --set model.d_model=16 --set model.n_heads=1 \
         --set train.batch_size=4 --set train.eval_examples=4 --steps 2 --quiet --out run",
    );
    sandbox
}

#[test]
fn the_walk_of_a_causal_model_is_that_of_the_last_query() {
    let sandbox = run_of_a_text();
    // The last of twelve positions has no target.
    let text = sandbox.succeeds("explain run").stdout;
    assert!(line(&text, "the query is").contains("position 10,"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with("hidden")).count(), 1, "{text}");
    sandbox.succeeds("train copy --steps 1 --quiet --out copy --set task.len=3");
    let text = sandbox.succeeds("explain copy").stdout;
    assert!(line(&text, "the query is").contains("position 4,"), "{text}");
}

#[test]
fn a_plain_text_is_an_input_where_each_label_is_a_character() {
    let sandbox = run_of_a_text();
    let text = explain(&sandbox, "run", "to be or");
    assert!(line(&text, "input").ends_with("t o ␣ b e ␣ o r"), "{text}");
    assert!(text.contains("\n           ␣ is a space\n"), "{text}");
    assert!(line(&text, "the query is").ends_with("position 7, where `r` stands"), "{text}");
    assert!(line(&text, "k_j ").contains("[8 × 16]"), "{text}");
    assert!(line(&text, "the prediction is").ends_with("and what follows is open"), "{text}");
    // A position before the end has the next character as its target.
    let before = explain(&sandbox, "run --query 2", "to be or");
    let verdict = line(&before, "the prediction is");
    assert!(verdict.contains("`b`"), "{verdict}");
    // What a causal model computes does not depend on what follows.
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("k_") && !line.starts_with("k_j"))
            .take(4)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(rows(&text), rows(&explain(&sandbox, "run", "to b")));
    // Labels mean their characters, and a whole input may be given as labels.
    let end = explain(&sandbox, "run", "o␣be\\n");
    assert!(line(&end, "input").ends_with("o ␣ b e \\n"), "{end}");
    let labels = explain(&sandbox, "run", "t o ␣ b e ␣ o r ␣ t o ␣");
    assert_eq!(labels, explain(&sandbox, "run", "to be or to "));
    assert!(!explain(&sandbox, "run", "tobe").contains("is a space"));
    // A row that was shown is the input that it shows, whatever its length.
    for text in ["to be or", "t", "to", "o be\n", " be"] {
        let shown = explain(&sandbox, "run", text);
        let row = line(&shown, "input").split_once("input").unwrap().1.trim();
        assert_eq!(explain(&sandbox, "run", row), shown, "{row}");
    }

    let sandbox = sandbox_with_the_main_job();
    let letters = explain(&sandbox, "run", "ABCDEFGHIJABCDEF");
    assert_eq!(letters, explain(&sandbox, "run", "A B C D E F G H I J A B C D E F"));
}

#[test]
fn a_text_that_is_no_input_is_refused_with_what_there_is() {
    let sandbox = run_of_a_text();
    for (text, fragments) in [
        (
            "to be, Or",
            &[
                "no `,` (character 6), `O` (character 8)",
                "\\n ␣ a b e o r t",
                "␣ is a space, which is typed as it is",
            ][..],
        ),
        ("to be or to be", &["must have 1 to 12 characters", "got 14 characters"]),
        ("", &["must have 1 to 12 characters", "got 0 characters"]),
    ] {
        let mut command = sandbox.command("explain run");
        command.arg(text);
        sandbox.is_refused(command, fragments);
    }
    let mut command = sandbox.command("explain run --query 8");
    command.arg("to be or");
    sandbox.is_refused(command, &["--query", "below 8", "got 8"]);
    let sandbox = sandbox_with_the_main_job();
    for (text, fragments) in [
        ("ABCD", ["must have 16 characters", "got 4 characters"]),
        ("ABCDEFGHIJABCDxF", ["no `x` (character 15)", "A B C D E F G H I J"]),
    ] {
        let mut command = sandbox.command("explain run");
        command.arg(text);
        sandbox.is_refused(command, &fragments);
    }
}

/// The numbers of the lines below the one that begins with `start`, as long as they begin with `row` and have some.
#[track_caller]
fn numbers_below(text: &str, start: &str, row: &str) -> Vec<Vec<f64>> {
    let below = text.lines().skip_while(|line| !line.starts_with(start)).skip(1);
    let rows = below.take_while(|line| line.starts_with(row));
    let numbers = |line: &str| line.get(8..)?.split_whitespace().map(|cell| cell.parse().ok()).collect();
    let rows: Vec<Vec<f64>> = rows.map_while(numbers).collect();
    assert!(!rows.is_empty(), "nothing below `{start}` in\n{text}");
    rows
}

/// `x` times a matrix.
fn times(x: &[f64], matrix: &[Vec<f64>]) -> Vec<f64> {
    let column = |column: usize| x.iter().zip(matrix).map(|(x, row)| x * row[column]).sum();
    (0..matrix[0].len()).map(column).collect()
}

/// Both are printed to four digits behind the point.
#[track_caller]
fn are_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let far = found.iter().zip(expected).find(|(found, expected)| (**found - **expected).abs() > 5e-3);
    assert!(far.is_none(), "{found:?}, expected {expected:?}");
}

#[test]
fn every_number_of_the_walk_of_letters_follows_from_those_before() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train letters --quiet --out run");
    let text = explain(&sandbox, "run --query 1", "A C D B");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let below = |start: &str, row: &str| numbers_below(&text, start, row);
    let [x, k, v] = [below("x_j", "x_"), below("k_j", "k_"), below("v_j", "v_")];
    let [w_q, w_k, w_v] = ["W_Q", "W_K", "W_V"].map(|name| below(name, " "));
    assert_eq!([w_q.len(), w_q[0].len(), w_v.len(), w_v[0].len(), x.len()], [8, 2, 8, 8, 4]);
    let q = below("q_1", " ").remove(0);
    are_close(&below("x_1", " ")[0], &x[1]);
    are_close(&q, &times(&x[1], &w_q));
    for (x, (k, v)) in x.iter().zip(k.iter().zip(&v)) {
        are_close(k, &times(x, &w_k));
        are_close(v, &times(x, &w_v));
    }
    let rows = text.lines().skip_while(|line| !line.ends_with("scaled    weight")).skip(1).take(4);
    let rows: Vec<Vec<f64>> = rows
        .map(|row| row.split_whitespace().skip(2).take(3).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    for (row, k) in rows.iter().zip(&k) {
        let score: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
        are_close(&row[..2], &[score, score / 2_f64.sqrt()]);
    }
    let sum: f64 = rows.iter().map(|row| row[1].exp()).sum();
    let weights: Vec<f64> = rows.iter().map(|row| row[1].exp() / sum).collect();
    are_close(&rows.iter().map(|row| row[2]).collect::<Vec<_>>(), &weights);
    are_close(&below("context_1", " ")[0], &times(&weights, &v));
    assert!(line(&text, "the prediction is").ends_with("`D`, which is right"), "{text}");
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
