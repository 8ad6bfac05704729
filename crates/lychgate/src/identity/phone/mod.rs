//! Telephone numbers: from what a person types to E.164.
//!
//! Reads a number as libphonenumber does, with its numbering plans (through the crate `phonenumber`, of which only the
//! data is used: its own parser applies the caller's plan to foreign numbers, accepts a number with digits to spare and
//! compiles patterns on every call, under one lock). Spellings that are hardly ever typed are refused: letters
//! for digits (`1-800-FLOWERS`), `*`, text before the number, and two numbers at once. An extension is dropped.

#[cfg(feature = "phone")]
mod plan;
#[cfg(feature = "phone")]
mod spelling;

/// Gives a valid number in E.164 form (`+16505551212`); `region` is that of a number without country code.
///
/// `None` when the text is no number, when no plan has such a number, and always without the cargo feature `phone`.
#[cfg(feature = "phone")]
pub(crate) fn normalize(text: &str, region: &str) -> Option<String> {
    let spelled = spelling::read(text)?;
    let home = plan::of_region(region);
    let from_abroad = if spelled.international {
        // A plus before an international prefix or the trunk prefix is taken for a slip.
        let found = country_code(&spelled.digits);
        Some(found.or_else(|| home.and_then(|home| from_home(&spelled.digits, home)))?)
    } else {
        home.and_then(|home| from_home(&spelled.digits, home))
    };
    let (plan, digits) = match from_abroad {
        Some((code, rest)) => (plan::main_of(code)?, rest),
        None => (home?, spelled.digits),
    };
    let national = national(digits, plan)?;
    let code = plan.code;
    plan::is_valid(code, &national).then(|| format!("+{code}{national}"))
}

/// Accepts nothing: the cargo feature `phone` is off.
#[cfg(not(feature = "phone"))]
pub(crate) fn normalize(_text: &str, _region: &str) -> Option<String> {
    None
}

/// Takes the country code off the digits of an international number.
#[cfg(feature = "phone")]
fn country_code(digits: &str) -> Option<(u16, String)> {
    if digits.len() <= plan::MIN_NATIONAL || digits.starts_with('0') {
        return None;
    }
    (1..=3).find_map(|len| {
        let (code, rest) = digits.split_at_checked(len)?;
        let code = code.parse().ok()?;
        plan::main_of(code).map(|_| (code, rest.to_owned()))
    })
}

/// Takes the country code off a number dialled from `home`: after its international prefix, or written without a plus.
#[cfg(feature = "phone")]
fn from_home(digits: &str, home: &plan::Plan) -> Option<(u16, String)> {
    if let Some(rest) = home.after_international_prefix(digits) {
        return country_code(rest);
    }
    let rest = digits.strip_prefix(&home.code.to_string())?;
    let stripped = home.without_trunk_prefix(rest);
    let better = !home.matches_general(digits) && home.matches_general(&stripped);
    (better || home.length(digits) == plan::Length::TooLong).then_some((home.code, stripped))
}

/// Takes the trunk prefix off, unless that leaves no possible number.
#[cfg(feature = "phone")]
fn national(digits: String, plan: &plan::Plan) -> Option<String> {
    let stripped = plan.without_trunk_prefix(&digits);
    let national = match plan.length(&stripped) {
        plan::Length::Possible | plan::Length::TooLong => stripped,
        plan::Length::Other => digits,
    };
    (plan::MIN_NATIONAL..=plan::MAX_NATIONAL).contains(&national.len()).then_some(national)
}
