//! Building a [`Context`], with every setting checked before the first password arrives.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Context, Limits, Scheme, context::Parts, options::Options};

/// A setting that makes no sense; names it and says what would.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
#[non_exhaustive]
pub struct ConfigError {
    /// What is wrong, for whoever runs the site.
    pub message: String,
}

impl ConfigError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Which schemes get the password itself instead of its keyed pre-hash.
///
/// Plain text and Werkzeug's formats always do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SingleHash {
    /// All of them: there is no pre-hash.
    All,
    /// None of them.
    None,
    /// These, by name.
    Only(Vec<String>),
}

impl Default for SingleHash {
    /// The schemes of Django, whose rows come from elsewhere.
    fn default() -> Self {
        Self::Only(Scheme::ALL.iter().filter(|scheme| scheme.is_django()).map(Scheme::to_string).collect())
    }
}

/// Collects the settings of a [`Context`]. Starts with the defaults of Flask-Security.
#[derive(Clone)]
#[must_use]
pub struct Builder {
    schemes: Vec<String>,
    default: String,
    deprecated: Vec<String>,
    single_hash: SingleHash,
    salt: Option<Zeroizing<Vec<u8>>>,
    options: Vec<(String, String)>,
    limits: Limits,
    allow_plaintext: bool,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("schemes", &self.schemes)
            .field("default", &self.default)
            .field("deprecated", &self.deprecated)
            .field("single_hash", &self.single_hash)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Default for Builder {
    fn default() -> Self {
        const SCHEMES: [Scheme; 8] = [
            Scheme::Bcrypt,
            Scheme::Argon2,
            Scheme::DesCrypt,
            Scheme::Pbkdf2Sha256,
            Scheme::Pbkdf2Sha512,
            Scheme::Sha256Crypt,
            Scheme::Sha512Crypt,
            Scheme::Plaintext,
        ];
        Self {
            schemes: SCHEMES.iter().map(Scheme::to_string).collect(),
            default: Scheme::Argon2.to_string(),
            deprecated: vec!["auto".to_owned()],
            single_hash: SingleHash::default(),
            salt: None,
            options: Vec::new(),
            limits: Limits::default(),
            allow_plaintext: false,
        }
    }
}

impl Builder {
    /// The schemes that a stored hash may have (`PASSWORD_SCHEMES`), in the order they are tried.
    pub fn schemes<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.schemes = names.into_iter().map(Into::into).collect();
        self
    }

    /// The scheme of new hashes (`PASSWORD_HASH`). Default: `argon2`.
    pub fn default_scheme(mut self, name: impl Into<String>) -> Self {
        self.default = name.into();
        self
    }

