//! Lists as people read them in a terminal.
//!
//! In: cells. Out: lines with the columns aligned. Does not know what the cells say.

/// Rows under their heading, columns two spaces apart.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let all: Vec<&[String; N]> = std::iter::once(&heading).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &&[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let rows = [["a".to_owned(), "ä".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(["ID", "TITLE"], &rows), "ID    TITLE\na     ä\nlong");
    }
}
