//! `lychgate explain`: who may do what, and why not.

use clap::Args;
use lychgate::{AccountStatus, Lychgate, Need, NeedValue, Permission};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::users;
use crate::{cli::Global, exit::Exit, open, output};

/// Say whether a user may do something and why, or why a request was refused
///
/// A permission is `role:NAME`, `permission:NAME`, `ACTION:ITEM:TYPE` such as edit:27:document, or the name that an
/// application gave one. A route is a path. A reference is what a refused request shows on its page, in its JSON and in the
/// header X-Request-Id. With --who it says whom a permission allows.
#[derive(Debug, Args)]
#[command(
    override_usage = "lychgate explain [OPTIONS] <USER> <ROUTE|PERMISSION>\n       lychgate explain [OPTIONS] <REFERENCE>\n       lychgate explain [OPTIONS] --who <PERMISSION>"
)]
pub(crate) struct Explain {
    /// Whom (e-mail address, username …), or the reference of a refusal
    #[arg(value_name = "USER|REFERENCE", required_unless_present = "who")]
    subject: Option<String>,
    /// What they want to do
    #[arg(value_name = "ROUTE|PERMISSION")]
    wanted: Option<String>,
    /// Everybody whom this permission allows, and why
    #[arg(long, value_name = "PERMISSION", conflicts_with_all = ["subject", "wanted"])]
    who: Option<String>,
    /// With --who: at most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = open::gate(global, None, false).await?;
        lychgate_admin::describe(&gate);
        let result = match &self.wanted {
            None if self.who.is_some() => self.people(&gate, self.who.as_deref().unwrap_or_default()).await,
            None => self.refusal(&gate).await,
            Some(route) if route.starts_with('/') => self.route(&gate, route).await,
            Some(permission) => self.permission(&gate, permission).await,
        };
        open::closing(&gate, result).await
    }

    fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }

    /// Whom a permission allows.
    async fn people(&self, gate: &Lychgate, text: &str) -> Result<(), Exit> {
        let permission = permission(gate, text)?;
        let (mut people, mut after) = (Vec::new(), None);
        while people.len() < self.limit {
            let found = gate.who_can(&permission, after.as_deref(), self.limit - people.len()).await?;
            people.extend(found.people);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        if self.json {
            let people: Vec<_> = people
                .iter()
                .map(|one| json!({"id": one.user.id, "email": one.user.email, "why": one.why.to_json()}))
                .collect();
            output::json(&json!({"permission": text, "people": people, "more": after.is_some()}));
            return Ok(());
        }
        for one in &people {
            output::line(output::printable(&one.user.email));
            one.why.to_string().lines().for_each(|line| output::line(format_args!("  {}", output::printable(line))));
        }
        if people.is_empty() {
            output::line("Nobody.");
        }
        if after.is_some() {
            output::complain("There may be more: a greater --limit shows them.");
        }
        Ok(())
    }

    async fn permission(&self, gate: &Lychgate, text: &str) -> Result<(), Exit> {
        let permission = permission(gate, text)?;
        let user = users::find(gate, self.subject()).await?;
        let why = gate.explain(&user, &permission).await?;
        let standing = gate.accounts().standing(&user).await?;
        let usable = standing.status == AccountStatus::Active;
        let allowed = usable && why.holds;
        if self.json {
            let state = standing.status.word();
            output::json(&json!({"user": user.email, "allowed": allowed, "state": state, "why": why.to_json()}));
            return Ok(());
        }
        let (email, verdict) = (output::printable(&user.email), if allowed { "may" } else { "may not" });
        output::line(format_args!("{email} {verdict}: {}", output::printable(&permission.to_string())));
        if !usable {
            output::line(format_args!("The account cannot be used: {}.", standing.status.word()));
        }
        lines(&why.to_string());
        Ok(())
    }

    async fn route(&self, gate: &Lychgate, path: &str) -> Result<(), Exit> {
        let user = users::find(gate, self.subject()).await?;
        let Some(route) = gate.explain_route(&user, path).await? else {
            return Err(Exit::usage("There is no such route; `lychgate routes` lists them."));
        };
        let standing = gate.accounts().standing(&user).await?;
        if self.json {
            output::json(&json!({
                "user": user.email, "path": route.path, "guard": route.guard, "allowed": route.allowed,
                "state": standing.status.word(), "why": route.why.as_ref().map(lychgate::Explanation::to_json),
            }));
            return Ok(());
        }
        let verdict = match route.allowed {
            Some(true) => "may call",
            Some(false) => "may not call",
            None => "may call, when they have proved what it asks for,",
        };
        output::line(format_args!("{} {verdict} {}", output::printable(&user.email), route.path));
        output::line(format_args!("Who may: {}", route.guard));
        if standing.status != AccountStatus::Active {
            output::line(format_args!("The account cannot be used: {}.", standing.status.word()));
        }
        if let Some(why) = route.why {
            lines(&why.to_string());
        }
        Ok(())
    }

    async fn refusal(&self, gate: &Lychgate) -> Result<(), Exit> {
        let Some(found) = gate.explain_refusal(self.subject()).await? else {
            return Err(Exit::usage(
                "Nothing is noted under this reference. (Of a user, say also what they want: a route or a permission.)",
            ));
        };
        let refusal = &found.refusal;
        let at = refusal.at.format(&Rfc3339).unwrap_or_default();
        let who = found.user.as_ref().map(|user| user.email.clone());
        let roles: Vec<&str> =
            found.user.iter().flat_map(|user| user.roles.iter().map(|role| role.name.as_str())).collect();
        if self.json {
            output::json(&json!({
                "reference": refusal.id, "at": at, "user": who, "mechanism": refusal.mechanism,
                "method": refusal.method, "path": refusal.path, "needed": refusal.needed, "missing": refusal.missing,
                "roles_now": roles,
            }));
            return Ok(());
        }
        let who = match (who, refusal.user_id) {
            (Some(email), _) => email,
            (None, Some(_)) => "a user who is not there any more".to_owned(),
            (None, None) => "nobody signed in".to_owned(),
        };
        let by = refusal.mechanism.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
        let rows = [
            ("When", at),
            ("Who", format!("{who}{by}")),
            ("What", format!("{} {}", refusal.method, refusal.path)),
            ("Needed", refusal.needed.clone().unwrap_or_else(|| "what the application decides".to_owned())),
            ("Missing", refusal.missing.clone().unwrap_or_default()),
            ("Roles now", roles.join(", ")),
        ];
        for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
            output::line(format_args!("{name:<10} {}", output::printable(&value)));
        }
        Ok(())
    }
}

fn lines(text: &str) {
    text.lines().for_each(|line| output::line(output::printable(line)));
}

/// The permission that `text` names.
fn permission(gate: &Lychgate, text: &str) -> Result<Permission, Exit> {
    if let Some(named) = gate.named_permission(text) {
        return Ok(named.clone());
    }
    let text = text.to_owned();
    let need = match text.split_once(':') {
        Some(("role", name)) if !name.is_empty() => Need::role(name.to_owned()),
        Some(("permission", name)) if !name.is_empty() => Need::permission(name.to_owned()),
        Some((action, rest)) => match rest.split_once(':') {
            Some((item, kind)) if !action.is_empty() && !item.is_empty() && !kind.is_empty() => {
                let value: NeedValue = item.parse::<i64>().map_or_else(|_| item.to_owned().into(), Into::into);
                Need::item(action.to_owned(), value, kind.to_owned())
            }
            _ => return Err(unreadable(&text)),
        },
        None => return Err(unreadable(&text)),
    };
    Ok(need.into())
}

fn unreadable(text: &str) -> Exit {
    Exit::usage(format!(
        "\"{text}\" is no route and no permission: write /path, role:NAME, permission:NAME or ACTION:ITEM:TYPE"
    ))
}
