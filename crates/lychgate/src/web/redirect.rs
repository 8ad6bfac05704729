//! Where a reply sends a browser: names of endpoints become URLs, and only targets of our own are followed.

use super::exchange::Exchange;
use crate::{flow::next, messages, web::form::Form};

impl Exchange {
    /// Where to go after an action: the form's `next`, the query's, the setting `view`, the root of the application.
    pub(crate) fn after(&self, form: Option<&Form>, view: &str) -> String {
        self.asked_next(form).or_else(|| self.view(view)).unwrap_or_else(|| self.root())
    }

    /// Where the client asked to go afterwards, by the form's `next` or the query's, if that may be followed.
    pub(crate) fn asked_next(&self, form: Option<&Form>) -> Option<String> {
        let from_form = form.filter(|_| !self.sent_json()).map(|form| form.value("next"));
        let from_query = self.query("next");
        let mut asked = [from_form, from_query.as_deref()].into_iter().flatten().filter(|target| !target.is_empty());
        asked.find_map(|target| self.followed(target))
    }

    /// `target` as a `Location`, if it may be followed.
    pub(crate) fn followed(&self, target: &str) -> Option<String> {
        match self.gate.endpoint_url(target) {
            Some(url) => Some(url),
            None => next::checked_location(target, self.host(), &self.config().allowed_hosts),
        }
    }

    /// What a setting such as `post_login_view` names: an endpoint, a path or a URL. The operator's word is not doubted.
    pub(crate) fn view(&self, setting: &str) -> Option<String> {
        if let Some(landing) = self.landing().filter(|_| setting == "post_login_view") {
            return Some(landing);
        }
        let settings = self.gate.settings();
        if !settings.given(setting) && matches!(setting, "post_login_view" | "post_logout_view") {
            return Some(settings.text("application_root").to_owned());
        }
        let target = settings.text_opt(setting)?;
        self.gate.endpoint_url(target).or_else(|| next::location(target))
    }

    /// Where the application sends whoever has signed in, now or before.
    pub(crate) fn landing(&self) -> Option<String> {
        let landing = self.landing.lock().clone();
        landing.or_else(|| {
            let who = self.by_session.get()?.as_ref()?;
            self.gate.landing_of(&who.user)
        })
    }

    /// Where somebody who is signed in goes instead of signing in.
    pub(crate) fn signed_in_home(&self) -> String {
        self.view("post_login_view").unwrap_or_else(|| self.root())
    }

    /// The root of the application.
    pub(crate) fn root(&self) -> String {
        format!("{}/", self.config().application_root)
    }

    /// Refuses a `next` that leads elsewhere.
    pub(crate) fn check_next(&self, form: &mut Form) {
        let target = form.value("next").to_owned();
        if !target.is_empty()
            && self.gate.endpoint_url(&target).is_none()
            && (target.starts_with("///")
                || next::checked_location(&target, self.host(), &self.config().allowed_hosts).is_none())
        {
            form.set_value("next", "");
            form.field_error("next", messages::INVALID_REDIRECT);
            self.flash(messages::INVALID_REDIRECT);
        }
    }

    /// An endpoint's URL that leads back to `target` afterwards.
    pub(crate) fn with_next(&self, url: &str, target: &str) -> String {
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}next={}", next::as_query_value(target))
    }

    /// The action of a form of this page: its endpoint, keeping the `next` of the page.
    pub(crate) fn action(&self, endpoint: &str) -> String {
        let url = self.gate.url(endpoint);
        match self.query("next") {
            Some(target) => self.with_next(&url, &target),
            None => url,
        }
    }
}
