//! The body of a request, read once, bounded, by its content type.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use serde_json::{Map, Value};

use super::negotiate;
use crate::{failure::Failure, messages};

/// What a client submitted.
#[derive(Debug, Default)]
pub(crate) enum Submitted {
    /// No body, or one that is none of our business.
    #[default]
    Nothing,
    /// The fields of a JSON object.
    Json(Map<String, Value>),
    /// The fields of a form, in order.
    Form(Vec<(String, String)>),
    /// A body that cannot be read; the reason becomes the reply of whoever needs it.
    Broken(Broken),
}

impl Submitted {
    /// Whether a field of this name was sent, whatever it holds.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Submitted::Json(map) => map.contains_key(name),
            Submitted::Form(pairs) => pairs.iter().any(|(key, _)| key == name),
            Submitted::Nothing | Submitted::Broken(_) => false,
        }
    }
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Malformed,
    TooLarge,
    TooManyFields,
    /// It comes too slowly.
    TooSlow,
    /// It is compressed; what it would unpack to is not bounded by what is sent.
    Encoded,
}

impl Broken {
    pub(crate) fn failure(self) -> Failure {
        match self {
            Broken::Malformed => Failure::bad(StatusCode::BAD_REQUEST, messages::BAD_REQUEST),
            Broken::TooLarge | Broken::TooManyFields => {
                Failure::bad(StatusCode::PAYLOAD_TOO_LARGE, messages::BODY_TOO_LARGE)
            }
            Broken::TooSlow => Failure::bad(StatusCode::REQUEST_TIMEOUT, messages::BODY_TOO_SLOW),
            Broken::Encoded => Failure::bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, messages::BODY_ENCODED),
        }
    }
}

/// A body came more slowly than `[server]` allows.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub(crate) struct TooSlow;

/// How much of a body is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    pub(crate) fields: usize,
}

/// Deepest nesting of a JSON body.
const MAX_DEPTH: usize = 32;

/// Reads the body if it is JSON or a form of at most `limits.bytes`, and gives the request its body back untouched.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: BodyLimits) -> (Submitted, Body) {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let content_type = text(header::CONTENT_TYPE);
    let json = negotiate::is_json(content_type);
    let multipart = negotiate::is_multipart(content_type);
    if !json && !multipart && !negotiate::is_urlencoded(content_type) {
        return (Submitted::Nothing, body);
    }
    let is_plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        return (Submitted::Broken(Broken::Encoded), body);
    }
    let (bytes, body) = match buffer(body, limits.bytes).await {
        Buffered::Whole(bytes) => (bytes.clone(), Body::from(bytes)),
        Buffered::TooLarge(body) => return (Submitted::Broken(Broken::TooLarge), body),
        Buffered::Cut(why) => return (Submitted::Broken(why), Body::empty()),
    };
    if bytes.is_empty() {
        return (Submitted::Nothing, body);
    }
    let submitted = if json {
        parse_json(&bytes, limits.fields)
    } else if multipart {
        parse_multipart(content_type, bytes, limits.fields).await
    } else {
        parse_form(&bytes, limits.fields)
    };
    (submitted, body)
}

enum Buffered {
    Whole(Bytes),
    TooLarge(Body),
    Cut(Broken),
}

async fn buffer(body: Body, limit: usize) -> Buffered {
    // What is announced as too long is not waited for.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|least| least > limit) {
        return Buffered::TooLarge(body);
    }
    let mut rest = body.into_data_stream();
    let mut seen = BytesMut::new();
    while let Some(chunk) = rest.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) if has_source(&error, |source| source.is::<TooSlow>()) => return Buffered::Cut(Broken::TooSlow),
            Err(_) => return Buffered::Cut(Broken::Malformed),
        };
        if seen.len() + chunk.len() > limit {
            seen.extend_from_slice(&chunk);
            let head = stream::once(async move { Ok::<_, axum::Error>(seen.freeze()) });
            return Buffered::TooLarge(Body::from_stream(head.chain(rest)));
        }
        seen.extend_from_slice(&chunk);
    }
    Buffered::Whole(seen.freeze())
}

