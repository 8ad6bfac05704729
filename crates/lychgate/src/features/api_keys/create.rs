//! Making an API key.

use std::collections::BTreeSet;

use lychgate_store::User;
use serde_json::{Value, json};
use time::Duration;

use super::{kept, page, view};
use crate::{
    events::Event,
    failure::Failure,
    flow::{activity::What, api_keys, notices::Notice},
    messages,
    web::{
        answer::Reply,
        body::Submitted,
        exchange::Exchange,
        form::{Choice, Field, Form, Kind, Message},
        identify::Mechanism,
        routes::Call,
    },
};

/// Longest name, in characters.
const LONGEST_NAME: usize = 64;

/// Most permissions that one request names; nobody has so many.
const MOST_SCOPES: usize = 1000;

/// The lives that a key may have.
fn lives(call: &Exchange) -> Vec<Choice> {
    let most = call.gate.settings().duration("api_key_max_age").map(|most| most.as_secs_f64() / 86_400.0);
    let all = [
        (7.0, Choice::new("7", "7 days", "")),
        (30.0, Choice::new("30", "30 days", "")),
        (90.0, Choice::new("90", "90 days", "")),
        (365.0, Choice::new("365", "One year", "")),
        (f64::INFINITY, Choice::new("never", "Does not expire", "Until you remove it.")),
    ];
    let mut fitting: Vec<Choice> =
        all.into_iter().filter(|(days, _)| most.is_none_or(|most| *days <= most)).map(|(_, choice)| choice).collect();
    if fitting.is_empty() {
        fitting.push(Choice::new("longest", "As long as allowed", ""));
    }
    fitting
}

fn life(call: &Exchange, chosen: &str) -> Option<Duration> {
    match chosen.parse::<i64>() {
        Ok(days) => Some(Duration::days(days)),
        Err(_) => call
            .gate
            .settings()
            .duration("api_key_max_age")
            .map(|most| Duration::seconds_f64(most.as_secs_f64().clamp(0.0, 1e10))),
    }
}

pub(super) fn form(call: &Exchange, user: &User) -> Form {
    let settings = call.gate.settings();
    let lives = lives(call);
    let usual = lives.iter().find(|life| life.value == "90").or(lives.last()).map(|life| life.value.clone());
    let fields = vec![
        Field::new("name", Kind::Text, "Name").autocomplete("off").required(),
        Field::new("expires", Kind::Radio, "How long is it good?").choices(lives, usual.as_deref().unwrap_or_default()),
    ];
    let mut form = Form::new("api_key_form", settings.text("api_keys_template"), call.gate.url("api_keys"), fields);
    form.payload.insert("available_scopes".to_owned(), api_keys::grantable(user).into());
    form
}

/// The permissions that were sent; none of a wrong type.
fn sent_scopes(submitted: &Submitted) -> Option<BTreeSet<String>> {
    let all: BTreeSet<String> = match submitted {
        Submitted::Form(pairs) => {
            pairs.iter().filter(|(name, _)| name == "scopes").map(|(_, value)| value.clone()).collect()
        }
        Submitted::Json(map) => match map.get("scopes") {
            None | Some(Value::Null) => BTreeSet::new(),
            Some(Value::Array(items)) if items.len() <= MOST_SCOPES => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?
            }
            Some(_) => return None,
        },
        _ => BTreeSet::new(),
    };
    Some(all)
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&[Mechanism::Session], None).await?;
    call.admit_to_change(&who).await?;
    let user = &who.user;
    let mut mine = kept(&call, user).await?;
    let mut form = page(&call, user, &mine, None);
    form.fill(&call.submitted)?;
    let name = form.value("name").trim().to_owned();
    if name.is_empty() && !form.has_error_in("name") {
        form.field_error("name", messages::FIELD_REQUIRED);
    } else if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        form.field_error("name", messages::API_KEY_NAME_INVALID);
    }
    let scopes = match sent_scopes(&call.submitted) {
        None => {
            form.field_error("scopes", messages::API_ERROR);
            BTreeSet::new()
        }
        Some(scopes) => {
            let has = api_keys::grantable(user);
            if scopes.iter().any(|scope| !has.contains(scope)) {
                form.field_error("scopes", messages::API_KEY_SCOPE_MISSING);
            }
            scopes
        }
    };
    let chosen: Value = scopes.iter().map(|scope| Value::from(scope.as_str())).collect();
    form.payload.insert("chosen_scopes".to_owned(), chosen);
    call.csrf_of_form(&mut form);
    let most = usize::try_from(call.gate.settings().int("api_keys_most")).unwrap_or_default();
    if mine.iter().filter(|key| key.is_live(call.now.datetime())).count() >= most {
        form.form_error(Message::from(messages::API_KEYS_TOO_MANY).with("count", most.to_string()));
    }
    if form.has_errors() {
        return Err(form.rejected());
    }
    let life = life(&call, form.value("expires"));
    let scopes = scopes.into_iter().collect();
    let (text, key) = api_keys::new_key(&call.gate, user, &name, scopes, life, call.now.datetime());
    let mut batch = call.gate.store().batch();
    batch.add_api_key(&key);
    call.note(&mut batch, user.id, What::ApiKeyAdded, Some(&name));
    let mut post = call.post();
    let told = Message::from(messages::NOTICE_API_KEY_ADDED).with("name", name.clone());
    call.notify(&mut post, user, &Notice::Access(told))?;
    call.commit_and_send(batch, post).await?;
    call.gate.events().send(&Event::ApiKeyAdded { user_id: user.id, id: key.id.clone(), name });
    if call.wants_json() {
        let shown = json!({"api_key": view(&call, &key), "key": text.as_str()});
        return Ok(Reply::Json(call.members(shown)));
    }
    mine.insert(0, key);
    let mut form = page(&call, user, &mine, None);
    form.payload.insert("new_key".to_owned(), text.as_str().into());
    Ok(Reply::Form(Box::new(form)))
}
