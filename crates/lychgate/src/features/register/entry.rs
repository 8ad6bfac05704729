//! Who may register: anybody, people of some mail domains, the invited, or those whom somebody then approves.

use http::StatusCode;
use lychgate_store::Invitation;

use crate::{
    failure::Failure,
    flow::invitations,
    messages,
    web::{exchange::Exchange, form::Form},
};

/// How somebody comes to register.
#[derive(Debug)]
pub(super) enum Entry {
    Free,
    /// By an open invitation, which decides address and roles and confirms the address.
    Invited(Invitation),
    /// Somebody has to approve the account before it can be used.
    Waiting,
    /// Not at all, as registration is closed.
    Closed,
    /// Not without an invitation.
    Uninvited,
}

impl Entry {
    /// How this client comes, by what it says of an invitation in the form or the query.
    pub(super) async fn of(call: &Exchange, token: &str) -> Result<Self, Failure> {
        if let Some(invitation) = invitations::open(&call.gate, token, call.now).await? {
            return Ok(Self::Invited(invitation));
        }
        Ok(match call.gate.settings().text("register_mode") {
            "closed" => Self::Closed,
            "invitation" => Self::Uninvited,
            "approval" => Self::Waiting,
            _ => Self::Free,
        })
    }

    /// What the page makes of it.
    pub(super) fn mode(&self) -> &'static str {
        match self {
            Self::Free | Self::Waiting => "open",
            Self::Invited(_) => "invitation",
            Self::Closed => "closed",
            Self::Uninvited => "uninvited",
        }
    }

    /// Refuses whoever may not register at all.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let refused = |key| Err(Failure::bad(StatusCode::FORBIDDEN, key));
        match self {
            Self::Closed => refused(messages::REGISTRATION_CLOSED),
            Self::Uninvited => refused(messages::INVITATION_REQUIRED),
            _ => Ok(()),
        }
    }

    /// Holds the address against what lets the client in.
    pub(super) fn check_email(&self, call: &Exchange, form: &mut Form) {
        match self {
            Self::Invited(invitation) if !invitation.email.eq_ignore_ascii_case(form.value("email").trim()) => {
                form.field_error("email", messages::INVITATION_ADDRESS);
            }
            Self::Free => check_domain(call, form),
            _ => {}
        }
    }
}

/// Where only some mail domains may register.
fn check_domain(call: &Exchange, form: &mut Form) {
    let settings = call.gate.settings();
    let domains = settings.list("register_domains");
    let domain = form.value("email").rsplit('@').next().unwrap_or_default().trim().to_lowercase();
    if settings.text("register_mode") == "domain" && !domains.iter().any(|allowed| allowed.to_lowercase() == domain) {
        form.field_error("email", messages::REGISTRATION_DOMAIN);
    }
}
