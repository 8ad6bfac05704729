//! The page to set up kinds of code, and to take them away. Nothing is stored before a first code was right: what is
//! being set up travels in a signed state.

use std::sync::Arc;

use lychgate_signing::tokens::UnifiedSetupPayload;
use lychgate_store::User;
use serde_json::{Map, Value, json};

use super::{
    forms, send,
    store::{self, Written},
};
use crate::{
    Lychgate,
    failure::Failure,
    flow::{
        authenticate,
        by_email::is_generic,
        code_setup,
        codes::{self, Means, Secret, SendFailure},
        unified,
    },
    identity, messages,
    web::{
        answer::Reply,
        body::Submitted,
        exchange::Exchange,
        form::{Field, Form, Kind, Message},
        identify::Authenticated,
        routes::Call,
    },
};

/// Most kinds of code that one request takes away.
const MOST: usize = 16;

/// The longest telephone number that the database keeps.
const LONGEST_PHONE: usize = 128;

async fn admit_fresh(call: &Call) -> Result<Arc<Authenticated>, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.admit_to_change(&who).await?;
    Ok(who)
}

/// What somebody can sign in with. A password is told also where it is no pass code: the sign-in page takes it.
fn active_of(gate: &Lychgate, user: &User) -> Vec<&'static str> {
    let mut active = unified::methods_of(gate, user);
    let has_password = user.password.as_deref().is_some_and(|hash| !hash.is_empty());
    if has_password && !active.contains(&"password") {
        active.insert(0, "password");
    }
    active
}

/// The page, for a user as they are.
pub(super) fn page(call: &Exchange, user: &User) -> Form {
    let (gate, settings) = (&call.gate, call.gate.settings());
    let (open, active) = (unified::to_set_up(gate), active_of(gate, user));
    let help = |method: &str| match active.contains(&method) {
        true => call.text(&messages::CODE_AGAIN.into()),
        false => String::new(),
    };
    let choices = forms::choices(call, &open, help);
    let mut fields = vec![Field::new("chosen_method", Kind::Radio, "Add or replace").choices(choices, "")];
    if open.contains(&"sms") {
        fields.push(Field::new("phone", Kind::Tel, "Phone number").autocomplete("tel"));
    }
    let mut form = Form::new("us_setup_form", settings.text("us_setup_template"), call.gate.url("us_setup"), fields);
    let label = |method: &&str| match forms::label(method) {
        Some(key) => call.text(&key.into()),
        None => call.text(&messages::CODE_PASSWORD.into()),
    };
    let removable = active.iter().filter(|method| **method != "password");
    let removable: Vec<Value> = removable.map(|method| json!({"value": method, "label": label(method)})).collect();
    let phone = user.us_phone_number.as_deref().filter(|_| active.contains(&"sms"));
    form.payload.insert("delete_choices".to_owned(), removable.into());
    form.payload.insert("active_labels".to_owned(), active.iter().map(label).collect());
    form.payload.insert("phone_number".to_owned(), phone.into());
    form
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit_fresh(&call).await?;
    let gate = &call.gate;
    if !call.wants_json() {
        return Ok(Reply::Form(Box::new(page(&call, &who.user))));
    }
    let mut members = forms::facts(gate, &[]);
    members.remove("code_methods");
    let active = match active_of(gate, &who.user) {
        none if none.is_empty() => json!([null]),
        active => json!(active),
    };
    members.insert("active_methods".to_owned(), active);
    members.insert("setup_methods".to_owned(), json!(unified::to_set_up(gate)));
    let by_sms = unified::enabled(gate).contains(&"sms");
    let phone = who.user.us_phone_number.as_deref().filter(|_| by_sms);
    members.insert("phone".to_owned(), phone.into());
    Ok(Reply::Json(call.members(members.into())))
}

/// What a request asks for.
#[derive(Debug, Default)]
struct Wish {
    add: Option<Means>,
    /// The number for text messages, as it is stored.
    phone: Option<String>,
    /// Whether the number is somebody else's, which is not to be told.
    is_taken: bool,
    remove: Vec<&'static str>,
}

pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit_fresh(&call).await?;
    let mut form = page(&call, &who.user);
    form.fill(&call.submitted)?;
    let mut form = form.without(&[messages::INVALID_CHOICE]);
    let wish = read(&call, &mut form, &who.user).await?;
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return Err(form.rejected());
    }
    let mut user = Arc::clone(&who.user);
    if !wish.remove.is_empty() {
        match store::remove(&call, &user, &wish.remove).await? {
            Written::Done => {}
            Written::LastWayIn => {
                form.field_error("delete_method", messages::US_LAST_WAY_IN);
                return Err(form.rejected());
            }
            Written::Stale | Written::Taken => {
                form.form_error(messages::API_ERROR);
                return Err(form.rejected());
            }
        }
        user = call.gate.store().user_by_id(user.id).await?.ok_or_else(|| Failure::internal("a user is gone"))?;
    }
    match wish.add {
        Some(means) => begin(&call, &who, &user, means, &wish).await,
        None if call.wants_json() => Ok(Reply::Json(call.members(json!({})))),
        None => Ok(Reply::Form(Box::new(page(&call, &user)))),
    }
}

