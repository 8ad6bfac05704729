//! The passkeys that a sign-in page names for somebody who said who they are.
//!
//! Naming them tells that there is such an account. Where replies are generic, everybody whom nobody knows has passkeys
//! too: made up, the same ones each time for some months, and then others, as people change their passkeys. So whoever sees
//! them change has learned nothing either.

use lychgate_store::Credential;

use crate::{
    failure::Failure,
    flow::{
        account, authenticate, by_email,
        passkeys::{FIRST, of_usage},
    },
    identity,
    web::exchange::Exchange,
};

/// A passkey as it is named to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) id: Vec<u8>,
    pub(super) transports: Vec<String>,
}

impl From<&Credential> for Hint {
    fn from(credential: &Credential) -> Self {
        Self { id: credential.credential_id.clone(), transports: credential.transports.clone() }
    }
}

/// The passkeys by which whoever `text` names may sign in.
pub(super) async fn of_identity(call: &Exchange, text: &str) -> Result<Vec<Hint>, Failure> {
    if text.is_empty() || !call.gate.settings().flag("wan_allow_user_hints") {
        return Ok(Vec::new());
    }
    let user = authenticate::find(&call.gate, text).await?;
    let known = match &user {
        Some(user) if !account::is_blocked(&call.gate, user).await? => {
            of_usage(&call.gate, user, &[FIRST]).await?.iter().map(Hint::from).collect()
        }
        _ => Vec::new(),
    };
    Ok(if known.is_empty() && by_email::is_generic(call) { decoys(call, text) } else { known })
}

/// Lengths of ids and ways to reach authenticators, as they are common.
const KINDS: [(usize, &[&str]); 4] =
    [(20, &["internal", "hybrid"]), (16, &["internal", "hybrid"]), (32, &["internal"]), (48, &["usb", "nfc"])];

fn decoys(call: &Exchange, text: &str) -> Vec<Hint> {
    let gate = &call.gate;
    let attributes = gate.settings().identity_attributes();
    let mut mapped = attributes.iter().filter_map(|a| identity::map(gate.identity_rules(), a.mapper.mapper(), text));
    let name = mapped.next().unwrap_or_else(|| text.trim().to_owned()).to_lowercase();
    let [days, first, ..] = gate.passkeys().decoy(&format!("pace/{name}"));
    let today = call.now.unix().div_euclid(86_400);
    let epoch = (today + i64::from(first)).div_euclid(30 + i64::from(days));
    let bytes = |part: &str| gate.passkeys().decoy(&format!("{part}/{epoch}/{name}"));
    let [how_many, kind, ..] = bytes("kind");
    // One person in four has two.
    let count = if how_many % 4 == 0 { 2 } else { 1 };
    (0..count)
        .map(|at| {
            let (length, transports) = KINDS[(usize::from(kind) + at) % KINDS.len()];
            let id = [bytes(&format!("{at}a")), bytes(&format!("{at}b"))].concat();
            let transports = transports.iter().map(|&name| name.to_owned()).collect();
            Hint { id: id.into_iter().take(length).collect(), transports }
        })
        .collect()
}
