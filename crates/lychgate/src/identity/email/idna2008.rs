//! Which characters IDNA 2008 lets stand in a label (RFC 5892).
//!
//! The label comes out of UTS #46 processing, so it is in NFC and lower case, every character maps to itself, and the
//! Bidi rule (RFC 5893) holds. That leaves the categories of RFC 5892 §2, its exceptions, and the rules of context.
//! Joiners (appendices A.1 and A.2) are refused: an e-mail address may not hold format characters.

use crate::identity::category;

/// Whether every character of a mapped label is allowed where it stands.
pub(super) fn is_valid_label(label: &str) -> bool {
    if label.is_ascii() {
        return true;
    }
    let chars: Vec<char> = label.chars().collect();
    chars.iter().enumerate().all(|(at, &c)| match c {
        '\u{B7}' | '\u{375}' | '\u{5F3}' | '\u{5F4}' | '\u{30FB}' | '\u{660}'..='\u{669}' | '\u{6F0}'..='\u{6F9}' => {
            in_context(&chars, at, c)
        }
        _ => is_pvalid(c),
    })
}

/// Whether `c`, which UTS #46 leaves as it is, is allowed anywhere (`PVALID`).
fn is_pvalid(c: char) -> bool {
    match c {
        '-' | '\u{DF}' | '\u{3C2}' | '\u{6FD}' | '\u{6FE}' | '\u{F0B}' | '\u{3007}' => true,
        // Exceptions (§2.6).
        '\u{640}' | '\u{7FA}' | '\u{302E}' | '\u{302F}' | '\u{3031}'..='\u{3035}' | '\u{303B}' => false,
        // Ignorable blocks (§2.4) and old Hangul Jamo (§2.9).
        '\u{20D0}'..='\u{20FF}' | '\u{1D100}'..='\u{1D24F}' => false,
        '\u{1100}'..='\u{11FF}' | '\u{A960}'..='\u{A97C}' | '\u{D7B0}'..='\u{D7FB}' => false,
        _ => matches!(category::name(c), "Ll" | "Lu" | "Lo" | "Lm" | "Mn" | "Mc" | "Nd"),
    }
}

/// The rules of context (appendices A.3 to A.9).
fn in_context(chars: &[char], at: usize, c: char) -> bool {
    let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
    let after = chars.get(at + 1).copied();
    match c {
        '\u{B7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => after.is_some_and(is_greek),
        '\u{5F3}' | '\u{5F4}' => before.is_some_and(is_hebrew),
        '\u{30FB}' => chars.iter().any(|&c| is_kana_or_han(c)),
        '\u{660}'..='\u{669}' => !chars.iter().any(|c| ('\u{6F0}'..='\u{6F9}').contains(c)),
        _ => !chars.iter().any(|c| ('\u{660}'..='\u{669}').contains(c)),
    }
}

/// Script Greek, as far as characters of it can stand in a label.
fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{373}' | '\u{375}'..='\u{377}' | '\u{37B}'..='\u{37D}' | '\u{37F}'..='\u{3E1}'
        | '\u{3F0}'..='\u{3FF}' | '\u{1D26}'..='\u{1D2A}' | '\u{1D5D}'..='\u{1D61}' | '\u{1D66}'..='\u{1D6A}'
        | '\u{1DBF}' | '\u{1F00}'..='\u{1FFE}' | '\u{AB65}')
        && c != '\u{385}'
}

/// Script Hebrew, as far as characters of it can stand in a label.
fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5C7}' | '\u{5D0}'..='\u{5EA}' | '\u{5EF}'..='\u{5F4}')
}

/// Scripts Hiragana, Katakana and Han, as far as characters of them can stand in a label.
fn is_kana_or_han(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{309F}' | '\u{30A1}'..='\u{30FA}' | '\u{30FD}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{1AFF0}'..='\u{1AFFE}' | '\u{1B000}'..='\u{1B16F}'
        | '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FA0E}'..='\u{FA29}'
        | '\u{16FE2}'..='\u{16FE3}' | '\u{16FF0}'..='\u{16FF6}' | '\u{20000}'..='\u{3FFFD}')
}
