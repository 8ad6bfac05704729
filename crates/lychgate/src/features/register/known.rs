//! Somebody registers with an address or a name that is taken, and replies must not tell: the owner of the address is
//! told by mail instead.

use crate::{
    failure::Failure,
    flow::{
        authenticate,
        letters::{self, about},
    },
    identity,
    mail::Letter,
    messages,
    web::{exchange::Exchange, form::Form},
};
use lychgate_store::User;

/// Mails the owner of the address; does as much work as a registration does.
pub(crate) async fn tell_owner(call: &Exchange, form: &Form) -> Result<(), Failure> {
    // A registration hashes its password; so does this.
    let password = call.gate.normalize_password(form.value("password"));
    let _ = call.gate.hashing().verify(&password, None).await?;
    let Some(email) = identity::map(call.gate.identity_rules(), "uia_email_mapper", form.value("email")) else {
        return Ok(());
    };
    let known = form.errors_in_order().any(|(_, message)| message.key == messages::EMAIL_ALREADY_ASSOCIATED);
    let owner = authenticate::by_attribute(&call.gate, "email", &email, true).await?;
    let settings = call.gate.settings();
    let mut batch = call.gate.store().batch();
    let mut post = call.post();
    let mut nobody = User::default();
    nobody.email.clone_from(&email);
    let mut context = about(owner.as_deref().unwrap_or(&nobody));
    let (template, user) = match &owner {
        Some(owner) if known => {
            if settings.flag("recoverable") {
                let page = call.gate.url("forgot_password");
                let link = call.gate.reset_link(owner, call.now).await?;
                context.insert("recovery_link".to_owned(), call.link_to(&page).into());
                letters::RESET.put(call, &link, &mut context);
                link.record(&mut batch);
            }
            if settings.flag("confirmable") && owner.confirmed_at.is_none() {
                let link = call.gate.confirm_link(owner, call.now).await?;
                letters::CONFIRM.put(call, &link, &mut context);
                link.record(&mut batch);
                call.remember_waiting(&mut batch, &letters::CONFIRM, owner.id, &link.token);
            }
            ("register_email_existing_template", &**owner)
        }
        _ => {
            context.insert("email".to_owned(), email.as_str().into());
            context.insert("username".to_owned(), form.value("username").into());
            ("register_email_existing_username_template", &nobody)
        }
    };
    post.letter(
        call,
        Letter {
            template: settings.text(template),
            subject: settings.text("email_subject_register").to_owned(),
            to: user.email.as_str(),
            context,
        },
    )?;
    call.commit_and_send(batch, post).await?;
    if settings.flag("confirmable") && call.is_waiting(&letters::CONFIRM) {
        // Whoever is new has their ticket written now.
        call.gate.store().meta_set("decoy", &email).await?;
    }
    Ok(())
}
