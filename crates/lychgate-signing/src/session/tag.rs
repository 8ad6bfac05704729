//! Types that JSON lacks, as objects with one member whose name starts with a space.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Map, Value, date};
use crate::{
    error::EncodeError,
    json::{self, Escape, MAX_DEPTH, write_float, write_int, write_str},
};

/// An object whose only name is one of these would be taken for a tag.
const OBJECT: &str = " di";
const TUPLE: &str = " t";
const BYTES: &str = " b";
const MARKUP: &str = " m";
const UUID: &str = " u";
const DATE: &str = " d";

/// Stands behind the name inside an escaped object.
const ESCAPE: &str = "__";

fn is_tag(name: &str) -> bool {
    matches!(name, OBJECT | TUPLE | BYTES | MARKUP | UUID | DATE)
}

/// The JSON of a whole session.
pub(super) fn write_map(session: &Map) -> Result<String, EncodeError> {
    let mut out = String::with_capacity(256);
    write_members(&mut out, session, 0)?;
    Ok(out)
}

/// `depth` counts the arrays and objects around the value in the JSON, those of tags included.
fn write_value(out: &mut String, value: &Value, depth: usize) -> Result<(), EncodeError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => write_int(out, *number),
        Value::Float(number) => write_float(out, *number),
        Value::Str(text) => write_str(out, text, Escape::NonAscii),
        Value::List(items) => write_items(out, items, depth)?,
        Value::Map(members) => write_members(out, members, depth)?,
        Value::Tuple(items) => tagged(out, TUPLE, depth, |out| write_items(out, items, depth + 1))?,
        Value::Bytes(bytes) => tagged_text(out, BYTES, depth, &STANDARD.encode(bytes))?,
        Value::Markup(html) => tagged_text(out, MARKUP, depth, html)?,
        Value::Uuid(number) => tagged_text(out, UUID, depth, &format!("{number:032x}"))?,
        Value::DateTime(time) => tagged_text(out, DATE, depth, &date::write(*time).ok_or(EncodeError::Date)?)?,
    }
    Ok(())
}

fn write_items(out: &mut String, items: &[Value], depth: usize) -> Result<(), EncodeError> {
    check(depth)?;
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(out, item, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

fn write_members(out: &mut String, members: &Map, depth: usize) -> Result<(), EncodeError> {
    check(depth)?;
    if members.len() == 1
        && let Some((name, value)) = members.first_key_value()
        && is_tag(name)
    {
        return tagged(out, OBJECT, depth, |out| {
            tagged(out, &format!("{name}{ESCAPE}"), depth + 1, |out| write_value(out, value, depth + 2))
        });
    }
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_str(out, name, Escape::NonAscii);
        out.push(':');
        write_value(out, value, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn tagged(
    out: &mut String,
    name: &str,
    depth: usize,
    body: impl FnOnce(&mut String) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    check(depth)?;
    out.push('{');
    write_str(out, name, Escape::NonAscii);
    out.push(':');
    body(out)?;
    out.push('}');
    Ok(())
}

fn tagged_text(out: &mut String, name: &str, depth: usize, text: &str) -> Result<(), EncodeError> {
    tagged(out, name, depth, |out| {
        write_str(out, text, Escape::NonAscii);
        Ok(())
    })
}

fn check(depth: usize) -> Result<(), EncodeError> {
    if depth >= MAX_DEPTH { Err(EncodeError::TooDeep) } else { Ok(()) }
}

/// The session in JSON; `None` when it is no object or a tag is wrongly used.
pub(super) fn read_map(json: json::Value) -> Option<Map> {
    match read_value(json)? {
        Value::Map(members) => Some(members),
        _ => None,
    }
}

// The parser has bounded the depth.
fn read_value(json: json::Value) -> Option<Value> {
    Some(match json {
        json::Value::Null => Value::Null,
        json::Value::Bool(value) => Value::Bool(value),
        json::Value::Int(number) => Value::Int(number),
        json::Value::Float(number) => Value::Float(number),
        json::Value::Str(text) => Value::Str(text),
        json::Value::List(items) => Value::List(read_items(items)?),
        json::Value::Map(mut members) => {
            if members.len() == 1
                && let Some((name, value)) = members.pop_if(|(name, _)| is_tag(name))
            {
                return read_tagged(&name, value);
            }
            Value::Map(
                members.into_iter().map(|(name, value)| Some((name, read_value(value)?))).collect::<Option<_>>()?,
            )
        }
    })
}

fn read_items(items: Vec<json::Value>) -> Option<Vec<Value>> {
    items.into_iter().map(read_value).collect()
}

fn read_tagged(name: &str, value: json::Value) -> Option<Value> {
    Some(match (name, value) {
        (TUPLE, json::Value::List(items)) => Value::Tuple(read_items(items)?),
        (BYTES, json::Value::Str(text)) => Value::Bytes(STANDARD.decode(text).ok()?),
        (MARKUP, json::Value::Str(html)) => Value::Markup(html),
        (UUID, json::Value::Str(text)) => Value::Uuid(read_uuid(&text)?),
        (DATE, json::Value::Str(text)) => Value::DateTime(date::read(&text)?),
        (OBJECT, json::Value::Map(mut members)) if members.len() == 1 => {
            let (mut name, value) = members.pop()?;
            name.truncate(name.strip_suffix(ESCAPE)?.len());
            if !is_tag(&name) {
                return None;
            }
            Value::Map(Map::from([(name, read_value(value)?)]))
        }
        _ => return None,
    })
}

fn read_uuid(text: &str) -> Option<u128> {
    let lower_hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if lower_hex { u128::from_str_radix(text, 16).ok() } else { None }
}
