//! Unicode general categories by their two-letter names (UAX #44, table 12).

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The short name of the general category of `c`, such as `Lu`.
pub(super) fn name(c: char) -> &'static str {
    match c.general_category() {
        GeneralCategory::UppercaseLetter => "Lu",
        GeneralCategory::LowercaseLetter => "Ll",
        GeneralCategory::TitlecaseLetter => "Lt",
        GeneralCategory::ModifierLetter => "Lm",
        GeneralCategory::OtherLetter => "Lo",
        GeneralCategory::NonspacingMark => "Mn",
        GeneralCategory::SpacingMark => "Mc",
        GeneralCategory::EnclosingMark => "Me",
        GeneralCategory::DecimalNumber => "Nd",
        GeneralCategory::LetterNumber => "Nl",
        GeneralCategory::OtherNumber => "No",
        GeneralCategory::ConnectorPunctuation => "Pc",
        GeneralCategory::DashPunctuation => "Pd",
        GeneralCategory::OpenPunctuation => "Ps",
        GeneralCategory::ClosePunctuation => "Pe",
        GeneralCategory::InitialPunctuation => "Pi",
        GeneralCategory::FinalPunctuation => "Pf",
        GeneralCategory::OtherPunctuation => "Po",
        GeneralCategory::MathSymbol => "Sm",
        GeneralCategory::CurrencySymbol => "Sc",
        GeneralCategory::ModifierSymbol => "Sk",
        GeneralCategory::OtherSymbol => "So",
        GeneralCategory::SpaceSeparator => "Zs",
        GeneralCategory::LineSeparator => "Zl",
        GeneralCategory::ParagraphSeparator => "Zp",
        GeneralCategory::Control => "Cc",
        GeneralCategory::Format => "Cf",
        GeneralCategory::Surrogate => "Cs",
        GeneralCategory::PrivateUse => "Co",
        GeneralCategory::Unassigned => "Cn",
    }
}

/// Whether `text` is letters, numbers, punctuation, symbols, and marks that have something in `text` to stand on.
///
/// Control, format, private-use and unassigned characters and line separators are refused, since they change how the
/// text around them is shown or where a header line ends. Spaces pass with `allow_space`.
pub(super) fn is_safe(text: &str, allow_space: bool) -> bool {
    text.chars().enumerate().all(|(at, c)| {
        let name = name(c);
        match name.as_bytes().first() {
            Some(b'L' | b'N' | b'P' | b'S') => true,
            Some(b'M') => at > 0,
            _ => name == "Zs" && allow_space,
        }
    })
}
