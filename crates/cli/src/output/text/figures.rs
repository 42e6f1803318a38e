//! The figures of an evaluation as text.

use qkv_train::Evaluation;

use super::table::table;

/// "accuracy 0.7500   sequence accuracy 0.2500   loss 5.00e-1", what was measured of it.
pub fn figures(evaluation: &Evaluation) -> String {
    let shares = [Evaluation::ACCURACY, Evaluation::SEQUENCE_ACCURACY];
    let shares = shares.into_iter().filter_map(|name| Some((name, evaluation.figure(name)?)));
    let mut figures: Vec<String> =
        shares.map(|(name, share)| format!("{} {share:.4}", words(name))).collect();
    figures.push(format!("loss {:.2e}", evaluation.loss));
    figures.join("   ")
}

/// Every other figure, a line each.
pub fn other_figures(evaluation: &Evaluation) -> String {
    let rows = evaluation.metrics.iter().map(|(name, value)| vec![name.clone(), format!("{value:.4}")]);
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() { String::new() } else { table(&["metric", "value"], &rows) }
}

/// The name of a figure in a sentence: "sequence accuracy".
pub fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_not_shown() {
        let evaluation = Evaluation { loss: 0.5, ..Evaluation::default() };
        assert_eq!(
            (figures(&evaluation), other_figures(&evaluation)),
            ("loss 5.00e-1".to_owned(), String::new())
        );
        let shares = evaluation.with("accuracy", 0.75).with("sequence_accuracy", 0.25).with("top_2", 1.0);
        assert_eq!(figures(&shares), "accuracy 0.7500   sequence accuracy 0.2500   loss 5.00e-1");
        assert_eq!(other_figures(&shares), "  metric   value\n  top_2   1.0000\n");
    }
}