    /// The schemes to be replaced at the next sign-in (`DEPRECATED_PASSWORD_SCHEMES`); `auto`, the default, means
    /// all but the default one.
    pub fn deprecated<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.deprecated = names.into_iter().map(Into::into).collect();
        self
    }

    /// Which schemes skip the pre-hash (`PASSWORD_SINGLE_HASH`).
    pub fn single_hash(mut self, schemes: SingleHash) -> Self {
        self.single_hash = schemes;
        self
    }

    /// The key of the pre-hash (`PASSWORD_SALT`), which acts as a pepper: the hashes are of no use without it, so a
    /// site that loses it loses all passwords.
    pub fn salt(mut self, salt: impl AsRef<str>) -> Self {
        self.salt = Some(Zeroizing::new(salt.as_ref().as_bytes().to_vec()));
        self
    }

    /// One cost, by passlib's name for it (`PASSWORD_HASH_PASSLIB_OPTIONS`): `argon2__memory_cost` (KiB),
    /// `argon2__rounds`, `argon2__parallelism`, `bcrypt__rounds` (logarithm), `pbkdf2_sha512__rounds`,
    /// `scrypt__rounds` (logarithm) … or `all__rounds`. Options of schemes that are not in use are ignored.
    pub fn option(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.options.push((name.into(), value.to_string()));
        self
    }

    /// What a stored hash may ask for.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a stored value that is no hash is compared as it stands, when `plaintext` is among the schemes.
    /// Default: no, so that a damaged or forged row signs nobody in.
    pub fn allow_plaintext(mut self, allow: bool) -> Self {
        self.allow_plaintext = allow;
        self
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown scheme or option, a default that is not among the schemes, costs above the
    /// limits, or a pre-hash without a key.
    pub fn build(self) -> Result<Context, ConfigError> {
        let schemes = names("password schemes", &self.schemes)?;
        let default = name("password hash", &self.default)?;
        if !schemes.contains(&default) {
            return Err(ConfigError::new(format!("the default `{default}` is not among the password schemes")));
        }
        if default == Scheme::Plaintext && !self.allow_plaintext {
            return Err(ConfigError::new("`plaintext` as the default has to be allowed explicitly"));
        }
        let deprecated = deprecated(&self.deprecated, &schemes, default)?;
        let single: Vec<Scheme> = match &self.single_hash {
            SingleHash::All => Scheme::ALL.to_vec(),
            SingleHash::None => Vec::new(),
            SingleHash::Only(only) => names("single hash", only)?,
        };
        let single: Vec<Scheme> = schemes
            .iter()
            .copied()
            .filter(|scheme| *scheme == Scheme::Plaintext || scheme.is_werkzeug() || single.contains(scheme))
            .collect();
        if self.salt.as_ref().is_some_and(|salt| salt.is_empty()) {
            return Err(ConfigError::new("the password salt is empty"));
        }
        if self.salt.is_none() && !single.contains(&default) {
            return Err(ConfigError::new(format!("`{default}` hashes are keyed: a password salt is needed")));
        }
        let options = options(&self.options, &schemes)?;
        Context::new(Parts {
            schemes,
            default,
            deprecated,
            single,
            salt: self.salt,
            options,
            limits: self.limits,
            allow_plaintext: self.allow_plaintext,
        })
        .map_err(ConfigError::new)
    }
}

fn name(setting: &str, name: &str) -> Result<Scheme, ConfigError> {
    name.parse().map_err(|error| ConfigError::new(format!("{setting}: {error}")))
}

fn names(setting: &str, all: &[String]) -> Result<Vec<Scheme>, ConfigError> {
    all.iter().map(|one| name(setting, one)).collect()
}

fn deprecated(listed: &[String], schemes: &[Scheme], default: Scheme) -> Result<Vec<Scheme>, ConfigError> {
    if listed.iter().any(|name| name == "auto") {
        return match listed {
            [_] => Ok(schemes.iter().copied().filter(|scheme| *scheme != default).collect()),
            _ => Err(ConfigError::new("deprecated schemes: `auto` stands alone")),
        };
    }
    let listed = names("deprecated schemes", listed)?;
    if listed.contains(&default) {
        return Err(ConfigError::new(format!("deprecated schemes: `{default}` is the default")));
    }
    match listed.iter().find(|scheme| !schemes.contains(scheme)) {
        Some(scheme) => Err(ConfigError::new(format!("deprecated schemes: `{scheme}` is not among the schemes"))),
        None => Ok(listed),
    }
}

fn options(given: &[(String, String)], schemes: &[Scheme]) -> Result<Vec<(Scheme, Options)>, ConfigError> {
    let mut options: Vec<_> = schemes.iter().map(|scheme| (*scheme, Options::new(*scheme))).collect();
    // What is said of one scheme wins over what is said of all.
    let (all, one): (Vec<_>, Vec<_>) = given.iter().partition(|(name, _)| name.starts_with("all__"));
    for (full, value) in all.into_iter().chain(one) {
        let wrong = |why: &dyn fmt::Display| ConfigError::new(format!("password option `{full}`: {why}"));
        let (scheme, option) = full.split_once("__").ok_or_else(|| wrong(&"a name is `scheme__option`"))?;
        if scheme == "all" {
            for (_, options) in options.iter_mut().filter(|(_, options)| options.knows(option)) {
                options.set(option, value).map_err(|why| wrong(&why))?;
            }
            continue;
        }
        let scheme: Scheme = scheme.parse().map_err(|why| wrong(&why))?;
        // Checked even when the scheme is not in use: a slip of the pen should not wait for that day.
        let mut unused = Options::new(scheme);
        let target = options.iter_mut().find(|(listed, _)| *listed == scheme).map(|(_, options)| options);
        target.unwrap_or(&mut unused).set(option, value).map_err(|why| wrong(&why))?;
    }
    Ok(options)
}
