//! Making and changing accounts without a form: for the command line, the first administrator, and applications.

mod administer;
mod entry;
mod impersonate;
mod operate;
mod states;

pub use operate::Refused;

use std::{fmt, sync::Arc};

use lychgate_store::{Activity, ApiKey, ErrorKind, NewUser, User, UserPatch};

use crate::{
    audit::Audited,
    clock::Moment,
    events::Event,
    failure::Failure,
    flow::{access::end_sessions, activity::What, api_keys, names::NewNames},
    gate::Lychgate,
    identity::{self, username::UsernameError},
    messages,
    settings::Settings,
    web::form::Message,
};

/// What can be done to accounts; made by [`Lychgate::accounts`].
#[derive(Clone, Debug)]
pub struct Accounts<'a>(pub(crate) &'a Lychgate, Option<&'a str>);

/// A new account.
#[derive(Clone, Default)]
pub struct NewAccount {
    /// The e-mail address, as typed.
    pub email: String,
    /// The username, as typed.
    pub username: Option<String>,
    /// The phone number that signs in, as typed.
    pub phone: Option<String>,
    /// The password, as typed; none for an account that signs in some other way.
    pub password: Option<String>,
    /// Whether the account may be used at once.
    pub active: bool,
    /// Whether the address counts as confirmed.
    pub confirmed: bool,
    /// Names of roles that exist.
    pub roles: Vec<String>,
    /// Columns of the application's own, by name.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("email", &self.email).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Why an account was not made or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// What was given cannot be used: field and message, in the order of the form.
    Invalid(Vec<(&'static str, String)>),
    /// It did not work; the text is for the operator.
    Failed(String),
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountError::Invalid(errors) => {
                for (at, (field, text)) in errors.iter().enumerate() {
                    write!(f, "{}{field}: {text}", if at == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
            AccountError::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for AccountError {}

/// Errors of fields, still as keys.
pub(crate) type FieldErrors = Vec<(&'static str, Message)>;

pub(crate) enum Problem {
    Fields(FieldErrors),
    Failure(Failure),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Problem::Failure(failure)
    }
}

impl From<lychgate_store::StoreError> for Problem {
    fn from(error: lychgate_store::StoreError) -> Self {
        Problem::Failure(error.into())
    }
}

impl Lychgate {
    /// Making and changing accounts without a form.
    #[must_use]
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts(self, None)
    }

    pub(crate) fn resolve<T>(&self, result: Result<T, Problem>) -> Result<T, AccountError> {
        result.map_err(|problem| match problem {
            Problem::Fields(errors) => {
                AccountError::Invalid(errors.into_iter().map(|(field, message)| (field, self.text(&message))).collect())
            }
            Problem::Failure(Failure::Internal(text)) => AccountError::Failed(text),
            Problem::Failure(Failure::Busy { .. }) => {
                AccountError::Failed("the database is busy or away; try again".to_owned())
            }
            Problem::Failure(other) => AccountError::Failed(format!("{other:?}")),
        })
    }

    /// Everything that a new account needs, checked and hashed, ready to be written.
    pub(crate) async fn prepare_account(&self, account: &NewAccount, now: Moment) -> Result<NewUser, Problem> {
        let mut errors = FieldErrors::new();
        let rules = self.identity_rules();
        let email = match (account.email.trim(), identity::map(rules, "uia_email_mapper", account.email.trim())) {
            ("", _) => {
                errors.push(("email", messages::EMAIL_NOT_PROVIDED.into()));
                None
            }
            (_, None) => {
                errors.push(("email", messages::INVALID_EMAIL_ADDRESS.into()));
                None
            }
            (_, email) => email,
        };
        if let Some(email) = &email
            && self.is_taken("email", email).await?
        {
            let taken = Message::from(messages::EMAIL_ALREADY_ASSOCIATED).with("email", email.clone());
            errors.push(("email", taken));
        }
        let username = self.check_username(account.username.as_deref(), &mut errors).await?;
        let phone = match account.phone.as_deref().filter(|phone| !phone.trim().is_empty()) {
            None => None,
            Some(phone) => identity::map(rules, "uia_phone_mapper", phone.trim()).or_else(|| {
                errors.push(("us_phone_number", messages::PHONE_INVALID.into()));
                None
            }),
        };
        let hash = match &account.password {
            None => None,
            Some(password) => {
                let words: Vec<&str> = [email.as_deref(), username.as_deref()].into_iter().flatten().collect();
                match self.check_password(password, &words).await? {
                    Err(message) => {
                        errors.push(("password", message));
                        None
                    }
                    Ok(password) if errors.is_empty() => Some(self.hash_password(&password).await?),
                    Ok(_) => None,
                }
            }
        };
        let Some(email) = email.filter(|_| errors.is_empty()) else { return Err(Problem::Fields(errors)) };
        let mut new = NewUser::new(email, uuid::Uuid::new_v4().simple().to_string());
        new.username = username;
        new.us_phone_number = phone;
        new.password = hash;
        new.active = account.active;
        new.confirmed_at = account.confirmed.then(|| now.datetime());
        new.roles.clone_from(&account.roles);
        new.columns.extra.clone_from(&account.extra);
        if self.store().has_user_column("fs_webauthn_user_handle") {
            new.fs_webauthn_user_handle = Some(uuid::Uuid::new_v4().simple().to_string());
        }
        if self.store().has_user_column("fs_token_uniquifier") {
            new.fs_token_uniquifier = Some(uuid::Uuid::new_v4().simple().to_string());
        }
        Ok(new)
    }

    /// Whether somebody has this name or the one that it imitates. The database has the last word when it is taken.
    pub(crate) async fn is_taken(&self, column: &str, name: &str) -> Result<bool, Problem> {
        let store = self.store();
        if store.user_by_identity(column, name, true).await?.is_some() {
            return Ok(true);
        }
        let look = identity::look::of(name);
        Ok(!name.is_ascii() && store.user_by_identity(column, &look, true).await?.is_some())
    }

    pub(crate) async fn check_username(
        &self,
        text: Option<&str>,
        errors: &mut FieldErrors,
    ) -> Result<Option<String>, Problem> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let rules = &self.identity_rules().username;
        match identity::username::normalize(text, rules) {
            Ok(None) => Ok(None),
            Ok(Some(username)) => {
                if self.is_taken("username", &username).await? {
                    let taken = Message::from(messages::USERNAME_ALREADY_ASSOCIATED).with("username", username.clone());
                    errors.push(("username", taken));
                }
                Ok(Some(username))
            }
            Err(problem) => {
                errors.push(("username", username_problem(self.settings(), problem)));
                Ok(None)
            }
        }
    }
}

impl<'a> Accounts<'a> {
    /// On behalf of somebody, a name for people: it is noted with what is done.
    #[must_use]
    pub fn by(self, who: &'a str) -> Self {
        Self(self.0, Some(who))
    }
}

impl Accounts<'_> {
    /// Makes an account after the rules of the registration form; sends no mail.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn create(&self, account: &NewAccount) -> Result<Arc<User>, AccountError> {
        let now = Moment::of(self.0.clock());
        let made = async {
            let new = self.0.prepare_account(account, now).await?;
            let store = self.0.store();
            let mut batch = store.batch();
            let mut names = NewNames::of(&new);
            names.check(&mut batch);
            batch.create_user(&new, now.datetime());
            let step = batch.len() - 1;
            names.record(&mut batch, &new.fs_uniquifier);
            let outcome = store.commit(batch).await.map_err(|error| match names.taken(&error) {
                Some(column) => Problem::Fields(taken(column, &new)),
                None => Problem::Failure(error.into()),
            })?;
            let gone = || Problem::Failure(Failure::internal("a new user is not there"));
            let id = outcome.id(step).ok_or_else(gone)?;
            let roles = account.roles.join(", ");
            self.0.audit().created(id, None, Audited::new("user-created").with("roles", roles));
            store.user_by_id(id).await?.ok_or_else(gone)
        };
        self.0.resolve(made.await)
    }

    /// Whether an account could be made so: what [`create`](Self::create) would refuse, without making any.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn check(&self, account: &NewAccount) -> Result<(), AccountError> {
        let now = Moment::of(self.0.clock());
        self.0.resolve(self.0.prepare_account(account, now).await.map(drop))
    }

    /// Gives an account a new password and ends all that was signed in with the old one; sends no mail.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn change_password(&self, user: &User, password: &str) -> Result<(), AccountError> {
        let now = Moment::of(self.0.clock());
        let changed = async {
            let words = [user.email.as_str(), user.username.as_deref().unwrap_or_default()];
            let checked = self.0.check_password(password, &words).await?;
            let password = checked.map_err(|message| Problem::Fields(vec![("password", message)]))?;
            let hash = self.0.hash_password(&password).await?;
            let store = self.0.store();
            let expected = UserPatch { password: Some(user.password.clone()), ..UserPatch::default() };
            let mut patch = UserPatch { password: Some(Some(hash)), ..UserPatch::default() };
            let mut batch = store.batch();
            end_sessions(self.0, &mut batch, user, &mut patch, now);
            batch.update_user_if(user.id, &expected, &patch, now.datetime());
            self.0.audit().note(&mut batch, Audited::new("password-set").about(user.id));
            match store.commit(batch).await {
                Ok(_) => Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::Unmet(_)) => {
                    Err(Problem::Failure(Failure::internal("the account was changed meanwhile")))
                }
                Err(error) => Err(error.into()),
            }
        };
        self.0.resolve(changed.await)
    }

    /// API keys of a user, or of everybody, those that were taken back among them; the newest first, 1000 at most.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn api_keys(&self, user: Option<&User>) -> Result<Vec<ApiKey>, AccountError> {
        self.0.resolve(self.0.store().api_keys(user.map(|user| user.id)).await.map_err(Problem::from))
    }

    /// Takes an API key back, by its id; `false` if there is none that could be taken back. Its next request is refused.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn revoke_api_key(&self, id: &str) -> Result<bool, AccountError> {
        let now = Moment::of(self.0.clock());
        let revoked = async {
            let store = self.0.store();
            let Some(key) = store.api_key(id).await? else { return Ok(false) };
            let mut batch = store.batch();
            let what = Audited::new(What::ApiKeyRevoked.word()).about(key.user_id);
            self.0.audit().note(&mut batch, what.with("detail", key.name.as_str()));
            if self.0.settings().flag("activity") {
                batch.note_activity(&Activity {
                    user_id: key.user_id,
                    at: now.datetime(),
                    kind: What::ApiKeyRevoked.word().to_owned(),
                    address: None,
                    user_agent: None,
                    detail: Some(key.name.clone()),
                });
            }
            let done = api_keys::revoke(self.0, batch, id, key.user_id, now.datetime()).await?;
            if done {
                self.0.events().send(&Event::ApiKeyRevoked { user_id: key.user_id, id: key.id });
            }
            Ok(done)
        };
        self.0.resolve(revoked.await)
    }

    /// Takes away every proof but the password: sessions, tokens, API keys, second factors, passkeys, recovery codes.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    pub async fn reset_access(&self, user: &User) -> Result<(), AccountError> {
        let now = Moment::of(self.0.clock());
        let fresh = || uuid::Uuid::new_v4().simple().to_string();
        let reset = async {
            let mut batch = self.0.store().batch();
            batch.reset_user_access(user.id, &fresh(), &fresh(), now.datetime());
            self.0.audit().note(&mut batch, Audited::new("access-reset").about(user.id));
            match self.0.store().commit(batch).await {
                Err(error) if !matches!(error.kind(), ErrorKind::Unmet(0)) => Err(error.into()),
                _ => Ok(()),
            }
        };
        self.0.resolve(reset.await)
    }

    /// Deletes the accounts whose owners asked for it and whose time of grace is over, as the worker does by itself; says
    /// how many.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn delete_due(&self) -> Result<u64, AccountError> {
        self.0.resolve(self.0.delete_due_accounts().await.map_err(Problem::from))
    }

    /// The value of an identity attribute (`email`, `us_phone_number` …) in the form in which it is stored; none if the
    /// attribute's mapper does not accept the text. A column that identifies nobody takes any text as it is.
    #[must_use]
    pub fn normalize_identity(&self, column: &str, text: &str) -> Option<String> {
        let attribute = self.0.settings().identity_attributes().iter().find(|attribute| attribute.name == column);
        match attribute {
            Some(attribute) => identity::map(self.0.identity_rules(), attribute.mapper.mapper(), text),
            None => Some(text.to_owned()),
        }
    }

    /// Finds a user by any identity attribute: address, username, phone number.
    ///
    /// # Errors
    ///
    /// [`AccountError::Failed`] if the database does not answer.
    pub async fn find(&self, identity: &str) -> Result<Option<Arc<User>>, AccountError> {
        self.0.resolve(crate::flow::authenticate::find(self.0, identity).await.map_err(Problem::from))
    }
}

/// Why a username cannot be used.
pub(crate) fn username_problem(settings: &Settings, problem: UsernameError) -> Message {
    match problem {
        UsernameError::InvalidLength => Message::from(messages::USERNAME_INVALID_LENGTH)
            .with("min", settings.int("username_min_length").to_string())
            .with("max", settings.int("username_max_length").to_string()),
        UsernameError::Disallowed => messages::USERNAME_DISALLOWED_CHARACTERS.into(),
        UsernameError::NotPlain => messages::INVALID_INPUT.into(),
    }
}

/// A name that somebody else has is an error of its field.
pub(crate) fn taken(column: &'static str, new: &NewUser) -> FieldErrors {
    let message = match column {
        "username" => Message::from(messages::USERNAME_ALREADY_ASSOCIATED)
            .with("username", new.username.clone().unwrap_or_default()),
        _ => Message::from(messages::EMAIL_ALREADY_ASSOCIATED).with("email", new.email.clone()),
    };
    vec![(column, message)]
}