/// Whether an error, or what it comes from, is of a kind.
fn has_source(error: &axum::Error, is: impl Fn(&(dyn std::error::Error + 'static)) -> bool) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source()).any(is)
}

fn parse_json(bytes: &[u8], max_fields: usize) -> Submitted {
    if !depth_within(bytes, MAX_DEPTH) {
        return Submitted::Broken(Broken::Malformed);
    }
    match serde_json::from_slice::<UniqueKeys>(bytes) {
        Ok(UniqueKeys(Value::Object(map))) if map.len() > max_fields => Submitted::Broken(Broken::TooManyFields),
        Ok(UniqueKeys(Value::Object(map))) => Submitted::Json(map),
        Ok(UniqueKeys(Value::Null)) => Submitted::Json(Map::new()),
        Ok(UniqueKeys(Value::Array(items))) if items.is_empty() => Submitted::Json(Map::new()),
        _ => Submitted::Broken(Broken::Malformed),
    }
}

/// Whether brackets nest at most `max` deep; cheaper than parsing, and before it.
fn depth_within(bytes: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in bytes {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// A JSON value whose outermost object names each key once: two readings of one body must not exist.
struct UniqueKeys(Value);

impl<'de> serde::Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
                let mut map = Map::new();
                while let Some((key, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("duplicate key"));
                    }
                }
                Ok(Value::Object(map))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
                match access.next_element::<Value>()? {
                    None => Ok(Value::Array(Vec::new())),
                    Some(_) => Err(serde::de::Error::custom("a list")),
                }
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
        }
        deserializer.deserialize_any(Visitor).map(UniqueKeys)
    }
}

fn parse_form(bytes: &[u8], max_fields: usize) -> Submitted {
    if bytes.iter().filter(|&&b| b == b'&').count() >= max_fields {
        return Submitted::Broken(Broken::TooManyFields);
    }
    let mut fields = Vec::new();
    for pair in bytes.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.iter().position(|&b| b == b'=') {
            Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
            None => (pair, &[][..]),
        };
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => fields.push((name, value)),
            _ => return Submitted::Broken(Broken::Malformed),
        }
    }
    Submitted::Form(fields)
}

fn decode(part: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = part.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let bytes: Vec<u8> = percent_encoding::percent_decode(&spaced).collect();
    String::from_utf8(bytes).ok()
}

