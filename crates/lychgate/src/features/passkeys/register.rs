//! Registering a passkey, and the list of one's own.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_signing::tokens::WebauthnRegisterPayload;
use lychgate_store::{Credential, ErrorKind, User, UserPatch};
use lychgate_webauthn::{
    Algorithm, Attachment, CreationOptions, Descriptor, Reason, RegistrationCheck, ResidentKey, Selection,
    UserVerification,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, UtcOffset};

use super::{
    admit_fresh,
    assertion::not_verified,
    ceremony::{self, Purpose, Site, milliseconds},
    names, refused,
};
use crate::{
    events::Event,
    failure::Failure,
    flow::{
        account,
        activity::What,
        notices::Notice,
        passkeys::{FIRST, SECONDARY},
        second_factor::passkey_proof,
    },
    messages,
    web::{
        answer::Reply,
        exchange::Exchange,
        form::{Choice, Field, Form, Kind, Message},
        identify::Authenticated,
        routes::Call,
    },
};

/// Most passkeys of one user.
const MOST: usize = 50;

fn form(call: &Exchange, mine: &[Credential]) -> Form {
    let settings = call.gate.settings();
    let mut fields = vec![Field::new("name", Kind::Text, "Name").required()];
    if settings.flag("wan_allow_as_first_factor") {
        let choices = vec![
            Choice::new(FIRST, "To sign in", "Instead of your password."),
            Choice::new(SECONDARY, "As a second step", "After your password."),
        ];
        // What most people want of a passkey; the reference's default where its applications move.
        let chosen = if call.config().as_flask { SECONDARY } else { FIRST };
        fields.push(Field::new("usage", Kind::Radio, "What is it for?").choices(choices, chosen));
    }
    let action = call.gate.url("wan_register");
    let mut form = Form::new("wan_register_form", settings.text("wan_register_template"), action, fields);
    let shown = mine.iter().map(|passkey| {
        let mut shown = view(passkey);
        shown["added"] = call.ago(passkey.created_at).into();
        shown["used"] = call.ago(passkey.last_used_at).into();
        shown
    });
    form.payload.insert("registered_credentials".to_owned(), shown.collect());
    form.payload.insert("wan_delete_action".to_owned(), call.gate.url("wan_delete").into());
    form
}

/// A passkey as its owner sees it.
fn view(credential: &Credential) -> Value {
    let extensions = credential.extensions.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let resident = extensions.as_ref().and_then(|extensions| extensions.get("credProps")?.get("rk")?.as_bool());
    json!({
        "name": credential.name,
        "credential_id": URL_SAFE_NO_PAD.encode(&credential.credential_id),
        "transports": credential.transports,
        "lastuse": iso(credential.last_used_at),
        "usage": credential.usage,
        "backup_state": credential.backup_state,
        "device_type": credential.device_type,
        "discoverable": resident.map_or(Value::from("Unknown"), Value::from),
    })
}

/// A time as Python writes one without a zone: `2025-06-15T12:30:45.678901`.
fn iso(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (date, time) = (at.date(), at.time());
    let fraction = match at.microsecond() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    let (hour, minute, second) = time.as_hms();
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}")
}

pub(super) async fn get(call: Call) -> Result<Reply, Failure> {
    let who = admit_fresh(&call).await?;
    let mine = call.gate.store().credentials_of(who.user.id).await?;
    if call.wants_json() {
        let list: Value = mine.iter().map(view).collect();
        return Ok(Reply::Json(call.members(json!({"registered_credentials": list}))));
    }
    let mut form = form(&call, &mine);
    if let Some(name) = names::suggested(&call, &mine) {
        form.set_value("name", &name);
    }
    Ok(Reply::Form(Box::new(form)))
}

