//! Letters to users: what each says of them, mailed links, and the transaction that a letter belongs to.

use lychgate_store::{Batch, BatchOutcome, StoreError, User};
use serde_json::{Map, Value};

use super::links::Issued;
use crate::{
    failure::Failure,
    mail::{Letter, Post},
    messages::Said,
    settings::Settings,
    web::exchange::Exchange,
};

/// The beginning of a letter's context: who the user is, the application's own columns among it. One of them may say
/// which language the letter is written in.
pub(crate) fn about(user: &User) -> Map<String, Value> {
    let mut about = user.extra.clone();
    about.insert("email".to_owned(), user.email.as_str().into());
    about.insert("username".to_owned(), user.username.clone().into());
    Map::from_iter([("user".to_owned(), about.into())])
}

/// The lifetime that a setting gives; it becomes words in the language of the text that it stands in.
pub(crate) fn within(settings: &Settings, name: &str) -> Said {
    Said::Span(settings.duration(name).map_or(0.0, |seconds| seconds.as_secs_f64()))
}

/// A kind of mailed link: where it leads, and what its letter is made of.
#[derive(Debug)]
pub(crate) struct MailedLink {
    /// What the database calls the kind.
    pub(crate) name: &'static str,
    /// The endpoint below which the link leads.
    pub(crate) endpoint: &'static str,
    /// What the template calls the link and its token.
    names: (&'static str, &'static str),
    /// Settings: the lifetime, the template, the subject.
    within: &'static str,
    template: &'static str,
    subject: &'static str,
}

pub(crate) const CONFIRM: MailedLink = MailedLink {
    name: "confirm",
    endpoint: "send_confirmation",
    names: ("confirmation_link", "confirmation_token"),
    within: "confirm_email_within",
    template: "email_template_confirm",
    subject: "email_subject_confirm",
};

pub(crate) const RESET: MailedLink = MailedLink {
    name: "reset",
    endpoint: "forgot_password",
    names: ("reset_link", "reset_token"),
    within: "reset_password_within",
    template: "email_template_password_reset",
    subject: "email_subject_password_reset",
};

pub(crate) const LOGIN: MailedLink = MailedLink {
    name: "login",
    endpoint: "login",
    names: ("login_link", "login_token"),
    within: "login_within",
    template: "email_template_passwordless",
    subject: "email_subject_passwordless",
};

pub(crate) const CHANGE_EMAIL: MailedLink = MailedLink {
    name: "change-email",
    endpoint: "change_email",
    names: ("link", "token"),
    within: "change_email_within",
    template: "change_email_email_template",
    subject: "change_email_subject",
};

impl MailedLink {
    /// How long it works.
    pub(crate) fn within(&self, settings: &Settings) -> Said {
        within(settings, self.within)
    }

    /// How long it works, in seconds.
    pub(crate) fn seconds(&self, settings: &Settings) -> i64 {
        settings.duration(self.within).map_or(0, |within| within.as_secs())
    }

    /// Gives a letter of whatever kind the link and its token.
    pub(crate) fn put(&self, exchange: &Exchange, link: &Issued, context: &mut Map<String, Value>) {
        let (name, token) = self.names;
        let url = exchange.link_to(&exchange.token_path(self.endpoint, &link.token));
        context.insert(name.to_owned(), url.into());
        context.insert(token.to_owned(), link.token.as_str().into());
    }
}

impl Exchange {
    /// Mails a link to `to`. It is remembered as the newest of its kind in the transaction that enters the letter.
    pub(crate) async fn mail_link(
        &self,
        kind: &MailedLink,
        user: &User,
        to: &str,
        link: &Issued,
    ) -> Result<(), Failure> {
        let mut post = self.post();
        let mut batch = self.gate.store().batch();
        self.write_link(kind, user, to, link, &mut post)?;
        link.record(&mut batch);
        self.remember_waiting(&mut batch, kind, user.id, &link.token);
        self.commit_and_send(batch, post).await?;
        Ok(())
    }

    /// The letter of a link, for a transaction of the caller's, which also [records](Issued::record) the link.
    pub(crate) fn write_link(
        &self,
        kind: &MailedLink,
        user: &User,
        to: &str,
        link: &Issued,
        post: &mut Post,
    ) -> Result<(), Failure> {
        let settings = self.gate.settings();
        let mut context = about(user);
        kind.put(self, link, &mut context);
        context.insert("within".to_owned(), kind.within(settings).into());
        let subject = settings.text(kind.subject).to_owned();
        post.letter(self, Letter { template: settings.text(kind.template), subject, to, context })
    }

    /// Commits a change together with the letters that tell of it, then sees to it that they are sent.
    pub(crate) async fn commit_and_send(&self, mut batch: Batch, post: Post) -> Result<BatchOutcome, StoreError> {
        post.enqueue(&mut batch, self.now.datetime());
        let outcome = self.gate.store().commit(batch).await?;
        post.deliver(&self.gate).await;
        Ok(outcome)
    }
}