async fn parse_multipart(content_type: &str, bytes: Bytes, max_fields: usize) -> Submitted {
    let Ok(boundary) = multer::parse_boundary(content_type) else {
        return Submitted::Broken(Broken::Malformed);
    };
    let once = stream::once(async move { Ok::<_, std::convert::Infallible>(bytes) });
    let mut parts = multer::Multipart::new(once, boundary);
    let mut fields = Vec::new();
    loop {
        match parts.next_field().await {
            Ok(None) => return Submitted::Form(fields),
            Ok(Some(_)) if fields.len() >= max_fields => return Submitted::Broken(Broken::TooManyFields),
            Ok(Some(field)) => {
                let is_file = field.file_name().is_some();
                let name = field.name().map(str::to_owned);
                let Ok(value) = field.bytes().await else { return Submitted::Broken(Broken::Malformed) };
                if is_file {
                    continue;
                }
                match (name, String::from_utf8(value.to_vec())) {
                    (Some(name), Ok(value)) => fields.push((name, value)),
                    _ => return Submitted::Broken(Broken::Malformed),
                }
            }
            Err(_) => return Submitted::Broken(Broken::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes: 200, fields: 3 };

    async fn parsed(content_type: &'static str, body: &'static [u8]) -> Submitted {
        read(&headers(content_type), Body::from(body), LIMITS).await.0
    }

    fn headers(content_type: &'static str) -> HeaderMap {
        [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))].into_iter().collect()
    }

    fn broken(submitted: &Submitted) -> Option<Broken> {
        match submitted {
            Submitted::Broken(why) => Some(*why),
            _ => None,
        }
    }

    #[tokio::test]
    async fn json_objects_only() {
        let json = "application/json";
        assert!(matches!(parsed(json, br#"{"a":1}"#).await, Submitted::Json(map) if map.len() == 1));
        for empty in [&b"null"[..], b"[]", b"{}"] {
            assert!(matches!(parsed(json, empty).await, Submitted::Json(map) if map.is_empty()));
        }
        for bad in [&b"1"[..], b"\"x\"", b"[1]", b"{", b"{\"a\":\"\\ud800\"}", b"{\"a\":1,\"a\":2}", b"\xff", b"{}x"] {
            assert_eq!(broken(&parsed(json, bad).await), Some(Broken::Malformed), "{bad:?}");
        }
        let deep: &'static [u8] =
            Box::leak(format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40)).into_bytes().into());
        assert_eq!(broken(&parsed(json, deep).await), Some(Broken::Malformed));
        let many = br#"{"a":1,"b":1,"c":1,"d":1}"#;
        assert_eq!(broken(&parsed(json, many).await), Some(Broken::TooManyFields));
    }

    #[tokio::test]
    async fn forms_keep_their_order() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let Submitted::Form(fields) = parsed(form, b"a=1+2&b=%C3%A9&c").await else { panic!() };
        assert_eq!(fields, [("a", "1 2"), ("b", "é"), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(broken(&parsed(form, b"a=%ff").await), Some(Broken::Malformed));
        assert_eq!(broken(&parsed(form, b"a&b&c&d").await), Some(Broken::TooManyFields));
    }

    #[tokio::test]
    async fn multipart_fields_without_files() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: \
                     form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\nzz\r\n--x--\r\n";
        let Submitted::Form(fields) = parsed("multipart/form-data; boundary=x", body).await else { panic!() };
        assert_eq!(fields, [("a".to_owned(), "1".to_owned())]);
        assert_eq!(broken(&parsed("multipart/form-data; boundary=x", b"--x\r\nnope").await), Some(Broken::Malformed));
        assert_eq!(broken(&parsed("multipart/form-data", b"a").await), Some(Broken::Malformed));
    }

    #[tokio::test]
    async fn nothing_is_unpacked() {
        let mut headers = headers("application/json");
        for (encoding, refused) in [("identity", false), ("gzip", true), ("identity, br", true)] {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            let (submitted, body) = read(&headers, Body::from("{}"), LIMITS).await;
            assert_eq!(broken(&submitted), refused.then_some(Broken::Encoded), "{encoding}");
            assert_eq!(axum::body::to_bytes(body, 9).await.unwrap(), "{}", "the application may unpack it");
        }
    }

    #[tokio::test]
    async fn a_slow_body_is_told_from_a_broken_one() {
        let failing = |error: axum::BoxError| Body::from_stream(stream::once(async { Err::<Bytes, _>(error) }));
        let slow = read(&headers("application/json"), failing(TooSlow.into()), LIMITS).await.0;
        assert_eq!(broken(&slow), Some(Broken::TooSlow));
        let cut = read(&headers("application/json"), failing("gone".into()), LIMITS).await.0;
        assert_eq!(broken(&cut), Some(Broken::Malformed));
    }

    #[tokio::test]
    async fn a_large_body_is_handed_on_whole() {
        let large = vec![b'a'; 500];
        let (submitted, body) = read(&headers("application/json"), Body::from(large.clone()), LIMITS).await;
        assert_eq!(broken(&submitted), Some(Broken::TooLarge));
        assert_eq!(axum::body::to_bytes(body, 1000).await.unwrap(), large);
    }
}
