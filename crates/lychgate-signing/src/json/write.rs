//! Writing JSON with the bytes that Python would write.

use std::fmt::Write as _;

use super::{MAX_DEPTH, Value};
use crate::error::EncodeError;

/// Writes `value`; `depth` counts the arrays and objects around it.
pub(crate) fn write_value(out: &mut String, value: &Value, depth: usize) -> Result<(), EncodeError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => write_int(out, *number),
        Value::Float(number) => write_float(out, *number),
        Value::Str(text) => write_str(out, text, Escape::Controls),
        Value::List(_) | Value::Map(_) if depth >= MAX_DEPTH => return Err(EncodeError::TooDeep),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item, depth + 1)?;
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_str(out, name, Escape::Controls);
                out.push(':');
                write_value(out, member, depth + 1)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

pub(crate) fn write_int(out: &mut String, number: i128) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{number}");
}

/// Writes a float as Python's `repr` does: the shortest digits that read back as the same number, in plain
/// notation for decimal exponents from -4 to 15 and otherwise with a signed exponent of two digits or more.
pub(crate) fn write_float(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_infinite() {
        return out.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        if let Some((digits, exponent)) = text.split_once('e') {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
        }
    } else {
        // Debug keeps ".0" on whole numbers, and in this range never uses an exponent.
        let _ = write!(out, "{number:?}");
    }
}

/// What is escaped in strings, besides quotes and backslashes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Escape {
    /// Control characters, as itsdangerous does.
    Controls,
    /// Everything but printable ASCII, as Flask does; characters outside the Basic Multilingual Plane
    /// become surrogate pairs.
    NonAscii,
}

impl Escape {
    fn applies(self, byte: u8) -> bool {
        byte < b' ' || byte == b'"' || byte == b'\\' || (self == Self::NonAscii && byte > b'~')
    }
}

pub(crate) fn write_str(out: &mut String, text: &str, escape: Escape) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| escape.applies(byte)) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        if let Some(special) = chars.next() {
            write_escape(out, special);
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn write_escape(out: &mut String, special: char) {
    match special {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(number: f64) -> String {
        let mut out = String::new();
        write_float(&mut out, number);
        out
    }

    #[test]
    fn floats_look_as_in_python() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.5, "-0.5"),
            (1_750_000_000.0, "1750000000.0"),
            (1_750_000_000.25, "1750000000.25"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.000_099_99, "9.999e-05"),
            (1e-7, "1e-07"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.234_567_890_123_456_8e17, "1.2345678901234568e+17"),
            (1e22, "1e+22"),
            (-1e100, "-1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float(number), text);
        }
    }

    #[test]
    fn strings_are_escaped_as_in_python() {
        let text = "a\"\\/\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é☃😀<b>";
        let written = |escape| {
            let mut out = String::new();
            write_str(&mut out, text, escape);
            out
        };
        let controls = r#""a\"\\/\n\r\t\b\f\u0000\u001f"#;
        assert_eq!(written(Escape::NonAscii), format!(r#"{controls}\u007f\u00e9\u2603\ud83d\ude00<b>""#));
        assert_eq!(written(Escape::Controls), format!("{controls}\u{7f}é☃😀<b>\""));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        assert!(nested(MAX_DEPTH).to_json().is_ok());
        assert_eq!(nested(MAX_DEPTH + 1).to_json(), Err(EncodeError::TooDeep));
    }
}
