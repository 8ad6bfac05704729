//! Values in PostgreSQL's binary format, by the type that the server expects or sends.

use std::error::Error;

use bytes::BytesMut;
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::decode::Row;
use crate::value::{Value, format_time, in_utc, parse_time};

type Outcome<T> = Result<T, Box<dyn Error + Sync + Send>>;

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    (0..row.len()).map(|index| row.try_get(index)).collect()
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Outcome<Self> {
        Ok(match *ty {
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::INT2 => Self::Int(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::OID => Self::Int(u32::from_sql(ty, raw)?.into()),
            Type::FLOAT4 => Self::Float(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Self::Float(f64::from_sql(ty, raw)?),
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::TIMESTAMP => Self::Time(PrimitiveDateTime::from_sql(ty, raw)?.assume_utc()),
            Type::TIMESTAMPTZ => Self::Time(OffsetDateTime::from_sql(ty, raw)?),
            // Everything else is asked for as text.
            _ => Self::Text(String::from_utf8(raw.to_vec())?),
        })
    }

    fn from_sql_null(_: &Type) -> Outcome<Self> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => int(*number, ty, out),
            Self::Bool(flag) => match *ty {
                Type::BOOL => flag.to_sql(ty, out),
                _ => int(i64::from(*flag), ty, out),
            },
            Self::Float(number) => match *ty {
                Type::FLOAT8 => number.to_sql(ty, out),
                // The column holds no more than this.
                #[allow(clippy::cast_possible_truncation)]
                Type::FLOAT4 => (*number as f32).to_sql(ty, out),
                _ => text(&number.to_string(), ty, out),
            },
            Self::Blob(bytes) => match *ty {
                Type::BYTEA => bytes.as_slice().to_sql(ty, out),
                _ => misfit(ty),
            },
            Self::Time(time) => moment(*time, ty, out),
            Self::Text(value) => text(value, ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn int(number: i64, ty: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
    match *ty {
        Type::INT2 => i16::try_from(number)?.to_sql(ty, out),
        Type::INT4 => i32::try_from(number)?.to_sql(ty, out),
        Type::INT8 => number.to_sql(ty, out),
        Type::BOOL if number == 0 || number == 1 => (number == 1).to_sql(ty, out),
        // Numbers with more digits than this never come as an integer.
        #[allow(clippy::cast_precision_loss)]
        Type::FLOAT8 => (number as f64).to_sql(ty, out),
        _ => text(&number.to_string(), ty, out),
    }
}

fn moment(time: OffsetDateTime, ty: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
    let time = in_utc(time);
    match *ty {
        Type::TIMESTAMP => PrimitiveDateTime::new(time.date(), time.time()).to_sql(ty, out),
        Type::TIMESTAMPTZ => time.to_sql(ty, out),
        Type::DATE => time.date().to_sql(ty, out),
        _ => text(&format_time(time), ty, out),
    }
}

fn text(value: &str, ty: &Type, out: &mut BytesMut) -> Outcome<IsNull> {
    match *ty {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::JSON => {
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        }
        Type::JSONB => {
            // The version of the format comes first.
            out.extend_from_slice(&[1]);
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        }
        Type::UUID => {
            let digits: String = value.chars().filter(|c| *c != '-').collect();
            match u128::from_str_radix(&digits, 16) {
                Ok(number) if digits.len() == 32 => {
                    out.extend_from_slice(&number.to_be_bytes());
                    Ok(IsNull::No)
                }
                _ => misfit(ty),
            }
        }
        Type::INT2 | Type::INT4 | Type::INT8 => int(value.parse()?, ty, out),
        Type::FLOAT8 => value.parse::<f64>()?.to_sql(ty, out),
        Type::BOOL => value.parse::<bool>()?.to_sql(ty, out),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => match parse_time(value) {
            Some(time) => moment(time, ty, out),
            None => misfit(ty),
        },
        Type::DATE => match parse_time(value) {
            Some(time) => <Date as ToSql>::to_sql(&time.date(), ty, out),
            None => misfit(ty),
        },
        _ => match ty.kind() {
            Kind::Enum(_) => {
                out.extend_from_slice(value.as_bytes());
                Ok(IsNull::No)
            }
            Kind::Domain(inner) => text(value, inner, out),
            // citext and its like, which are texts of their own.
            _ if ty.name() == "citext" => {
                out.extend_from_slice(value.as_bytes());
                Ok(IsNull::No)
            }
            _ => misfit(ty),
        },
    }
}

fn misfit(ty: &Type) -> Outcome<IsNull> {
    Err(format!("the value cannot be written as {}", ty.name()).into())
}
