//! Text as Python's `json.dumps` writes it: ASCII only, characters above as `\u` escapes.

use std::fmt::Write as _;

pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_python_does() {
        let mut out = String::new();
        push_string(&mut out, "\u{e4}\u{2028}\u{7f}\"\\/\n\u{1f600}\u{1}");
        assert_eq!(out, r#""\u00e4\u2028\u007f\"\\/\n\ud83d\ude00\u0001""#);
    }
}
