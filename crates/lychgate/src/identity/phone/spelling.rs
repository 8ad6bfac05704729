//! What people put between the digits of a telephone number.

/// Longest input in bytes that is looked at.
const MAX_INPUT: usize = 64;

/// Words before an extension, and how many digits may follow.
const EXTENSIONS: [(&str, usize); 7] =
    [(";ext=", 20), ("extension", 20), ("extn", 20), ("ext", 20), ("xtn", 20), ("x", 9), ("#", 9)];

/// A number as typed, without decoration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelled {
    /// ASCII digits.
    pub(super) digits: String,
    /// Whether a plus stood before them.
    pub(super) international: bool,
}

/// Reads digits and an optional leading plus; `None` when there is anything else than usual punctuation.
pub(super) fn read(text: &str) -> Option<Spelled> {
    if text.len() > MAX_INPUT {
        return None;
    }
    let text = text.trim();
    let text = match text.split_at_checked(4) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel:") => rest,
        _ => text,
    };
    let text = without_extension(text).trim_start_matches(is_punctuation);
    let unsigned = text.trim_start_matches(['+', '\u{FF0B}']);
    let mut digits = String::with_capacity(unsigned.len());
    for c in unsigned.chars() {
        match digit(c) {
            Some(digit) => digits.push(digit),
            None if is_punctuation(c) => {}
            None => return None,
        }
    }
    (!digits.is_empty()).then_some(Spelled { digits, international: unsigned.len() != text.len() })
}

/// Cuts off an extension such as `;ext=12`, `ext. 12` or `x12`.
fn without_extension(text: &str) -> &str {
    let body = text.trim_end_matches(|c: char| digit(c).is_some());
    let count = text.strip_prefix(body).unwrap_or_default().chars().count();
    let body = if body.ends_with('=') { body } else { body.trim_end_matches([' ', '.', ':', '\u{A0}', '-']) };
    EXTENSIONS
        .iter()
        .filter(|(_, most)| (1..=*most).contains(&count))
        .find_map(|(label, _)| {
            let (number, found) = body.split_at_checked(body.len().checked_sub(label.len())?)?;
            found.eq_ignore_ascii_case(label).then_some(number)
        })
        .filter(|number| number.chars().filter(|&c| digit(c).is_some()).count() > 2)
        .map_or(text, |number| number.trim_end_matches([' ', ',', '\u{A0}']))
}

/// The ASCII form of an ASCII, full-width or Arabic digit.
fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '\u{FF10}'..='\u{FF19}' => 0xFF10,
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6F0}'..='\u{6F9}' => 0x6F0,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

/// Spaces, dashes, dots, brackets and slashes.
fn is_punctuation(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '\u{A0}' | '\u{AD}' | '\u{200B}' | '\u{2010}'..='\u{2015}'
        | '\u{2053}' | '\u{2060}' | '\u{2212}' | '\u{223C}' | '\u{3000}' | '\u{30FC}' | '\u{FF08}' | '\u{FF09}'
        | '\u{FF0D}'..='\u{FF0F}' | '\u{FF3B}' | '\u{FF3D}' | '\u{FF5E}')
}
