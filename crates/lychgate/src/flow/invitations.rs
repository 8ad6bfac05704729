//! Invitations: written by an operator, mailed, and used once at registration.

use std::sync::Arc;

use lychgate_signing::tokens::InvitePayload;
use lychgate_store::Invitation;
use serde_json::Map;

use crate::{
    accounts::{FieldErrors, Problem},
    audit::Audited,
    clock::Moment,
    failure::Failure,
    flow::{landing::with_query, letters},
    gate::Lychgate,
    identity,
    mail::Letter,
    messages,
    web::{exchange::Exchange, layer::REQUEST},
};

/// The invitation that a link names, if it can still be used.
pub(crate) async fn open(gate: &Lychgate, token: &str, now: Moment) -> Result<Option<Invitation>, Failure> {
    if token.is_empty() {
        return Ok(None);
    }
    let Ok(redeemed) = gate.links().invite().redeem(token, now.unix()) else { return Ok(None) };
    let found = gate.store().invitation(&redeemed.payload.invitation).await?;
    Ok(found.filter(|invitation| invitation.is_open(now.datetime())))
}

/// Enters an invitation and its mail; gives the link in it.
pub(crate) async fn invite(
    gate: &Lychgate,
    email: &str,
    roles: &[String],
    inviter: Option<&str>,
) -> Result<String, Problem> {
    let exchange = Exchange::of_nobody(gate.clone());
    let (settings, now) = (gate.settings(), exchange.now);
    if !settings.flag("registerable") {
        return Err(Problem::Failure(Failure::internal("`registerable` is off, so an invitation leads nowhere")));
    }
    // What an administrator asks for in the panel of a site in development has the address of that request.
    let asking = REQUEST.try_with(Arc::clone).ok();
    let asking = asking.as_deref().unwrap_or(&exchange);
    let configured = asking.config().base_url.is_some() || asking.config().server_name.is_some();
    if asking.known_origin().is_none() || asking.is_of_nobody() && !configured {
        return Err(Problem::Failure(Failure::internal("the link needs an address to begin with; set `base_url`")));
    }
    let mut errors = FieldErrors::new();
    let address = identity::map(gate.identity_rules(), "uia_email_mapper", email.trim());
    match &address {
        None => errors.push(("email", messages::INVALID_EMAIL_ADDRESS.into())),
        Some(address) => {
            if gate.store().user_by_identity("email", address, true).await?.is_some() {
                let taken = messages::EMAIL_ALREADY_ASSOCIATED;
                errors.push(("email", crate::web::form::Message::from(taken).with("email", address.clone())));
            }
        }
    }
    for role in roles {
        if gate.store().role_by_name(role).await?.is_none() {
            return Err(Problem::Failure(Failure::internal(format_args!("there is no role \"{role}\""))));
        }
    }
    let Some(address) = address.filter(|_| errors.is_empty()) else { return Err(Problem::Fields(errors)) };
    let lifetime = settings.duration("invitation_within").map_or(0, |within| within.as_secs());
    let invitation = Invitation {
        id: crate::random::id(),
        email: address,
        roles: roles.to_vec(),
        invited_by: inviter.map(str::to_owned),
        created_at: now.datetime(),
        expires_at: now.datetime() + time::Duration::seconds(lifetime),
        used_at: None,
        revoked_at: None,
    };
    let payload = InvitePayload { invitation: invitation.id.clone() };
    let token = gate.links().invite().mint(&payload, now.unix()).map_err(Failure::internal)?;
    let link = with_query(&asking.link_to(&gate.url("register")), &[("invitation", token.as_str())]);
    let mut context = Map::new();
    context.insert("link".to_owned(), link.as_str().into());
    context.insert("within".to_owned(), letters::within(settings, "invitation_within").into());
    context.insert("inviter".to_owned(), inviter.into());
    let letter = Letter {
        template: settings.text("invitation_email_template"),
        subject: settings.text("email_subject_invitation").to_owned(),
        to: &invitation.email,
        context,
    };
    let (mut batch, mut post) = (gate.store().batch(), exchange.post());
    batch.invite(&invitation);
    // Not the address: nobody could erase it, as there is no account yet.
    let number = invitation.id.chars().take(12).collect::<String>();
    let what = Audited::new("user-invited").with("invitation", number).with("roles", roles.join(", "));
    gate.audit().note(&mut batch, what);
    post.letter(&exchange, letter)?;
    exchange.commit_and_send(batch, post).await?;
    Ok(link)
}
