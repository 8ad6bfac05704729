//! Reading JSON (RFC 8259), with Python's `NaN` and `Infinity`.

use super::{MAX_DEPTH, ParseError, Value};

type Result<T> = std::result::Result<T, ParseError>;

/// Reads one value that fills the text.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err(ParseError) }
}

struct Reader<'a> {
    text: &'a str,
    /// Always a character boundary.
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.eat(byte) { Ok(()) } else { Err(ParseError) }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value> {
        if !self.rest().starts_with(word) {
            return Err(ParseError);
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        self.skip_space();
        match self.peek().ok_or(ParseError)? {
            b'"' => self.string().map(Value::Str),
            b'[' | b'{' if depth >= MAX_DEPTH => Err(ParseError),
            b'[' => self.list(depth + 1),
            b'{' => self.map(depth + 1),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'N' => self.word("NaN", Value::Float(f64::NAN)),
            b'I' => self.word("Infinity", Value::Float(f64::INFINITY)),
            b'-' if self.rest().starts_with("-I") => self.word("-Infinity", Value::Float(f64::NEG_INFINITY)),
            _ => self.number(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Value::List(items));
            }
            self.expect(b',')?;
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Value::Map(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(ParseError);
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            members.push((name, self.value(depth)?));
            self.skip_space();
            if self.eat(b'}') {
                break;
            }
            self.expect(b',')?;
        }
        if has_repeated_name(&members) { Err(ParseError) } else { Ok(Value::Map(members)) }
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(ParseError) }
    }

    fn number(&mut self) -> Result<Value> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        let mut whole = true;
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            whole = false;
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).ok_or(ParseError)?;
        if whole {
            return text.parse().map(Value::Int).map_err(|_| ParseError);
        }
        let number: f64 = text.parse().map_err(|_| ParseError)?;
        if number.is_finite() { Ok(Value::Float(number)) } else { Err(ParseError) }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < b' ').ok_or(ParseError)?;
            out.push_str(rest.get(..stop).ok_or(ParseError)?);
            self.at += stop;
            if self.eat(b'"') {
                return Ok(out);
            }
            self.expect(b'\\')?;
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char> {
        let kind = self.peek().ok_or(ParseError)?;
        if !kind.is_ascii() {
            return Err(ParseError);
        }
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(ParseError),
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            // A low surrogate on its own is no character either.
            return char::from_u32(first).ok_or(ParseError);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let second = self.unit()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(ParseError);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(ParseError)
    }

    fn unit(&mut self) -> Result<u32> {
        let hex = self.text.get(self.at..self.at + 4).ok_or(ParseError)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ParseError);
        }
        self.at += 4;
        u32::from_str_radix(hex, 16).map_err(|_| ParseError)
    }
}

fn has_repeated_name(members: &[(String, Value)]) -> bool {
    // Few members is the rule, and then comparing all pairs is quicker than a set.
    if members.len() <= 16 {
        let mut names = members.iter().map(|(name, _)| name);
        while let Some(name) = names.next() {
            if names.clone().any(|other| other == name) {
                return true;
            }
        }
        return false;
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.array_windows().any(|[a, b]| a == b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_json_allows_is_read() {
        for (text, value) in [
            (" null ", Value::Null),
            ("-0", Value::Int(0)),
            ("12345678901234567890", Value::Int(12_345_678_901_234_567_890)),
            ("-170141183460469231731687303715884105728", Value::Int(i128::MIN)),
            ("1e22", Value::Float(1e22)),
            ("1E+2", Value::Float(100.0)),
            ("-0.0", Value::Float(-0.0)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
            (r#""\ud83d\ude00\/é""#, Value::from("😀/é")),
            ("[ 1 , [ ] , { } ]", Value::List(vec![Value::Int(1), Value::List(vec![]), Value::Map(vec![])])),
            (r#"{"b":1,"a":2}"#, Value::from_iter([("b", Value::Int(1)), ("a", Value::Int(2))])),
        ] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
        assert!(matches!(parse("NaN"), Ok(Value::Float(number)) if number.is_nan()));
    }

    #[test]
    fn anything_else_is_refused() {
        let many = format!("{{{}\"k0\":0}}", (0..40).map(|i| format!("\"k{i}\":1,")).collect::<String>());
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        for text in [
            "",
            " ",
            "nul",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "1e+",
            "1e999",
            "--1",
            "0x1",
            "1 2",
            "[1,]",
            "[1",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "\"",
            "\"\\",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800x\"",
            "\"\u{1}\"",
            "\"\n\"",
            "\"\\x41\"",
            "\"\\é\"",
            "170141183460469231731687303715884105728",
            "{\"a\":1,\"a\":2}",
            "{\"\\u0061\":1,\"a\":2}",
            "-inf",
            "Inf",
            "nan",
            "'a'",
            "\u{feff}1",
            many.as_str(),
            deep.as_str(),
        ] {
            assert_eq!(parse(text), Err(ParseError), "{text}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i128>().prop_map(Value::Int),
            prop::num::f64::ANY.prop_filter("NaN is not equal to itself", |n| !n.is_nan()).prop_map(Value::Float),
            any::<String>().prop_map(Value::Str),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::btree_map(any::<String>(), inner, 0..24)
                    .prop_map(|members| Value::Map(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value()) {
            let text = value.to_json().unwrap();
            prop_assert!(parse(&text) == Ok(value));
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>(), json in r#"[\[\]{}",:\\u0-9eE+.\-a-f ]{0,60}"#) {
            let _ = parse(&text);
            let _ = parse(&json);
        }
    }
}
