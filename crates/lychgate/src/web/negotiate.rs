//! Which reply a client wants: the JSON envelope or a page.

/// Whether `content_type` names JSON: `application/json` or `application/*+json`, parameters aside.
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.eq_ignore_ascii_case("application/json")
        || (starts_with_ignore_case(essence, "application/") && ends_with_ignore_case(essence, "+json"))
}

/// Whether `content_type` names a form that browsers send.
pub(crate) fn is_urlencoded(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Whether `content_type` is `multipart/form-data`.
pub(crate) fn is_multipart(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("multipart/form-data")
}

/// Whether the best entry of an `Accept` header is exactly `application/json`.
///
/// "Best" is Werkzeug's order: the more specific entry first, then the higher quality, then the order of the header.
pub(crate) fn prefers_json(accept: &str) -> bool {
    let mut best: Option<(Specificity, f32, &str)> = None;
    for entry in accept.split(',').take(MAX_ENTRIES) {
        let Some((specificity, quality, value)) = entry_rank(entry) else { continue };
        let better = match &best {
            None => true,
            Some((s, q, _)) => (&specificity, quality) > (s, *q),
        };
        if better {
            best = Some((specificity, quality, value));
        }
    }
    best.is_some_and(|(_, quality, value)| quality > 0.0 && value.eq_ignore_ascii_case("application/json"))
}

const MAX_ENTRIES: usize = 32;

type Specificity = (bool, bool, usize);

fn entry_rank(entry: &str) -> Option<(Specificity, f32, &str)> {
    let mut parts = entry.split(';').map(str::trim);
    let value = parts.next().filter(|v| !v.is_empty())?;
    let (kind, subtype) = value.split_once('/')?;
    let mut quality = 1.0;
    let mut parameters = 0;
    for part in parts {
        match part.split_once('=') {
            Some((name, q)) if name.trim().eq_ignore_ascii_case("q") => {
                quality = q.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?;
            }
            _ => parameters += 1,
        }
    }
    Some(((kind != "*", subtype != "*", parameters), quality, if parameters == 0 { value } else { entry }))
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn starts_with_ignore_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn ends_with_ignore_case(text: &str, suffix: &str) -> bool {
    text.len()
        .checked_sub(suffix.len())
        .and_then(|at| text.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_by_content_type() {
        for yes in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
            assert!(is_json(yes), "{yes}");
        }
        for no in ["text/plain; x=application/json", "application/json-evil", "", "application/", "json", "é"] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn json_by_accept() {
        for yes in [
            "application/json",
            "application/json,text/html",
            "text/html;q=0.5,application/json",
            "*/*,application/json;q=0.1",
        ] {
            assert!(prefers_json(yes), "{yes}");
        }
        for no in [
            "",
            "*/*",
            "text/html,application/json",
            "application/vnd.api+json",
            "application/json;q=0.5,text/html",
            "application/json;q=0",
            "application/json;q=x",
        ] {
            assert!(!prefers_json(no), "{no}");
        }
    }
}
