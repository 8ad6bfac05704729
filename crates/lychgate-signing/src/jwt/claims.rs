//! What claims say of time and place (RFC 7519, 4.1).

use serde_json::{Map, Value};

use super::JwtError;

/// What is expected of claims.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Seconds by which clocks may differ.
    pub leeway: i64,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// Who is meant by `aud`: any one of these. Empty: a token that is for anybody in particular is refused.
    pub audience: Vec<String>,
    /// Who has to stand in `iss`; empty for anybody.
    pub issuer: Vec<String>,
    /// Whether `sub` has to be text.
    pub subject_is_text: bool,
}

/// Checks claims at `now`, in seconds since 1970.
///
/// # Errors
///
/// [`JwtError`] that says which claim it is. Times have to be whole numbers, not below zero, written as such.
pub fn check(claims: &Map<String, Value>, rules: &Rules, now: i64) -> Result<(), JwtError> {
    let later = now.saturating_add(rules.leeway);
    if time(claims, "iat", JwtError::IatType)?.is_some_and(|at| at > later) {
        return Err(JwtError::IssuedLater);
    }
    if time(claims, "nbf", JwtError::NbfType)?.is_some_and(|from| from > later) {
        return Err(JwtError::NotYet);
    }
    match time(claims, "exp", JwtError::ExpType)? {
        Some(until) if until.saturating_add(rules.leeway) <= now => return Err(JwtError::Expired),
        None if rules.require_exp => return Err(JwtError::ExpType),
        _ => {}
    }
    issuer(claims.get("iss"), &rules.issuer)?;
    audience(claims.get("aud"), &rules.audience)?;
    if rules.subject_is_text && claims.get("sub").is_some_and(|subject| !subject.is_string()) {
        return Err(JwtError::Subject);
    }
    if claims.get("jti").is_some_and(|id| !id.is_string()) {
        return Err(JwtError::Id);
    }
    Ok(())
}

fn time(claims: &Map<String, Value>, name: &str, wrong: JwtError) -> Result<Option<i64>, JwtError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value.as_i64().filter(|at| *at >= 0).map(Some).ok_or(wrong)
}

fn issuer(found: Option<&Value>, expected: &[String]) -> Result<(), JwtError> {
    if expected.is_empty() {
        return Ok(());
    }
    match found {
        None => Err(JwtError::NoIssuer),
        Some(Value::String(issuer)) if expected.contains(issuer) => Ok(()),
        Some(_) => Err(JwtError::Issuer),
    }
}

fn audience(found: Option<&Value>, expected: &[String]) -> Result<(), JwtError> {
    let named: Vec<&str> = match found {
        None | Some(Value::Null) if expected.is_empty() => return Ok(()),
        None | Some(Value::Null) => return Err(JwtError::NoAudience),
        Some(_) if expected.is_empty() => return Err(JwtError::UnexpectedAudience),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => {
            let texts: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
            texts.ok_or(JwtError::AudienceType)?
        }
        Some(_) => return Err(JwtError::AudienceType),
    };
    if named.iter().any(|name| expected.iter().any(|own| own == name)) { Ok(()) } else { Err(JwtError::Audience) }
}
