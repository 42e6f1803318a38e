//! The published numbers of `lecture`, and its steps one by one.

use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

/// What every line fits into.
const COLUMNS: usize = 80;

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
    for line in page.lines() {
        assert!(line.chars().count() <= COLUMNS && line.trim_end() == line, "{line:?}");
    }
    assert!(!page.contains('\x1b') && !page.contains('✗'), "{page}");
    let headings = page.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let numbers = headings.map(|line| line.split_once('.').unwrap().0.parse::<usize>().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), (1..=11).collect::<Vec<_>>());
    // With a large d_k only the scaled training has begun to learn: chance is ln 10.
    let loss = |name: &str| -> f64 {
        let row = page.lines().rfind(|line| line.trim_start().starts_with(name)).unwrap();
        row.split_whitespace().last().unwrap().parse().unwrap()
    };
    let (scaled, unscaled) = (loss("× 1/√d_k "), loss("unscaled "));
    assert!(scaled < 0.5 && unscaled > 2.0, "{scaled}, {unscaled}");
}

#[test]
fn one_step_has_every_number_of_its_way() {
    let sandbox = Sandbox::new();
    let page = sandbox.succeeds("lecture 2").stdout;
    assert!(page.starts_with("\n2. three learnable matrices, scaled\n"), "{page}");
    for text in
        ["x, a row for each token [6 × 3]", "W_K [3 × 2]", "v = x W_V [6 × 2]", "scaled = scores × 0.7071"]
    {
        assert!(page.contains(text), "no `{text}` in\n{page}");
    }
    let row = |word: &str, nth: usize| -> Vec<f64> {
        let rows = page.lines().filter_map(|line| line.trim_start().strip_prefix(word));
        let rows = rows.map(|row| row.split_whitespace().filter_map(|cell| cell.parse().ok()).collect());
        // Words alone stand above columns.
        rows.filter(|row: &Vec<f64>| !row.is_empty()).nth(nth).unwrap()
    };
    // The scores of the first token are its query's products with all keys.
    let (q_k_v, scores) = (|word| row(word, 1), row("Your", 2));
    let q = q_k_v("Your");
    for (key, score) in ["Your", "journey", "starts", "with", "one", "step"].into_iter().zip(&scores) {
        let k = q_k_v(key);
        assert!((q[0] * k[2] + q[1] * k[3] - score).abs() < 2e-4, "{key}: {q:?} {k:?} {score}");
    }
    // Scores, weights and context.
    assert_eq!(page.matches('✓').count(), 18, "{page}");
    assert!(page.ends_with("all 84 published numbers agree to the printed digits\n"), "{page}");
    assert!(!sandbox.succeeds("lecture 9").stdout.contains("agree"));
    for step in ["0", "12", "two", "-1"] {
        sandbox.refuses(&format!("lecture {step}"), &["the lecture has steps 1 to 11"]);
    }
}

#[test]
fn a_slow_lecture_waits_for_a_key_and_ends_when_it_is_asked_to() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, "lecture --slow");
    pty.resize(100, 200);
    pty.wait_for("any key goes on");
    let first = pty.text();
    assert!(first.contains("1. attention without parameters") && !first.contains("2. three"), "{first}");
    pty.press(" ");
    pty.wait_until("it waits again", |text| text.matches("any key goes on").count() == 2);
    pty.press("q");
    // Those of the first two steps.
    pty.wait_for("all 174 published numbers agree");
    assert_eq!(pty.wait_for_the_end(), Some(0));
    assert!(!pty.text().contains("3. better"), "{}", pty.text());
    sandbox.refuses("lecture --slow", &["--slow waits", "standard input is no terminal"]);
    // With a step it begins there; a key of three bytes is one.
    let mut pty = Pty::start(&sandbox, "lecture 8 --slow");
    pty.resize(100, 200);
    pty.wait_for("any key goes on");
    pty.press("\x1b[C");
    pty.wait_until("it waits again", |text| text.matches("any key goes on").count() == 2);
    let text = pty.text();
    assert!(text.contains("\n9. ") && !text.contains("7. back") && !text.contains("\n10. "), "{text}");
    pty.press("\x03");
    assert_eq!(pty.wait_for_the_end(), Some(130));
    sandbox.refuses("lecture 2 --slow", &["--slow waits", "standard input is no terminal"]);
}
