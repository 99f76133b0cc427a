//! The table: what was measured, what was asked for, and whether it is enough.
//!
//! In: [`Row`]s. Out: Markdown, and a drawing of the ratios. Does not measure.

use std::fmt::Write as _;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// What is compared: a ratio, microseconds or milliseconds.
    pub(crate) figure: f64,
    pub(crate) unit: &'static str,
    pub(crate) at_least: f64,
    pub(crate) aim: f64,
    pub(crate) better: Better,
    /// The same by the processor time each side took, which a loaded machine disturbs less.
    pub(crate) by_cpu: Option<f64>,
}

impl Row {
    fn reaches(&self, mark: f64) -> bool {
        match self.better {
            Better::More => self.figure >= mark,
            Better::Less => self.figure <= mark,
        }
    }

    fn verdict(&self) -> &'static str {
        if self.aim.is_nan() {
            "–"
        } else if self.reaches(self.aim) {
            "aim"
        } else if self.reaches(self.at_least) {
            "enough"
        } else {
            "short"
        }
    }

    fn line(&self) -> String {
        let mark = |mark: f64| match self.better {
            _ if mark.is_nan() => "–".to_owned(),
            Better::More => format!("{mark} {}", self.unit),
            Better::Less => format!("≤ {mark} {}", self.unit),
        };
        let by_cpu = self.by_cpu.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2} ×"));
        format!(
            "| {} | {} | {} | {:.2} {} | {by_cpu} | {} | {} | {} |",
            self.what,
            self.ours,
            self.theirs,
            self.figure,
            self.unit,
            mark(self.at_least),
            mark(self.aim),
            self.verdict()
        )
    }
}

/// The table, Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| what | ours | beside it | figure | by processor time | at least | aim | verdict |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        text.push_str(&row.line());
        text.push('\n');
    }
    text
}

/// The ratios as bars, with a mark where "at least" is.
pub(crate) fn drawing(rows: &[Row]) -> String {
    const WIDTH: f64 = 300.0;
    const LINE: usize = 22;
    let rows: Vec<&Row> = rows.iter().filter(|row| row.unit == "×").collect();
    let height = rows.len() * LINE + 10;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    for (number, row) in rows.iter().enumerate() {
        let y = number * LINE + 5;
        // In shares of the aim, so that all rows fit one scale.
        let share = |figure: f64| (figure / row.aim).min(1.5) / 1.5 * WIDTH;
        let colour = match row.verdict() {
            "aim" => "#2a9d5c",
            "enough" => "#3a7bd5",
            _ => "#d1495b",
        };
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text>\
             <rect x=\"470\" y=\"{y}\" width=\"{:.0}\" height=\"14\" fill=\"{colour}\"/>\
             <line x1=\"{x:.0}\" x2=\"{x:.0}\" y1=\"{y}\" y2=\"{}\" stroke=\"#222\"/>\
             <text x=\"{:.0}\" y=\"{}\">{:.2} ×</text>",
            y + 12,
            row.what,
            share(row.figure),
            y + 14,
            475.0 + share(row.figure),
            y + 12,
            row.figure,
            x = 470.0 + share(row.at_least),
        );
    }
    svg.push_str("</svg>\n");
    svg
}
