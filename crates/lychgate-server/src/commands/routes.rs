//! `lychgate routes`: every route and who may call it.

use clap::Args;
use lychgate::Lychgate;
use lychgate_store::{OpenOptions, Store};
use serde_json::json;

use crate::{app, cli::Global, config::Config, exit::Exit, output};

/// List the routes that the settings switch on, and who may call them
#[derive(Debug, Args)]
pub(crate) struct Routes {
    /// As JSON
    #[arg(long)]
    json: bool,
}

struct Row {
    methods: String,
    path: String,
    guard: String,
    name: String,
}

impl Routes {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = without_database(global).await?;
        let own = app::ROUTES.iter().map(|(name, path, guard)| Row {
            methods: "GET".to_owned(),
            path: (*path).to_owned(),
            guard: (*guard).to_owned(),
            name: (*name).to_owned(),
        });
        let theirs = gate.route_list().into_iter().map(|route| Row {
            methods: route.methods.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            path: route.path,
            guard: route.guard.to_owned(),
            name: route.name.to_owned(),
        });
        let proof = app::attack_token_file(&gate).map(|_| Row {
            methods: "GET".to_owned(),
            path: super::attack::PROOF_PATH.to_owned(),
            guard: "anybody".to_owned(),
            name: "attack_proof".to_owned(),
        });
        let mut rows: Vec<Row> = own.chain(theirs).chain(proof).collect();
        rows.sort_by(|a, b| (&a.path, &a.methods).cmp(&(&b.path, &b.methods)));
        gate.store().close().await;
        if self.json {
            let rows: Vec<_> = rows.iter().map(Row::json).collect();
            output::json(&rows.into());
        } else {
            let rows = rows.into_iter().map(|row| vec![row.methods, row.path, row.guard, row.name]);
            output::table(&["METHODS", "PATH", "WHO MAY CALL IT", "ENDPOINT"], rows);
        }
        Ok(())
    }
}

impl Row {
    fn json(&self) -> serde_json::Value {
        let methods: Vec<&str> = self.methods.split(',').collect();
        json!({"methods": methods, "path": self.path, "guard": self.guard, "endpoint": self.name})
    }
}

/// A gate for questions that the settings alone answer.
pub(crate) async fn without_database(global: &Global) -> Result<Lychgate, Exit> {
    let config = Config::load(global, None)?;
    let memory = "sqlite://".parse().map_err(Exit::failed)?;
    let store = Store::open(OpenOptions::new(memory)).await.map_err(Exit::failed)?;
    let builder = Lychgate::builder().settings(config.settings).store(store).setup_link(true).outbox_worker(false);
    let gate = builder.build().await?;
    lychgate_admin::describe(&gate);
    Ok(gate)
}
