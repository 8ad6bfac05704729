//! `lychgate openapi`: the interface for programs.

use clap::Args;

use super::routes::without_database;
use crate::{cli::Global, exit::Exit, output};

/// Print the OpenAPI document of the routes that the settings switch on
#[derive(Debug, Args)]
pub(crate) struct Openapi;

impl Openapi {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Exit> {
        let gate = without_database(global).await?;
        output::json(&gate.openapi());
        gate.store().close().await;
        Ok(())
    }
}