/// The first step: what the browser is to ask the authenticator for.
pub(super) async fn post(call: Call) -> Result<Reply, Failure> {
    let who = admit_fresh(&call).await?;
    let mine = call.gate.store().credentials_of(who.user.id).await?;
    let mut form = form(&call, &mine);
    form.fill(&call.submitted)?;
    let name = names::read(&call.gate, &mut form);
    if let Some(name) = &name {
        if names::is_taken(&mine, name) {
            form.field_error("name", names::taken(name));
        } else if mine.len() >= MOST {
            form.form_error(Message::from(messages::WEBAUTHN_TOO_MANY).with("count", MOST.to_string()));
        }
    }
    call.csrf_of_form(&mut form);
    let Some(name) = name.filter(|_| !form.has_errors()) else { return Err(form.rejected()) };
    let usage = if form.value("usage") == FIRST { FIRST } else { SECONDARY };
    let handle = user_handle(&call, &who.user).await?;
    let (options, state) = begin(&call, &who, &handle, &mine, (name, usage))?;
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({"credential_options": options, "wan_state": state}))));
    }
    let action = call.token_path("wan_register", &state);
    let mut second = response_form(&call, action);
    second.payload.insert("passkey_call".to_owned(), ceremony::for_script("handleRegister", &options).into());
    Ok(Reply::Form(Box::new(second)))
}

/// What passkeys know the user by. Users of an older database get one now.
async fn user_handle(call: &Exchange, user: &User) -> Result<String, Failure> {
    if let Some(handle) = user.fs_webauthn_user_handle.clone().filter(|handle| !handle.is_empty()) {
        return Ok(handle);
    }
    let store = call.gate.store();
    let with = |handle: Option<String>| UserPatch { fs_webauthn_user_handle: Some(handle), ..UserPatch::default() };
    let (before, handle) = (with(user.fs_webauthn_user_handle.clone()), uuid::Uuid::new_v4().simple().to_string());
    if store.update_user_if(user.id, before, with(Some(handle.clone())), call.now.datetime()).await? {
        return Ok(handle);
    }
    // Another request was faster.
    let theirs = store.user_by_id(user.id).await?.and_then(|user| user.fs_webauthn_user_handle.clone());
    theirs.ok_or_else(|| Failure::internal("a user has no handle for passkeys"))
}

