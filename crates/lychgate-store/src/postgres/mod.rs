//! PostgreSQL: a pool of connections, and one of its own that listens for changes.

mod error;
mod listen;
mod setup;
mod tls;
mod value;

use std::sync::Arc;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::types::ToSql;

use crate::backend::{Backend, Opened};
use crate::batch::{Done, Planned};
use crate::decode::Row;
use crate::error::{ErrorKind, OpenError, Result, StoreError};
use crate::options::OpenOptions;
use crate::sql::Statement;
use crate::url::PostgresTarget;
use crate::value::Value;
use error::{Constraints, convert, pool_error};
use listen::Listener;

/// An open PostgreSQL database.
pub(crate) struct PostgresBackend {
    pool: Pool,
    constraints: Arc<Constraints>,
    /// `None` where changes cannot be announced; then nothing is cached.
    listener: Option<Listener>,
}

impl std::fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresBackend").field("pool", &self.pool.status()).finish_non_exhaustive()
    }
}

pub(crate) async fn open(options: &OpenOptions, target: &PostgresTarget) -> Result<Opened, OpenError> {
    let connector = tls::connector(target)?;
    let mut config = target.config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.busy_timeout);
    }
    if config.get_application_name().is_none() {
        config.application_name("lychgate");
    }
    let manager = Manager::from_config(
        config.clone(),
        connector.clone(),
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let settings = session_settings(options);
    let pool = Pool::builder(manager)
        .max_size(options.max_connections.max(1))
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(options.busy_timeout),
            create: Some(options.busy_timeout),
            recycle: Some(options.busy_timeout),
        })
        .post_create(Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|_| OpenError::Setup("no pool of connections".to_owned()))?;
    let prepared = setup::prepare(&pool, options, &options.url).await?;
    let mut warnings = prepared.warnings;
    let listener = if prepared.announced {
        match Listener::start(config, connector, pool.clone()).await {
            Ok(listener) => Some(listener),
            Err(reason) => {
                warnings.push(format!("nothing is cached: {reason}"));
                None
            }
        }
    } else {
        None
    };
    Ok(Opened {
        backend: Backend::Postgres(PostgresBackend { pool, constraints: Arc::new(prepared.constraints), listener }),
        schema: prepared.schema,
        warnings,
    })
}

/// Server defaults are written in the session's time zone; the models keep UTC.
fn session_settings(options: &OpenOptions) -> String {
    let millis = options.statement_timeout.as_millis();
    format!("SET TIME ZONE 'UTC'; SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis}")
}

impl PostgresBackend {
    pub(crate) async fn query(&self, statement: &Statement) -> Result<Vec<Row>> {
        let first = self.try_query(statement).await;
        match first {
            // A connection that died while it was idle; reading again does no harm.
            Err(error) if *error.kind() == ErrorKind::Unavailable && !self.pool.is_closed() => {
                self.try_query(statement).await
            }
            other => other,
        }
    }

    async fn try_query(&self, statement: &Statement) -> Result<Vec<Row>> {
        let client = self.pool.get().await.map_err(|error| pool_error(&error))?;
        let run = async {
            let prepared = client.prepare_cached(&statement.sql).await?;
            let rows = client.query(&prepared, &params(&statement.params)).await?;
            rows.iter().map(value::row).collect()
        };
        let rows: std::result::Result<Vec<Row>, tokio_postgres::Error> = run.await;
        rows.map_err(|error| convert(&error, client.is_closed(), &self.constraints))
    }

    pub(crate) async fn write(&self, batch: Arc<Vec<Planned>>) -> Result<Vec<Done>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failed = match self.try_write(&batch).await {
                Ok(done) => {
                    if let Some(listener) = &self.listener {
                        listener.changed();
                    }
                    return Ok(done);
                }
                Err(failed) => failed,
            };
            if failed.unwritten && tries < 3 && !self.pool.is_closed() {
                tracing::debug!(error = %failed.error, "a transaction is tried again");
                continue;
            }
            return Err(failed.error);
        }
    }

    async fn try_write(&self, batch: &[Planned]) -> std::result::Result<Vec<Done>, Failed> {
        let mut client =
            self.pool.get().await.map_err(|error| Failed { error: pool_error(&error), unwritten: false })?;
        let outcome = run_batch(&mut client, batch).await;
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Failed { error, unwritten: false }),
            Err((error, at_commit)) => {
                let closed = client.is_closed();
                let converted = convert(&error, closed, &self.constraints);
                let lost = *converted.kind() == ErrorKind::Unavailable;
                Err(Failed {
                    // After COMMIT was sent nobody knows whether it happened; a refusal is certain.
                    unwritten: error::is_conflict(&error) || (lost && !at_commit),
                    error: converted,
                })
            }
        }
    }

    pub(crate) fn epoch(&self) -> Option<u64> {
        self.listener.as_ref().and_then(Listener::epoch)
    }

    /// Whether changes are announced at all.
    pub(crate) fn listens(&self) -> bool {
        self.listener.is_some()
    }

    pub(crate) async fn close(&self) {
        if let Some(listener) = &self.listener {
            listener.stop();
        }
        self.pool.close();
    }
}

struct Failed {
    error: StoreError,
    /// Whether it is certain that nothing was written and trying again may help.
    unwritten: bool,
}

/// The outer error is the driver's, with whether it came from the commit; the inner one is an expectation not met.
async fn run_batch(
    client: &mut deadpool_postgres::Client,
    batch: &[Planned],
) -> std::result::Result<Result<Vec<Done>>, (tokio_postgres::Error, bool)> {
    let before = |error| (error, false);
    let transaction = client.transaction().await.map_err(before)?;
    let mut list = Vec::with_capacity(batch.len());
    for planned in batch {
        let statement = &planned.statement;
        let prepared = transaction.prepare_cached(&statement.sql).await.map_err(before)?;
        let values = params(&statement.params);
        let done = if statement.fetch {
            let rows = transaction.query(&prepared, &values).await.map_err(before)?;
            let rows: std::result::Result<Vec<Row>, _> = rows.iter().map(value::row).collect();
            let rows = rows.map_err(before)?;
            Done { affected: u64::try_from(rows.len()).unwrap_or(u64::MAX), rows }
        } else {
            Done { affected: transaction.execute(&prepared, &values).await.map_err(before)?, rows: Vec::new() }
        };
        if let Err(unmet) = planned.check(done.affected) {
            transaction.rollback().await.map_err(before)?;
            return Ok(Err(unmet));
        }
        list.push(done);
    }
    transaction.commit().await.map_err(|error| (error, true))?;
    Ok(Ok(list))
}

fn params(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
