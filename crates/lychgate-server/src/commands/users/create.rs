//! `lychgate users create`.

use clap::Args;
use lychgate::{AccountError, Lychgate, NewAccount, audit::Audited, settings::IdentityMapper};
use lychgate_store::ErrorKind;
use time::OffsetDateTime;

use crate::{
    exit::Exit,
    output::{self, done, quoted},
    prompt::PasswordSource,
};

/// The role of administrators.
const ADMIN: &str = "admin";
/// Columns that are not for the command line to write.
const KEPT: &[&str] = &[
    "id",
    "active",
    "password",
    "fs_uniquifier",
    "fs_token_uniquifier",
    "fs_webauthn_user_handle",
    "confirmed_at",
    "last_login_at",
    "current_login_at",
    "last_login_ip",
    "current_login_ip",
    "login_count",
    "tf_primary_method",
    "tf_totp_secret",
    "tf_phone_number",
    "us_totp_secrets",
    "mf_recovery_codes",
    "create_datetime",
    "update_datetime",
    "roles",
];

/// Create a user
///
/// Each attribute is a value, which is the e-mail address, or `name:value`. The password is asked for,
/// unless an option or the variable LYCHGATE_PASSWORD gives it. No mail is sent.
///
/// Without --active the user cannot sign in yet; see `activate`.
///
///   lychgate users create --admin ann@example.com              an administrator; asks for the password
///   lychgate users create --active joe@example.com username:joe
///   pass show site/joe | lychgate users create --active joe@example.com --password-stdin
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Create {
    /// E-mail address, or name:value for any identity attribute or column of the application's own
    #[arg(value_name = "ATTRIBUTES")]
    attributes: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Let the user sign in at once
    #[arg(long, short)]
    active: bool,
    /// The username
    #[arg(long, short, value_name = "TEXT")]
    username: Option<String>,
    /// Make an administrator: active, confirmed, with the role "admin"
    #[arg(long)]
    admin: bool,
}

impl Create {
    pub(crate) async fn run(self, gate: &Lychgate) -> Result<(), Exit> {
        let mut account = NewAccount {
            username: self.username.clone(),
            active: self.active || self.admin,
            confirmed: self.admin,
            ..NewAccount::default()
        };
        let shown = read_attributes(gate, &self.attributes, &mut account)?;
        account.password = Some(self.password.get(gate.settings()).await?);
        if self.admin {
            ensure_admin_role(gate).await?;
            account.roles.push(ADMIN.to_owned());
        }
        let user = gate.accounts().create(&account).await.map_err(|error| match error {
            AccountError::Invalid(errors) => {
                Exit::usage(format!("Error creating user. {}", output::errors_by_field(&errors)))
            }
            other => other.into(),
        })?;
        done("User created successfully.");
        let mut parts: Vec<String> = shown
            .iter()
            .map(|(name, value)| (name, if name == "email" { &user.email } else { value }))
            .map(|(name, value)| format!("{}: {}", quoted(name), quoted(value)))
            .collect();
        parts.push("'password': '****'".to_owned());
        if let Some(username) = &self.username {
            parts.push(format!("'username': {}", quoted(username)));
        }
        parts.push(format!("'active': {}", if user.active { "True" } else { "False" }));
        output::line(output::printable(&format!("{{{}}}", parts.join(", "))));
        Ok(())
    }
}

/// Puts the attributes where they belong, and gives them back by name, in order.
fn read_attributes(
    gate: &Lychgate,
    attributes: &[String],
    account: &mut NewAccount,
) -> Result<Vec<(String, String)>, Exit> {
    let mut shown: Vec<(String, String)> = Vec::new();
    for attribute in attributes {
        let (name, text) = attribute.split_once(':').unwrap_or(("email", attribute));
        let Some(value) = gate.accounts().normalize_identity(name, text) else {
            let mapper = mapper_name(gate, name);
            return Err(Exit::usage(format!("Attr {name} with value {text} wasn't accepted by {mapper}")));
        };
        match name {
            "email" => account.email.clone_from(&value),
            "username" => account.username = Some(value.clone()),
            "us_phone_number" => account.phone = Some(value.clone()),
            name if KEPT.contains(&name) => {
                return Err(Exit::usage(format!("Invalid value: {} cannot be given as an attribute", quoted(name))));
            }
            name if gate.store().has_user_column(name) => {
                account.extra.insert(name.to_owned(), value.clone().into());
            }
            name => {
                let name = quoted(name);
                return Err(Exit::usage(format!("Invalid value: {name} is an invalid keyword argument for User")));
            }
        }
        match shown.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None => shown.push((name.to_owned(), value)),
        }
    }
    Ok(shown)
}

/// What reads the values of an identity attribute, by the name that the reference gives it.
fn mapper_name(gate: &Lychgate, attribute: &str) -> &'static str {
    let known = gate.settings().identity_attributes().iter().find(|known| known.name == attribute);
    match known.map(|known| known.mapper) {
        Some(IdentityMapper::Email) => "uia_email_mapper",
        Some(IdentityMapper::Phone) => "uia_phone_mapper",
        Some(IdentityMapper::Username) => "uia_username_mapper",
        _ => "its mapper",
    }
}

async fn ensure_admin_role(gate: &Lychgate) -> Result<(), Exit> {
    if gate.store().role_by_name(ADMIN).await?.is_some() {
        return Ok(());
    }
    let made = gate.store().create_role(ADMIN, Some("May do everything"), None, OffsetDateTime::now_utc()).await;
    match made {
        // Somebody else may have made it at the same moment.
        Err(error) if !matches!(error.kind(), ErrorKind::Conflict { .. }) => Err(error.into()),
        Ok(_) => gate.audit().enter(Audited::new("role-created").with("role", ADMIN)).await.map_err(Exit::from),
        Err(_) => Ok(()),
    }
}
