//! The settings as they run. Secrets are dotted out before they come here.

use lychgate::settings::Source;
use serde_json::{Value, json};

use crate::{
    ask::{Answer, Ask, object},
    texts::{Text, say},
};

fn from(source: &Source) -> Text {
    match source {
        Source::Default => say("default of the profile"),
        Source::Environment(name) => say("environment variable %(name)s").with("name", name),
        Source::Builder => say("code of the application"),
        source => source.to_string().into(),
    }
}

pub(crate) async fn show(ask: Ask) -> Answer {
    let settings = ask.gate().settings();
    let wanted = ask.query("q").to_lowercase();
    let all = ask.query("all") == "yes" || !wanted.is_empty();
    let rows: Vec<Value> = settings
        .rows()
        .filter(|row| all || *row.source != Source::Default)
        .filter(|row| row.name.contains(&wanted) || row.setting.meaning().to_lowercase().contains(&wanted))
        .map(|row| {
            json!({
                "name": row.name,
                "value": row.value,
                "source": row.source.to_string(),
                "from": from(row.source).to(&ask.operator),
                "meaning": row.setting.meaning(),
                "secret": row.setting.is_secret(),
            })
        })
        .collect();
    let values = json!({"settings": rows, "profile": format!("{:?}", settings.profile()).to_lowercase(), "warnings": settings.warnings(), "q": wanted, "all": all});
    Ok(ask.page("admin/settings.html", "settings", object(values)))
}
