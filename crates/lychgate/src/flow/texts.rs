//! Codes by text message.

use std::time::Duration;

use crate::{
    failure::Failure,
    gate::Lychgate,
    messages,
    web::{exchange::Exchange, form::Message},
};

/// Whether there is somebody who sends text messages. Where there is not, nothing that needs them is to be offered.
pub(crate) fn are_sent(gate: &Lychgate) -> bool {
    gate.desk().gateway().is_some()
}

/// Sends a code, in the words of `USE_CODE`, to a telephone number. It is not tried for longer than the code is good.
///
/// `false` if it cannot be sent, as [`Lychgate::send_text`] has it. The reply may say so: whoever asked waits for this
/// code.
pub(crate) async fn send_code(exchange: &Exchange, to: &str, code: &str, good_for: Duration) -> Result<bool, Failure> {
    let text = exchange.text(&Message::from(messages::USE_CODE).with("code", code));
    Ok(exchange.gate.send_text(to, &text, good_for).await?)
}
