//! A PostgreSQL database.

use super::connect::{self, answered, in_time};
use super::{Revision, failure, rows, schema};
use crate::error::Cause;
use crate::schema::VERSION;
use crate::statement::Statement;
use crate::{OpenError, Row, StoreError, Table};
use sqlx::postgres::{PgConnectOptions, PgPool};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Statements that run at the same time; a gateway reads seldom and writes one transaction at a time.
const CONNECTIONS_MAX: u32 = 4;

/// Those of the logs are apart from those of the records: the one does not wait for the other.
const LOG_CONNECTIONS_MAX: u32 = 2;

/// How long a database that could not be reached is taken to be away without another attempt, as long as it was never
/// reached: a gateway asks for ten things when it starts, and must not wait for each of them.
const AWAY_FOR: Duration = Duration::from_secs(1);

/// A PostgreSQL database, which may be away at any time. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    pub(super) pool: PgPool,
    options: Arc<PgConnectOptions>,
    /// Whether the tables are known to be as they should be. Shared by all that use the database.
    prepared: Arc<OnceCell<()>>,
    /// When it was last found away before that. Shared likewise.
    away_at: Arc<Mutex<Option<Instant>>>,
}

impl Postgres {
    /// Opens a database. One that is away is opened too: its tables are seen to at the first statement that gets
    /// through.
    pub(crate) async fn open(url: &str) -> Result<Self, OpenError> {
        let options = Arc::new(connect::options(url)?);
        let pool = connect::pool(&options, CONNECTIONS_MAX);
        let postgres = Postgres { pool, options, prepared: Arc::default(), away_at: Arc::default() };
        match postgres.prepare().await {
            Ok(found) if found > VERSION => {
                Err(OpenError::Newer { database: postgres.name(), found, known: VERSION })
            }
            Ok(_) => Ok(postgres),
            Err(error) => match failure::open_error(postgres.name(), error) {
                Some(error) => Err(error),
                None => {
                    postgres.note_away();
                    Ok(postgres)
                }
            },
        }
    }

    /// The same database through connections of its own.
    pub(crate) fn for_logs(&self) -> Self {
        Postgres { pool: connect::pool(&self.options, LOG_CONNECTIONS_MAX), ..self.clone() }
    }

    pub(crate) async fn close(self) {
        connect::close(&self.pool).await;
    }

    pub(crate) async fn rows(
        &self,
        table: &'static Table,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        self.ready().await?;
        answered(async { rows::rows(&mut *self.pool.acquire().await?, table, statement).await }).await
    }

    pub(crate) async fn count(&self, statement: Statement) -> Result<u64, StoreError> {
        self.ready().await?;
        answered(async { rows::count(&mut *self.pool.acquire().await?, statement).await }).await
    }

    /// Runs all of them, or none, beside the transactions of the records; returns how many rows they changed.
    pub(crate) async fn run(&self, statements: Vec<Statement>) -> Result<u64, StoreError> {
        self.ready().await?;
        answered(async {
            let mut transaction = self.pool.begin().await?;
            let mut changed = 0;
            for statement in statements {
                changed += rows::write(&mut transaction, statement).await?;
            }
            transaction.commit().await?;
            Ok(changed)
        })
        .await
    }

    pub(crate) async fn revision(&self) -> Revision {
        let options = Arc::clone(&self.options);
        if self.is_away() { Revision::watch_later(options) } else { Revision::watch(options).await }
    }

    /// Makes sure that the tables are there. One that was found away a moment ago is not asked again.
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        if self.prepared.initialized() {
            return Ok(());
        }
        if self.is_away() {
            return Err(StoreError::Unavailable(Cause::new("it could not be reached a moment ago")));
        }
        match self.prepare().await.map_err(failure::store_error) {
            Ok(found) if found > VERSION => {
                Err(StoreError::Failed(Cause::new("it was written by a newer pocketgate")))
            }
            Ok(_) => Ok(()),
            Err(error) => {
                if matches!(error, StoreError::Unavailable(_)) {
                    self.note_away();
                }
                Err(error)
            }
        }
    }

    /// Brings the tables up to date, and returns the version of the schema that is there.
    async fn prepare(&self) -> sqlx::Result<i64> {
        let found = in_time(async { schema::update(&mut *self.pool.acquire().await?).await }).await?;
        if found <= VERSION {
            let _ = self.prepared.set(()); // somebody else may have been here first
        }
        Ok(found)
    }

    fn note_away(&self) {
        *self.away_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_away(&self) -> bool {
        let away_at = *self.away_at.lock().unwrap_or_else(PoisonError::into_inner);
        !self.prepared.initialized() && away_at.is_some_and(|away_at| away_at.elapsed() < AWAY_FOR)
    }

    fn name(&self) -> String {
        connect::name(&self.options)
    }
}
