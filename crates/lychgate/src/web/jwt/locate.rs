//! Finding the token of a request: the first configured place that has one decides.

use super::{Kind, Place, Refusal, Why, config::JwtConfig};
use crate::web::{body::Submitted, exchange::Exchange};

/// A token as a request carries it.
pub(super) struct Presented {
    pub(super) text: String,
    pub(super) place: Place,
    /// What the request repeats of the CSRF token, where it has to.
    pub(super) csrf: Option<String>,
}

fn missing(text: impl Into<String>) -> Refusal {
    Refusal::new(Why::Missing, text)
}

impl Exchange {
    pub(super) fn presented_jwt(&self, config: &JwtConfig, kind: Kind) -> Result<Presented, Refusal> {
        let mut reasons = Vec::new();
        for place in &config.places {
            let found = match place {
                Place::Headers => self.jwt_of_header(config),
                Place::Cookies => self.jwt_of_cookie(config, kind),
                Place::Query => self.jwt_of_query(config),
                Place::Json => self.jwt_of_json(config, kind),
            };
            match found {
                Ok((text, csrf)) => return Ok(Presented { text, place: *place, csrf }),
                Err(refusal) if refusal.why == Why::Missing => reasons.push(refusal.text),
                Err(refusal) => return Err(refusal),
            }
        }
        let names: Vec<&str> = config.places.iter().map(|place| place.name()).collect();
        Err(match names.split_last() {
            Some((last, first)) if !first.is_empty() => {
                missing(format!("Missing JWT in {} or {last} ({})", first.join(", "), reasons.join("; ")))
            }
            _ => missing(reasons.join("; ")),
        })
    }

    fn jwt_of_header(&self, config: &JwtConfig) -> Result<(String, Option<String>), Refusal> {
        let (name, word) = (header_name(config), config.header_word.as_str());
        let value = self.headers().jwt.as_ref().map(|value| value.to_str().unwrap_or_default());
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Err(missing(format!("Missing {name} Header")));
        };
        let parts = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if word.is_empty() {
            return match parts(value).as_slice() {
                [token] => Ok((token.clone(), None)),
                _ => Err(Refusal::new(Why::Bad, format!("Bad {name} header. Expected '{name}: <JWT>'"))),
            };
        }
        // Several ways to say who calls may stand in one header, between commas.
        let field = value.split(',').map(parts).find(|parts| parts.first().is_some_and(|first| first == word));
        let expected = format!("Expected '{name}: {word} <JWT>'");
        match field.as_deref() {
            None => Err(missing(format!("Missing '{word}' type in '{name}' header. {expected}"))),
            Some([_, token]) => Ok((token.clone(), None)),
            Some(_) => Err(Refusal::new(Why::Bad, format!("Bad {name} header. {expected}"))),
        }
    }

    fn jwt_of_cookie(&self, config: &JwtConfig, kind: Kind) -> Result<(String, Option<String>), Refusal> {
        let own = config.of(kind);
        let found = self.cookie(&own.cookie_name, |value| (!value.is_empty()).then(|| value.to_owned()));
        let Some(token) = found else { return Err(missing(format!("Missing cookie \"{}\"", own.cookie_name))) };
        if !config.csrf || !config.csrf_methods.contains(&self.method) {
            return Ok((token, None));
        }
        let slot = match kind {
            Kind::Access => 0,
            Kind::Refresh => 1,
        };
        let in_header = self.headers().jwt_csrf.get(slot).and_then(Option::as_ref);
        let in_header = in_header.and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
        let in_form = || match &self.submitted {
            Submitted::Form(fields) if config.csrf_in_form => {
                fields.iter().find(|(name, _)| *name == own.csrf_field).map(|(_, value)| value.as_str())
            }
            _ => None,
        };
        match in_header.or_else(in_form) {
            Some(csrf) => Ok((token, Some(csrf.to_owned()))),
            None => Err(Refusal::new(Why::NotNow, "Missing CSRF token")),
        }
    }

    fn jwt_of_query(&self, config: &JwtConfig) -> Result<(String, Option<String>), Refusal> {
        let (name, prefix) = (&config.query, &config.query_prefix);
        let Some(value) = self.query(name).filter(|value| !value.is_empty()) else {
            return Err(missing(format!("Missing '{name}' query paramater")));
        };
        match value.strip_prefix(prefix.as_str()) {
            Some(token) => Ok((token.to_owned(), None)),
            None => Err(Refusal::new(
                Why::Bad,
                format!("Invalid value for query parameter '{name}'. Expected the value to start with '{prefix}'"),
            )),
        }
    }

    fn jwt_of_json(&self, config: &JwtConfig, kind: Kind) -> Result<(String, Option<String>), Refusal> {
        if !self.sent_json() {
            return Err(missing("Invalid content-type. Must be application/json."));
        }
        let key = &config.of(kind).json_key;
        let token = match &self.submitted {
            Submitted::Json(members) => members.get(key).and_then(|value| value.as_str()),
            _ => None,
        };
        let token = token.filter(|token| !token.is_empty());
        token
            .map(|token| (token.to_owned(), None))
            .ok_or_else(|| missing(format!("Missing \"{key}\" key in json data.")))
    }
}

/// The name as people write it: `Authorization`.
fn header_name(config: &JwtConfig) -> String {
    let words = config.header.as_str().split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}
