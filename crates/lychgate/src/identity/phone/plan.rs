//! Numbering plans, with patterns that are compiled once, when a number first needs them.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use regex::{Captures, Regex, RegexBuilder};

/// Fewest digits of a national number.
pub(super) const MIN_NATIONAL: usize = 2;

/// Most digits of a national number; longer than E.164 has it, for some numbers in Germany.
pub(super) const MAX_NATIONAL: usize = 17;

/// Bound on the compiled size of one pattern, in bytes; the largest needs far less.
const MAX_PATTERN: usize = 1 << 20;

/// Plans by country code; the main region of a code comes first.
static PLANS: LazyLock<BTreeMap<u16, Vec<Plan>>> = LazyLock::new(|| {
    (1..1000).filter_map(|code| Some((code, DATABASE.by_code(&code)?.into_iter().map(Plan::new).collect()))).collect()
});

/// How the length of a number fits a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Some number of the plan is as long.
    Possible,
    /// Longer than any.
    TooLong,
    /// Too short, between the possible lengths, or to be dialled locally only.
    Other,
}

/// The plan of one region.
#[derive(Debug)]
pub(super) struct Plan {
    /// Country calling code.
    pub(super) code: u16,
    region: String,
    general: Pattern,
    kinds: Pattern,
    leading: Option<Pattern>,
    trunk: Option<Pattern>,
    trunk_rule: Option<String>,
    international: Option<Pattern>,
    lengths: Vec<u16>,
    local_lengths: Vec<u16>,
}

/// The plan of a region (ISO 3166-1 alpha-2).
pub(super) fn of_region(region: &str) -> Option<&'static Plan> {
    PLANS.values().flatten().find(|plan| plan.region.eq_ignore_ascii_case(region))
}

/// The plan that reads numbers after a country code.
pub(super) fn main_of(code: u16) -> Option<&'static Plan> {
    PLANS.get(&code)?.first()
}

/// Whether one of the regions that share a country code has such a number.
pub(super) fn is_valid(code: u16, national: &str) -> bool {
    let plans = PLANS.get(&code).map_or(&[][..], Vec::as_slice);
    if let [only] = plans {
        return only.has(national);
    }
    let owner = plans.iter().find(|plan| match &plan.leading {
        Some(leading) => leading.captures(national).is_some(),
        None => plan.has(national),
    });
    owner.is_some_and(|plan| plan.has(national))
}

impl Plan {
    fn new(data: &Metadata) -> Self {
        let all = data.descriptors();
        let kinds: Vec<&Descriptor> = [
            all.fixed_line(),
            all.mobile(),
            all.toll_free(),
            all.premium_rate(),
            all.shared_cost(),
            all.personal_number(),
            all.voip(),
            all.pager(),
            all.uan(),
            all.voicemail(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let source = kinds.iter().map(|kind| kind.national_number().as_str()).collect::<Vec<_>>().join(")|(?:");
        let trunk = data.national_prefix_for_parsing().map(|pattern| pattern.as_str()).or(data.national_prefix());
        Self {
            code: data.country_code(),
            region: data.id().to_owned(),
            general: Pattern::whole(all.general().national_number().as_str()),
            kinds: Pattern::whole(&format!("(?:{source})")),
            leading: data.leading_digits().map(|pattern| Pattern::start(pattern.as_str())),
            trunk: trunk.map(Pattern::start),
            trunk_rule: data.national_prefix_transform_rule().map(str::to_owned),
            international: data.international_prefix().map(|pattern| Pattern::start(pattern.as_str())),
            lengths: kinds.iter().flat_map(|kind| kind.possible_length()).copied().collect(),
            local_lengths: kinds.iter().flat_map(|kind| kind.possible_local_length()).copied().collect(),
        }
    }

    /// Whether `national` is a number of this plan, of whatever kind.
    fn has(&self, national: &str) -> bool {
        self.length(national) == Length::Possible && self.matches_general(national) && self.kinds.is_match(national)
    }

    /// Whether `national` has the form that all numbers of the plan share.
    pub(super) fn matches_general(&self, national: &str) -> bool {
        self.general.is_match(national)
    }

    /// How the length of `national` fits.
    pub(super) fn length(&self, national: &str) -> Length {
        let is = |length: &u16| usize::from(*length) == national.len();
        if self.lengths.iter().any(is) {
            Length::Possible
        } else if self.lengths.iter().all(|&length| usize::from(length) < national.len())
            && !self.local_lengths.iter().any(is)
        {
            Length::TooLong
        } else {
            Length::Other
        }
    }

    /// What follows the prefix for calls abroad; a country code never starts with 0.
    pub(super) fn after_international_prefix<'n>(&self, digits: &'n str) -> Option<&'n str> {
        let prefix = self.international.as_ref()?.captures(digits)?;
        let rest = digits.get(prefix.get(0)?.end()..)?;
        (!rest.starts_with('0')).then_some(rest)
    }

    /// Takes off what is dialled before a number inside the country, or puts in the area code that it stands for.
    ///
    /// A number that fits as it is stays so, when it would not fit afterwards.
    pub(super) fn without_trunk_prefix(&self, digits: &str) -> String {
        let Some(found) = self.trunk.as_ref().and_then(|trunk| trunk.captures(digits)) else {
            return digits.to_owned();
        };
        let rest = found.get(0).and_then(|prefix| digits.get(prefix.end()..)).unwrap_or_default();
        let last = found.get(found.len() - 1).filter(|_| found.len() > 1);
        let stripped = match &self.trunk_rule {
            Some(rule) if last.is_some() || found.len() == 1 => expand(rule, &found) + rest,
            _ => rest.to_owned(),
        };
        if self.matches_general(digits) && !self.matches_general(&stripped) {
            return digits.to_owned();
        }
        stripped
    }
}

/// Fills the groups `$1` to `$9` of a rule.
fn expand(rule: &str, groups: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut chars = rule.chars();
    while let Some(c) = chars.next() {
        if c != '$' {
            out.push(c);
            continue;
        }
        let group = chars.next().and_then(|c| c.to_digit(10)).and_then(|at| groups.get(at as usize));
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out
}

/// A pattern over ASCII digits, compiled at first use.
#[derive(Debug)]
struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Matches at the start.
    fn start(source: &str) -> Self {
        Self { source: format!("^(?:{source})"), compiled: OnceLock::new() }
    }

    /// Matches all of it.
    fn whole(source: &str) -> Self {
        Self { source: format!("^(?:{source})$"), compiled: OnceLock::new() }
    }

    /// The pattern; one that does not compile matches nothing.
    fn get(&self) -> Option<&Regex> {
        let compile = || {
            RegexBuilder::new(&self.source).unicode(false).ignore_whitespace(true).size_limit(MAX_PATTERN).build().ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }

    fn is_match(&self, digits: &str) -> bool {
        self.get().is_some_and(|regex| regex.is_match(digits))
    }

    fn captures<'n>(&self, digits: &'n str) -> Option<Captures<'n>> {
        self.get()?.captures(digits)
    }
}
