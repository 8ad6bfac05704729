//! Keys for comparing names.

use unicode_normalization::UnicodeNormalization;

use super::category;

/// Rounds until the key no longer changes; two are enough for every assigned character.
const MAX_ROUNDS: usize = 4;

/// Gives a key that is equal for spellings of a name that people take for the same.
///
/// Two names with equal keys should not both be registered. The key is for comparison only: it is not to be shown, and
/// not to be used as an address. It is built by NFKC, case folding and leaving out what is invisible, as `NFKC_Casefold`
/// of the Unicode Standard §3.13, and repeated until nothing changes.
///
/// Caught: case in every script (`ß` = `ss`, final sigma, dotless `ı` = `i`), composed and decomposed accents, full-width
/// and other styled letters, ligatures, superscripts, roman numerals, and zero-width or other ignorable characters.
///
/// Not caught: letters of different scripts that look alike (Cyrillic `а` and Latin `a`), look-alikes inside one script
/// (`l` and `1`, `O` and `0`, `rn` and `m`), accents (`e` and `é` differ), and what a mail provider ignores (dots, `+tag`).
///
/// Work grows linearly with the input, so hand in text that has passed [`normalize`](super::email::normalize) or its like.
pub(crate) fn key(text: &str) -> String {
    let mut current = fold(text);
    for _ in 1..MAX_ROUNDS {
        let next = fold(&current);
        if next == current {
            break;
        }
        current = next;
    }
    current
}

fn fold(text: &str) -> String {
    // Folding by upper and then lower case catches what lower case alone keeps apart (`ß`, `ſ`, final sigma).
    text.nfkc()
        .filter(|&c| !is_ignorable(c))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

/// Invisible characters: format characters and the rest of `Default_Ignorable_Code_Point`.
fn is_ignorable(c: char) -> bool {
    category::name(c) == "Cf"
        || matches!(c, '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{2065}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}')
}