/// What the form asks for; what is wrong becomes an error.
async fn read(call: &Call, form: &mut Form, user: &User) -> Result<Wish, Failure> {
    let mut wish = Wish::default();
    let chosen = form.value("chosen_method").to_owned();
    let removed = match removed(&call.submitted) {
        Ok(removed) => removed,
        Err(()) => {
            form.field_error("delete_method", messages::API_ERROR);
            return Ok(wish);
        }
    };
    if chosen.is_empty() && removed.is_empty() && !form.has_errors() {
        form.form_error(messages::API_ERROR);
    }
    if !chosen.is_empty() && !form.has_error_in("chosen_method") {
        let open = unified::to_set_up(&call.gate);
        wish.add = open.into_iter().find(|method| *method == chosen).and_then(Means::named);
        match wish.add {
            None => form.field_error("chosen_method", messages::US_METHOD_NOT_AVAILABLE),
            Some(Means::Sms) if !form.has_error_in("phone") => read_phone(call, form, user, &mut wish).await?,
            Some(_) => {}
        }
    }
    let theirs = unified::methods_of(&call.gate, user);
    for method in removed {
        match theirs.iter().find(|known| **known == method && method != "password") {
            Some(known) if wish.remove.contains(known) => {}
            Some(known) => wish.remove.push(known),
            None => {
                form.field_error("delete_method", messages::US_METHOD_NOT_AVAILABLE);
                break;
            }
        }
    }
    Ok(wish)
}

/// The kinds of code that are to go: a list, or one.
fn removed(submitted: &Submitted) -> Result<Vec<String>, ()> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(());
    let mut removed = match submitted {
        Submitted::Json(map) => match map.get("delete_method") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().take(MOST).map(text).collect::<Result<_, ()>>()?,
            Some(value) => vec![text(value)?],
        },
        Submitted::Form(pairs) => {
            let named = pairs.iter().filter(|(name, _)| name == "delete_method");
            named.take(MOST).map(|(_, value)| value.clone()).collect()
        }
        Submitted::Nothing | Submitted::Broken(_) => Vec::new(),
    };
    removed.retain(|method| !method.is_empty());
    Ok(removed)
}

async fn read_phone(call: &Call, form: &mut Form, user: &User, wish: &mut Wish) -> Result<(), Failure> {
    let typed = form.value("phone").trim();
    let number = Some(typed).filter(|typed| typed.len() <= LONGEST_PHONE);
    let number = number.and_then(|typed| identity::map(call.gate.identity_rules(), "uia_phone_mapper", typed));
    let Some(number) = number else {
        form.field_error("phone", messages::PHONE_INVALID);
        return Ok(());
    };
    let owner = authenticate::by_attribute(&call.gate, "us_phone_number", &number, true).await?;
    wish.is_taken = owner.is_some_and(|owner| owner.id != user.id);
    if wish.is_taken && !is_generic(call) {
        form.field_error("phone", taken(&number));
    }
    wish.phone = Some(number);
    Ok(())
}

pub(super) fn taken(number: &str) -> Message {
    Message::from(messages::IDENTITY_ALREADY_ASSOCIATED).with("attr", "us_phone_number").with("value", number)
}

async fn begin(call: &Call, who: &Authenticated, user: &User, means: Means, wish: &Wish) -> Result<Reply, Failure> {
    let secret = codes::new_secret(&call.gate).await?;
    let sent = match means {
        Means::Authenticator => Ok(()),
        // Whose number it is gets no message; the caller is told nothing either.
        _ if wish.is_taken => codes::send_nothing(call).await.map_err(SendFailure::Failed),
        _ => {
            let to = wish.phone.as_deref().unwrap_or(&user.email);
            let secret = Secret { user, scope: "us-setup", means, stored: &secret };
            send::send_letter(call, &secret, to, &|code| send::letter_context(code, None)).await
        }
    };
    let mut form = page(call, user);
    if let Err(failure) = sent {
        return match send::not_sent(call, &mut form, failure)? {
            Some(reply) => Ok(reply),
            None => Err(form.rejected()),
        };
    }
    let payload = UnifiedSetupPayload {
        totp_secret: secret,
        chosen_method: means.name().to_owned(),
        phone_number: wish.phone.clone(),
        binding: Some(code_setup::bind(call, who)),
    };
    let state = call.gate.unified().setup.mint(&payload, call.now.unix()).map_err(Failure::internal)?.into_string();
    let app = app_values(call, user, means, &payload.totp_secret).await?;
    if call.wants_json() {
        let mut members = json!({"chosen_method": means.name(), "phone": wish.phone, "state": state});
        if let Value::Object(members) = &mut members {
            members.extend(app);
        }
        return Ok(Reply::Json(call.members(members)));
    }
    // The choice is shown again above the code, as it was made.
    form.fill(&call.submitted)?;
    let code = code_form(call, &state);
    code_setup::show_code_form(call, &mut form, means, &code, app)?;
    Ok(Reply::Form(Box::new(form)))
}

/// What the page needs beside the code: for an app its key.
pub(super) async fn app_values(
    call: &Call,
    user: &User,
    means: Means,
    secret: &str,
) -> Result<Map<String, Value>, Failure> {
    match means {
        Means::Authenticator => code_setup::app_values(call, user, secret).await,
        _ => Ok(Map::new()),
    }
}

/// The form for the first code.
pub(super) fn code_form(call: &Exchange, state: &str) -> Form {
    let field = Field::new("passcode", Kind::Code, "Code").autocomplete("one-time-code").required();
    let template = call.gate.settings().text("us_setup_template");
    Form::new("us_setup_validate_form", template, call.token_path("us_setup", state), vec![field])
}
