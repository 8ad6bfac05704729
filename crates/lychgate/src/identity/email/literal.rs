//! IP addresses in brackets after the `@` (RFC 5321 §4.1.3).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::EmailError;

/// Reads what stands between the brackets and gives the whole literal in its shortest form.
pub(super) fn normalize(inner: &str) -> Result<String, EmailError> {
    let (tag, address) = inner.split_at_checked(5).unwrap_or(("", ""));
    if tag.eq_ignore_ascii_case("IPv6:") {
        let address: Ipv6Addr = address.parse().map_err(|_| EmailError::Domain)?;
        return Ok(format!("[IPv6:{address}]"));
    }
    let address: Ipv4Addr = inner.parse().map_err(|_| EmailError::Domain)?;
    Ok(format!("[{address}]"))
}
