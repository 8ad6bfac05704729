//! Handing tokens out, and the cookies that carry them.

use std::sync::Arc;

use lychgate_store::User;
use serde_json::{Map, Value, json};

use super::{
    Kind, bearer,
    config::JwtConfig,
    rotate::{Chain, FAMILY},
};
use crate::{
    flow::{account, second_factor::Proof},
    web::{
        cookie::{Keep, LONGEST_COOKIE},
        exchange::Exchange,
        identify::SECOND_FACTOR_CLAIM,
    },
};

/// A new token.
pub(crate) struct Issued {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    csrf: Option<String>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Exchange {
    /// A token for `user`, who is fresh if they have just proved who they are. The error is for the log.
    pub(crate) async fn issue_jwt(
        &self,
        user: &Arc<User>,
        kind: Kind,
        fresh: bool,
        chain: &Chain,
    ) -> Result<Issued, String> {
        let (Some(config), Some(keys)) = (&self.config().jwt, self.gate.jwt_keys()) else {
            return Err("JSON Web Tokens are switched off".to_owned());
        };
        let now = self.now.unix();
        let mut claims = Map::new();
        claims.insert("fresh".to_owned(), fresh.into());
        claims.insert("iat".to_owned(), now.into());
        let (id, ends) = match kind {
            Kind::Refresh => (chain.refresh_id.clone(), chain.ends),
            Kind::Access => (None, None),
        };
        claims.insert("jti".to_owned(), id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()).into());
        if let Some(at) = self.last_proof(user, Proof::SecondFactor).filter(|_| fresh) {
            claims.insert(SECOND_FACTOR_CLAIM.to_owned(), at.into());
        }
        if let Some(family) = &chain.family {
            claims.insert(FAMILY.to_owned(), family.clone().into());
        }
        claims.insert("type".to_owned(), kind.name().into());
        claims.insert(config.identity_claim.clone(), identity(config, user)?.into());
        if config.not_before {
            claims.insert("nbf".to_owned(), now.into());
        }
        let csrf = config.csrf.then(crate::random::id);
        if let Some(csrf) = &csrf {
            claims.insert("csrf".to_owned(), csrf.clone().into());
        }
        if let Some(ends) = ends.or_else(|| Some(now.saturating_add(config.of(kind).seconds?))) {
            claims.insert("exp".to_owned(), ends.into());
        }
        if let Some(issuer) = &config.issuer {
            claims.insert("iss".to_owned(), issuer.clone().into());
        }
        if let Some(audience) = &config.audience {
            claims.insert("aud".to_owned(), audience.clone().into());
        }
        if config.identity_column != "fs_uniquifier" {
            claims.insert(bearer::BINDING.to_owned(), bearer::binding(user).into());
        }
        if let Some(name) = &config.roles_claim {
            let roles: Vec<&str> = user.roles.iter().map(|role| role.name.as_str()).collect();
            claims.entry(name.clone()).or_insert(json!(roles));
        }
        if let Some(more) = &self.gate.0.hooks.jwt_claims {
            // What a token lives by is not the application's to change.
            for (name, value) in more(Arc::clone(user)).await {
                claims.entry(name).or_insert(value);
            }
        }
        let text = keys.sign(&claims).map_err(|error| error.to_string())?;
        Ok(Issued { text, kind, csrf })
    }

    /// Sends a token as a cookie, and beside it the CSRF token that scripts repeat.
    pub(crate) fn set_jwt_cookies(&self, issued: &Issued) -> Result<(), String> {
        let Some(config) = &self.config().jwt else { return Err("JSON Web Tokens are switched off".to_owned()) };
        let own = config.of(issued.kind);
        let keep = match config.cookie_seconds {
            Some(seconds) => Keep::For { until: self.now.unix().saturating_add(seconds), seconds },
            None => Keep::Session,
        };
        let https = self.is_https();
        if own.cookie_name.len() + issued.text.len() > LONGEST_COOKIE {
            return Err("the token is too long for a cookie".to_owned());
        }
        self.set_cookie(own.cookie.set(&own.cookie_name, &issued.text, keep, https));
        if let Some(csrf) = issued.csrf.as_ref().filter(|_| config.csrf_in_cookies) {
            self.set_cookie(own.csrf_cookie.set(&own.csrf_cookie_name, csrf, keep, https));
        }
        Ok(())
    }

    /// Takes the cookies of a kind of token away.
    pub(crate) fn unset_jwt_cookies(&self, config: &JwtConfig, kind: Kind) {
        let own = config.of(kind);
        self.set_cookie(own.cookie.remove(&own.cookie_name));
        if config.csrf && config.csrf_in_cookies {
            self.set_cookie(own.csrf_cookie.remove(&own.csrf_cookie_name));
        }
    }

    /// What replies call somebody who got a token.
    pub(crate) fn jwt_name(&self, user: &User) -> String {
        let config = self.config().jwt.as_ref().filter(|config| config.identity_column != "fs_uniquifier");
        config
            .and_then(|config| identity(config, user).ok())
            .unwrap_or_else(|| account::identity_text(&self.gate, user))
    }
}

fn identity(config: &JwtConfig, user: &User) -> Result<String, String> {
    match config.identity_column.as_str() {
        "fs_uniquifier" => Ok(user.fs_uniquifier.clone()),
        column => user.column(column).filter(|text| !text.is_empty()).ok_or_else(|| {
            format!("user {} has nothing in the column {column}, which jwt.identity_column names", user.id)
        }),
    }
}

/// The members of a reply that hands tokens out.
pub(crate) fn members(issued: &[Issued]) -> Value {
    let mut members = Map::new();
    for token in issued {
        members.insert(format!("{}_token", token.kind.name()), token.text.clone().into());
    }
    members.into()
}
