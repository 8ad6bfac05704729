//! Sign out: the session ends here and in every copy of its cookie.

pub(crate) mod openapi;
pub(crate) mod settings;

use http::Method;
use serde_json::Map;

use crate::{
    failure::Failure,
    gate::Lychgate,
    settings::Settings,
    web::{
        answer::Reply,
        form::{Field, Form, Kind},
        routes::{Call, Routes},
    },
};

pub(crate) fn endpoints(settings: &Settings) -> Vec<(&'static str, String)> {
    let on = !settings.list("logout_methods").is_empty();
    settings.text_opt("logout_url").filter(|_| on).map(|url| ("logout", url.to_owned())).into_iter().collect()
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(gate: &Lychgate, routes: &mut Routes<S>) {
    let settings = gate.settings();
    let methods: Vec<Method> = settings.list("logout_methods").iter().filter_map(|name| name.parse().ok()).collect();
    if let Some(url) = settings.text_opt("logout_url").filter(|_| !methods.is_empty()) {
        routes.add("logout", &methods, url, "anyone", logout);
    }
}

async fn logout(call: Call) -> Result<Reply, Failure> {
    let settings = call.gate.settings();
    // Where a cookie carries the refresh token, sign-out finds it there.
    let by_body = call.config().refresh.as_ref().is_some_and(|config| config.cookie.is_none());
    let mut fields = vec![Field::new("next", Kind::Hidden, "")];
    fields.extend(by_body.then(|| Field::new("refresh_token", Kind::Hidden, "")));
    let mut form = Form::new("logout_form", settings.text("logout_user_template"), call.action("logout"), fields);
    form.fill(&call.submitted)?;
    if settings.flag("logout_csrf") && call.current().await?.is_some() {
        let proof = if call.sent_json() { call.csrf_unauthenticated().await } else { call.csrf_of_request() };
        match proof {
            Ok(()) => call.csrf_of_form(&mut form),
            Err(Failure::Csrf(_)) if !call.wants_json() => return Ok(Reply::Form(Box::new(form))),
            Err(failure) => return Err(failure),
        }
        if form.has_errors() {
            // A page that somebody else made may lead here; ask before anything happens.
            return if call.wants_json() {
                Err(form.rejected())
            } else {
                Ok(Reply::Form(Box::new(form.without_errors())))
            };
        }
    }
    if by_body {
        call.give_back_refresh(form.value("refresh_token")).await?;
    }
    call.sign_out().await?;
    if call.method == Method::POST && call.wants_json() {
        return Ok(Reply::Json(Map::new()));
    }
    Ok(Reply::Redirect(call.after(Some(&form), "post_logout_view")))
}
