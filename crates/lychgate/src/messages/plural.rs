//! Which form a text takes beside a number (Unicode CLDR, plural rules for whole numbers).

/// A plural form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Plural {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

impl Plural {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "zero" => Self::Zero,
            "one" => Self::One,
            "two" => Self::Two,
            "few" => Self::Few,
            "many" => Self::Many,
            "other" => Self::Other,
            _ => return None,
        })
    }

    /// The form that the language of `tag` uses beside `count`; a language that is not listed has two, as English.
    pub(super) fn of(tag: &str, count: u64) -> Self {
        let (ten, hundred) = (count % 10, count % 100);
        let slavic_few = (2..=4).contains(&ten) && !(12..=14).contains(&hundred);
        match tag.split(['-', '_']).next().unwrap_or_default() {
            "ja" | "zh" | "ko" | "th" | "vi" | "id" | "ms" | "lo" | "my" => Self::Other,
            "fr" | "hi" | "fa" | "bn" | "hy" | "am" if count <= 1 => Self::One,
            "pt" if count <= 1 && tag != "pt-PT" => Self::One,
            "ru" | "uk" | "be" | "sr" | "hr" | "bs" => match ten {
                1 if hundred != 11 => Self::One,
                _ if slavic_few => Self::Few,
                _ if tag.starts_with(['s', 'h']) || tag.starts_with("bs") => Self::Other,
                _ => Self::Many,
            },
            "pl" if count == 1 => Self::One,
            "pl" if slavic_few => Self::Few,
            "pl" => Self::Many,
            "cs" | "sk" if (2..=4).contains(&count) => Self::Few,
            "sl" => match hundred {
                1 => Self::One,
                2 => Self::Two,
                3 | 4 => Self::Few,
                _ => Self::Other,
            },
            "lt" if ten == 1 && hundred != 11 => Self::One,
            "lt" if ten >= 2 && !(11..=19).contains(&hundred) => Self::Few,
            "lt" => Self::Other,
            "ro" if count != 1 && (count == 0 || (1..=19).contains(&hundred)) => Self::Few,
            "he" if count == 2 => Self::Two,
            "ar" => match (count, hundred) {
                (0, _) => Self::Zero,
                (1, _) => Self::One,
                (2, _) => Self::Two,
                (_, 3..=10) => Self::Few,
                (_, 11..=99) => Self::Many,
                _ => Self::Other,
            },
            _ if count == 1 => Self::One,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Plural, Plural::*};

    #[rstest]
    #[case("en", 1, One)]
    #[case("en", 0, Other)]
    #[case("de-CH", 2, Other)]
    #[case("es", 1, One)]
    #[case("fr", 0, One)]
    #[case("fr", 2, Other)]
    #[case("pt-BR", 0, One)]
    #[case("pt-PT", 0, Other)]
    #[case("ja", 1, Other)]
    #[case("ru", 21, One)]
    #[case("ru", 11, Many)]
    #[case("ru", 3, Few)]
    #[case("ru", 13, Many)]
    #[case("sr", 5, Other)]
    #[case("pl", 21, Many)]
    #[case("pl", 22, Few)]
    #[case("cs", 3, Few)]
    #[case("cs", 5, Other)]
    #[case("sl", 102, Two)]
    #[case("lt", 11, Other)]
    #[case("lt", 22, Few)]
    #[case("ro", 0, Few)]
    #[case("ro", 1, One)]
    #[case("ro", 20, Other)]
    #[case("he", 2, Two)]
    #[case("ar", 0, Zero)]
    #[case("ar", 103, Few)]
    #[case("ar", 11, Many)]
    #[case("ar", 100, Other)]
    fn forms(#[case] tag: &str, #[case] count: u64, #[case] form: Plural) {
        assert_eq!(Plural::of(tag, count), form);
    }
}