fn begin(
    call: &Exchange,
    who: &Authenticated,
    handle: &str,
    mine: &[Credential],
    (name, usage): (String, &'static str),
) -> Result<(Value, String), Failure> {
    let settings = call.gate.settings();
    let (site, challenge) = (Site::of(call), ceremony::challenge(settings));
    let user_verification = ceremony::user_verification(settings, &[usage]);
    let attachment = match settings.text_opt("wan_authenticator_attachment").filter(|_| usage == FIRST) {
        Some("platform") => Some(Attachment::Platform),
        Some(_) => Some(Attachment::CrossPlatform),
        None => None,
    };
    // Without a list of passkeys at sign-in, only those that the browser finds by itself are of use.
    let hints = settings.flag("wan_allow_user_hints");
    let resident_key = if hints { ResidentKey::Preferred } else { ResidentKey::Required };
    let rp_name = settings.text_opt("wan_rp_name").unwrap_or_else(|| settings.text("app_name"));
    let user_name = account::identity_text(&call.gate, &who.user);
    let exclude: Vec<_> =
        mine.iter().map(|known| Descriptor { id: &known.credential_id, transports: &known.transports }).collect();
    let options = CreationOptions {
        rp_id: &site.rp_id,
        rp_name,
        user_handle: handle.as_bytes(),
        user_name: &user_name,
        challenge: &challenge,
        timeout: milliseconds(settings, "wan_register_timeout"),
        algorithms: Algorithm::OFFERED,
        exclude: &exclude,
        selection: Selection { attachment, resident_key, user_verification },
    };
    let options = options.to_json();
    let payload = WebauthnRegisterPayload {
        challenge,
        name,
        usage: usage.to_owned(),
        user_verification: user_verification == UserVerification::Required,
        binding: Some(ceremony::bind(call, Purpose::Register(who))),
    };
    let state = call.gate.passkeys().register.mint(&payload, call.now.unix()).map_err(Failure::internal)?;
    Ok((options, state.into_string()))
}

fn response_form(call: &Exchange, action: String) -> Form {
    let template = call.gate.settings().text("wan_register_template");
    Form::new("wan_register_response_form", template, action, vec![Field::new("credential", Kind::Hidden, "")])
}

/// The second step: what the authenticator made.
pub(super) async fn respond(call: Call) -> Result<Reply, Failure> {
    let who = call.admit(&call.config().api_mechanisms, None).await?;
    call.second_factor_takes_part(&who).await?;
    let state = call.param("token");
    let mut form = response_form(&call, String::new());
    form.fill(&call.submitted)?;
    let payload = match ceremony::open_registration(&call, Purpose::Register(&who), state) {
        Ok(payload) => payload,
        Err(problem) => {
            let mut form = form.without_errors();
            form.form_error(problem);
            return refused(&call, form, "wan_register");
        }
    };
    call.csrf_of_form(&mut form);
    if form.has_errors() {
        return refused(&call, form, "wan_register");
    }
    match add(&call, &who.user, &payload, form.value("credential"), state).await? {
        // Who has just made it has it.
        Ok(verified_user) => call.note_proof(passkey_proof(verified_user), call.now.float()),
        Err(problem) => {
            form.field_error("credential", problem);
            return refused(&call, form, "wan_register");
        }
    }
    call.gate.events().send(&Event::PasskeyAdded { user_id: who.user.id, name: payload.name.clone() });
    if call.wants_json() {
        return Ok(Reply::Json(call.members(json!({}))));
    }
    call.flash(Message::from(messages::WEBAUTHN_REGISTER_SUCCESSFUL).with("name", payload.name));
    Ok(Reply::Redirect(call.view("wan_post_register_view").unwrap_or_else(|| call.gate.url("wan_register"))))
}

/// Judges the new passkey and stores it, and says whether its user was verified; what is wrong with it is the message.
async fn add(
    call: &Exchange,
    user: &User,
    payload: &WebauthnRegisterPayload,
    credential: &str,
    state: &str,
) -> Result<Result<bool, Message>, Failure> {
    let store = call.gate.store();
    let mine = store.credentials_of(user.id).await?;
    if names::is_taken(&mine, &payload.name) {
        return Ok(Err(names::taken(&payload.name)));
    }
    let site = Site::of(call);
    let check = RegistrationCheck {
        challenge: &payload.challenge,
        rp_id: &site.rp_id,
        origins: &site.origins,
        require_user_verification: payload.user_verification,
        algorithms: Algorithm::OFFERED,
    };
    let made = match check.verify(credential) {
        Ok(made) => made,
        Err(refused) if refused.reason() == Reason::Malformed => return Ok(Err(messages::API_ERROR.into())),
        Err(refused) => return Ok(Err(not_verified(refused.cause()))),
    };
    let now = call.now.datetime();
    let (device_type, verified_user) = (made.device_type().to_owned(), made.user_verified);
    let new = Credential {
        credential_id: made.credential_id,
        public_key: made.public_key,
        sign_count: made.sign_count.into(),
        transports: made.transports,
        backup_state: made.backup_state,
        device_type,
        extensions: made.extensions,
        created_at: now,
        last_used_at: now,
        name: payload.name.clone(),
        usage: payload.usage.clone(),
        user_id: user.id,
    };
    let mut batch = store.batch();
    ceremony::use_up(call, &mut batch, state, "wan_register_within");
    batch.add_credential(&new);
    call.note(&mut batch, user.id, What::PasskeyAdded, Some(&payload.name));
    let mut post = call.post();
    let added = Message::from(messages::NOTICE_PASSKEY_ADDED).with("name", payload.name.clone());
    call.notify(&mut post, user, &Notice::Access(added))?;
    match call.commit_and_send(batch, post).await {
        Ok(_) => Ok(Ok(verified_user)),
        Err(error) => match error.kind() {
            ErrorKind::Conflict { .. } => Ok(Err(messages::WEBAUTHN_CREDENTIAL_ID_INUSE.into())),
            ErrorKind::Unmet(0) => Ok(Err(messages::API_ERROR.into())),
            ErrorKind::Unmet(_) => Ok(Err(names::taken(&payload.name))),
            _ => Err(error.into()),
        },
    }
}
