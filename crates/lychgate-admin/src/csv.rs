//! Tables as text (RFC 4180), safe to open in a spreadsheet.

/// Writes a line. A field that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets
/// do not show.
pub(crate) fn write(fields: &[String]) -> String {
    let mut line = fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

fn quoted(field: &str) -> String {
    let mark = if is_formula(field) { "'" } else { "" };
    format!("\"{mark}{}\"", field.replace('"', "\"\""))
}

/// Whether a spreadsheet would compute a field: spaces before the sign do not keep it from that.
fn is_formula(field: &str) -> bool {
    let start = field.trim_start_matches([' ', '\u{a0}', '\u{feff}']);
    start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

/// Reads lines of fields, each with the number of its first line; stops after `most`. What we put before formulas is
/// taken away.
pub(crate) fn read(text: &str, most: usize) -> Vec<(usize, Vec<String>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begun, mut inside, mut chars) = (1, 1, false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' => inside = !inside,
            ',' if !inside => row.push(plain(std::mem::take(&mut field))),
            '\n' if !inside => {
                row.push(plain(std::mem::take(&mut field)));
                let full = std::mem::take(&mut row);
                if full.iter().any(|field| !field.is_empty()) {
                    rows.push((begun, full));
                }
                line += 1;
                begun = line;
                if rows.len() >= most {
                    return rows;
                }
            }
            '\r' if !inside => {}
            c => {
                line += usize::from(c == '\n');
                field.push(c);
            }
        }
    }
    row.push(plain(field));
    if row.iter().any(|field| !field.is_empty()) {
        rows.push((begun, row));
    }
    rows
}

fn plain(field: String) -> String {
    let field = field.trim();
    field.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(field).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for evil in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u{ff1d}1", "=cmd|' /C calc'!A0"] {
            let line = write(&[evil.to_owned()]);
            assert!(line.starts_with("\"'"), "{line}");
        }
        for plain in ["joe@lp.com", "a=b", "", "O'Neill", "1-2"] {
            assert_eq!(write(&[plain.to_owned()]), format!("\"{plain}\"\r\n"));
        }
        assert_eq!(write(&["a\"b".to_owned(), "c,d\n".to_owned()]), "\"a\"\"b\",\"c,d\n\"\r\n");
    }

    #[test]
    fn what_is_written_is_read() {
        let rows =
            [vec!["joe@lp.com".to_owned(), "a \"b\", c".to_owned()], vec!["=1".to_owned(), "two\nlines".to_owned()]];
        let text: String = rows.iter().map(|row| write(row)).collect();
        let read: Vec<Vec<String>> = read(&text, 9).into_iter().map(|(_, row)| row).collect();
        assert_eq!(read, rows);
    }

    #[test]
    fn lines_are_counted_and_bounded() {
        let rows = read("a,b\n\n\"x\ny\",z\r\nlast", 9);
        let lines: Vec<usize> = rows.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 5]);
        assert_eq!(read(&"a\n".repeat(50), 10).len(), 10);
        assert_eq!(read("\"never closed", 9).len(), 1);
        assert!(read("", 9).is_empty());
    }
}
