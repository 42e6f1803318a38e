//! Every number of the walk follows from those before it.

use super::{explain, line, numbers};
use crate::support::sandbox::Sandbox;

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
