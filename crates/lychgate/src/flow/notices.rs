//! Letters that tell the owner of an account what has just happened to it: by which device, from where, when.

use serde_json::{Map, Value};

use lychgate_store::User;

use super::letters::about;
use crate::{
    failure::Failure,
    mail::{Letter, Post},
    messages::Said,
    web::{
        device::{DeviceName, device_name},
        exchange::Exchange,
        form::Message,
    },
};

/// What an owner is told of.
#[derive(Clone, Debug)]
pub(crate) enum Notice<'a> {
    /// The password was changed by somebody who was signed in.
    PasswordChanged,
    /// The password was replaced by means of a mailed link.
    PasswordReset,
    /// The account has moved; both addresses are told.
    EmailChanged { new: &'a str },
    /// The account has another username.
    UsernameChanged { username: &'a str },
    /// Somebody signed in with a browser that is not known.
    NewDevice,
    /// Something else by which one gets in was added, changed or taken away; the message says what.
    Access(Message),
}

/// How a notice is written: the settings that switch it on and give its subject, and its template.
struct Form<'a> {
    switch: &'static str,
    /// What the link of the notice says that it is about.
    event: &'static str,
    subject: &'static str,
    template: &'a str,
}

impl Exchange {
    /// Writes the notice, if the settings want it, to `user` as the account was before the change. The caller enters it
    /// in the transaction of the change.
    pub(crate) fn notify(&self, post: &mut Post, user: &User, notice: &Notice<'_>) -> Result<(), Failure> {
        let settings = self.gate.settings();
        let form = self.form_of(notice);
        if !settings.flag(form.switch) {
            return Ok(());
        }
        let mut context = self.facts(user);
        match notice {
            Notice::EmailChanged { new } => {
                context.insert("new_email".to_owned(), (*new).into());
            }
            Notice::UsernameChanged { username } => {
                context.insert("username".to_owned(), (*username).into());
            }
            Notice::Access(what) => {
                context.insert("what".to_owned(), what.text(self.messages_for(user)).into());
            }
            Notice::PasswordChanged | Notice::PasswordReset | Notice::NewDevice => {}
        }
        let subject = settings.text(form.subject);
        if let Notice::EmailChanged { new } = notice {
            let mut context = context.clone();
            context.insert("at_new_address".to_owned(), true.into());
            post.notice(self, Letter { template: form.template, subject: subject.to_owned(), to: new, context })?;
        }
        if let Some(link) = self.not_me_link(user, form.event)? {
            context.insert("not_me_link".to_owned(), link.into());
        }
        post.notice(self, Letter { template: form.template, subject: subject.to_owned(), to: &user.email, context })
    }

    fn form_of(&self, notice: &Notice<'_>) -> Form<'_> {
        let settings = self.gate.settings();
        match notice {
            Notice::PasswordChanged => Form {
                switch: "send_password_change_email",
                event: "password",
                subject: "email_subject_password_change_notice",
                template: settings.text("email_template_password_change_notice"),
            },
            Notice::PasswordReset => Form {
                switch: "send_password_reset_notice_email",
                event: "reset",
                subject: "email_subject_password_notice",
                template: settings.text("email_template_password_reset_notice"),
            },
            Notice::EmailChanged { .. } => Form {
                switch: "send_email_change_notice",
                event: "email",
                subject: "email_subject_email_change_notice",
                template: "security/email/change_email_notice",
            },
            Notice::UsernameChanged { .. } => Form {
                switch: "send_username_change_email",
                event: "username",
                subject: "email_subject_username_change_notice",
                template: settings.text("change_username_email_template"),
            },
            Notice::Access(_) => Form {
                switch: "notify_access_change",
                event: "access",
                subject: "email_subject_access_change",
                template: settings.text("email_template_access_change"),
            },
            Notice::NewDevice => Form {
                switch: "notify_new_device",
                event: "device",
                subject: "email_subject_new_device",
                template: settings.text("email_template_new_device"),
            },
        }
    }

    /// What every notice says: whose account it is, and which device did it, from where, when.
    pub(crate) fn facts(&self, user: &User) -> Map<String, Value> {
        let mut context = about(user);
        context.insert("device".to_owned(), self.device().in_words(self.messages_for(user)).into());
        if let Some(place) = self.address_text() {
            context.insert("place".to_owned(), place.into());
        }
        context.insert("when".to_owned(), Said::At(self.now.unix()).into());
        context
    }

    /// The caller's device.
    pub(crate) fn device(&self) -> DeviceName {
        device_name(&self.user_agent().map(String::from_utf8_lossy).unwrap_or_default())
    }
}
