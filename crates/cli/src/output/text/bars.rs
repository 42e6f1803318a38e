//! Numbers as bars, a few lines high.

/// Eighths of a line, from nothing to all of it.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The bars beside each other, each `width` columns wide, as `rows` lines from the top one on; `top` is as high as they
/// are together.
pub fn bars(heights: &[f64], top: f64, rows: usize, width: usize) -> Vec<String> {
    let eighths = |height: &f64| {
        let n_eighths = (rows * 8) as f64;
        (height / top * n_eighths).round().clamp(0.0, n_eighths) as usize
    };
    let line = |row: usize| {
        let cells = heights.iter().map(|height| {
            let filled = eighths(height).saturating_sub(row * 8).min(8);
            EIGHTHS[filled].to_string().repeat(width)
        });
        cells.collect()
    };
    (0..rows).rev().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_number() {
        assert_eq!(bars(&[1.0, 0.75, 0.5, 0.25, 0.0], 1.0, 2, 1), ["█▄   ", "███▄ "]);
        assert_eq!(bars(&[1e-9, 7.0, -1.0, f64::NAN], 1.0, 1, 2), ["  ██    "]);
    }
}
