//! QR codes as pictures that a page can hold.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{Color, QrCode};
use zeroize::Zeroizing;

use crate::UriError;

/// The standard's white border, in modules.
const QUIET: usize = 4;

/// Draws a text as a QR code and gives it as the address of a picture, `data:image/svg+xml;base64,…`.
///
/// One path on a white ground, one millimetre to a module: it needs no style and can be read on a dark page.
///
/// # Errors
/// [`UriError::TooLong`] when no QR code holds the text (about 2300 bytes).
pub fn qr_data_url(text: &str) -> Result<Zeroizing<String>, UriError> {
    let code = QrCode::new(text).map_err(|_| UriError::TooLong)?;
    let svg = svg(&code);
    let mut url = Zeroizing::new(String::with_capacity(32 + svg.len().div_ceil(3) * 4));
    url.push_str("data:image/svg+xml;base64,");
    STANDARD.encode_string(svg.as_bytes(), &mut url);
    Ok(url)
}

fn svg(code: &QrCode) -> Zeroizing<String> {
    let width = code.width();
    let size = width + 2 * QUIET;
    let mut svg = Zeroizing::new(String::with_capacity(width * width * 8));
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{size}mm" height="{size}mm" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d=""##
    );
    let modules = code.to_colors();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let _ = write!(svg, "M{} {}h{len}v1h-{len}z", x + QUIET, y + QUIET, len = run.len());
            }
            x += run.len();
        }
    }
    svg.push_str(r#""/></svg>"#);
    svg
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Paints the path again and compares it with the code.
    #[test]
    fn the_path_covers_the_dark_modules() {
        let code = QrCode::new("otpauth://totp/lychgate:joe@lp.com?secret=GEZD").unwrap();
        let svg = svg(&code);
        let width = code.width();
        assert!(svg.contains(&format!("viewBox=\"0 0 {0} {0}\"", width + 8)));
        let path = svg.rsplit("d=\"").next().unwrap().split('"').next().unwrap();
        let mut painted = vec![Color::Light; width * width];
        for run in path.split('z').filter(|run| !run.is_empty()) {
            let (place, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = place.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let len: usize = rest.split_once("v1h-").unwrap().1.parse().unwrap();
            assert!(rest.starts_with(&format!("{len}v1")));
            for module in x..x + len {
                painted[(y - QUIET) * width + module - QUIET] = Color::Dark;
            }
        }
        assert!(painted == code.to_colors());
    }

    #[test]
    fn an_address_of_a_picture() {
        let url = qr_data_url("otpauth://totp/x?secret=GEZD").unwrap();
        let svg = STANDARD.decode(url.strip_prefix("data:image/svg+xml;base64,").unwrap()).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"), "{svg}");
        assert_eq!(qr_data_url(&"x".repeat(3000)).err(), Some(UriError::TooLong));
    }
}
