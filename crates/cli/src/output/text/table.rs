//! Rows of figures as lines of text.

/// The rows under their heads, the first column to the left and all others to the right, two columns from the margin.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| text.chars().count();
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(head[column])]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(widest).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("  {cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(head.to_vec())).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["W_Q", "2 × 3", "1.000e38"], ["W_K", "32 × 32", "-"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let text = table(&["", "shape", "norm"], &rows);
        assert_eq!(text, "         shape      norm\n  W_Q    2 × 3  1.000e38\n  W_K  32 × 32         -\n");
    }
}
