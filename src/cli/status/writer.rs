//! Writes lines for a terminal: no wider than it is, and the loud ones in colour.

use crate::terminal::TerminalSize;

/// How much is left out of a page so that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Brevity {
    /// Nothing.
    Whole,
    /// The rows of regions at which no operator need look.
    WithoutCalm,
    /// Those, and what does not fit into one row of an incident.
    Short,
}

/// A page that grows line by line.
#[derive(Clone)]
pub(super) struct PageWriter {
    has_colours: bool,
    /// `None`: it is no terminal, and lines may be as long as they are.
    size: Option<TerminalSize>,
    page: String,
    rows: usize,
}

impl PageWriter {
    /// Begins a page.
    pub fn new(has_colours: bool, size: Option<TerminalSize>) -> Self {
        Self { has_colours, size, page: String::new(), rows: 0 }
    }

    /// Returns how many columns a line may have; `None`: as many as it has.
    pub fn columns(&self) -> Option<usize> {
        self.size.map(|size| size.columns)
    }

    /// Returns how many rows are left but for the one of the cursor; `None`: as many as are written.
    pub fn rows_left(&self) -> Option<usize> {
        self.size.map(|size| size.rows.saturating_sub(self.rows + 1))
    }

    /// Returns how many rows a line would have.
    pub fn rows_of(&self, line: &str) -> usize {
        self.wrap(line).len()
    }

    /// Writes a line.
    pub fn line(&mut self, line: &str) {
        self.put("", line);
    }

    /// Writes a line, bold.
    pub fn bold(&mut self, line: &str) {
        self.put("1", line);
    }

    /// Writes a line that must not be missed.
    pub fn loud(&mut self, line: &str) {
        self.put("1;31", line);
    }

    /// Writes an empty line, and a heading.
    pub fn heading(&mut self, heading: &str) {
        self.line("");
        self.bold(heading);
    }

    /// Returns whether the terminal has as many rows, and one for the cursor.
    pub fn fits(&self) -> bool {
        self.size.is_none_or(|size| self.rows < size.rows)
    }

    /// Returns what of a line fits into one row.
    pub fn cut(&self, line: &str) -> String {
        match self.columns() {
            Some(columns) if line.chars().count() > columns => {
                line.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
            }
            _ => line.to_owned(),
        }
    }

    /// Returns the page.
    pub fn text(&self) -> &str {
        &self.page
    }

    fn put(&mut self, code: &str, line: &str) {
        let rows = self.wrap(line);
        self.rows += rows.len();
        for row in rows {
            match self.has_colours && !code.is_empty() {
                true => self.page.push_str(&format!("\x1b[{code}m{row}\x1b[0m\n")),
                false => self.page.push_str(&format!("{row}\n")),
            }
        }
    }

    /// Divides a line between words, each row but the first four columns farther in than it begins.
    fn wrap(&self, line: &str) -> Vec<String> {
        let width = self.size.map_or(usize::MAX, |size| size.columns.max(20));
        if line.chars().count() <= width {
            return vec![line.to_owned()];
        }
        let indent = line.chars().take_while(|char| *char == ' ').count();
        let hanging = " ".repeat(indent + 4);
        let (mut rows, mut row, mut columns) = (Vec::new(), line[..indent].to_owned(), indent);
        for word in line[indent..].split(' ') {
            let length = word.chars().count();
            let is_first = row.trim_start().is_empty();
            if !is_first && columns + 1 + length > width {
                rows.push(std::mem::replace(&mut row, format!("{hanging}{word}")));
                columns = hanging.len() + length;
            } else {
                let gap = if is_first { "" } else { " " };
                row.push_str(&format!("{gap}{word}"));
                columns += gap.len() + length;
            }
        }
        rows.push(row);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_goes_on_farther_in_and_no_word_is_lost() {
        let size = TerminalSize { columns: 24, rows: 10 };
        let mut writer = PageWriter::new(false, Some(size));
        writer.line("  tokyo is down (IPv4): 3 of 3 addresses");
        writer.line("short");
        assert_eq!(writer.rows_left(), Some(6));
        assert_eq!(writer.text(), "  tokyo is down (IPv4):\n      3 of 3 addresses\nshort\n");
    }

    #[test]
    fn without_a_terminal_lines_are_as_long_as_they_are() {
        let mut writer = PageWriter::new(false, None);
        let long = "word ".repeat(100);
        writer.line(&long);
        assert_eq!((writer.rows_left(), writer.text()), (None, format!("{long}\n").as_str()));
    }
}
