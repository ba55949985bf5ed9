//! The setting of domain time, as it stands in the database's schema `clock`. The services read it; see the platform's
//! clock for what it means.

use sqlx::{Connection, PgConnection};

use crate::{Error, Result};

const DOING: &str = "setting the clock";

/// How domain time runs from now on. Instants are RFC 3339 texts, as Postgres reads them.
#[derive(Debug, Clone, PartialEq)]
pub enum ClockSetting {
    /// With the real clock.
    Real,
    /// From `start`, `factor` times as fast.
    Accelerated { start: String, factor: f64 },
    /// At `start`, standing still until it is stepped.
    Stepped { start: String },
}

impl ClockSetting {
    /// Writes it, with the next version. Services that run take it up when `duban.clock.v1.reload` tells them, or within a
    /// minute.
    pub async fn write(&self, superuser_url: &str) -> Result<i64> {
        let mut connection = PgConnection::connect(superuser_url).await.map_err(Error::database(DOING))?;
        let version = self.write_on(&mut connection).await?;
        let _ = connection.close().await;
        Ok(version)
    }

    /// The same over a connection of the superuser's that is there already.
    pub async fn write_on(&self, connection: &mut PgConnection) -> Result<i64> {
        let (start, factor) = match self {
            ClockSetting::Real => (None, 1.0),
            ClockSetting::Accelerated { start, factor } => (Some(start.as_str()), *factor),
            ClockSetting::Stepped { start } => (Some(start.as_str()), 0.0),
        };
        sqlx::query_scalar(
            "update clock.setting set (domain_start, real_start, factor, version) =
                (select coalesce($1::timestamptz, at), at, $2, version + 1 from clock_timestamp() as at)
             returning version",
        )
        .bind(start)
        .bind(factor)
        .fetch_one(connection)
        .await
        .map_err(Error::database(DOING))
    }
}

/// Stops domain time at `instant` (RFC 3339), or where it is if it is past that already. Gives the version of the setting and where it
/// stands, in microseconds since 1970.
pub async fn stand(connection: &mut PgConnection, instant: &str) -> Result<(i64, i64)> {
    sqlx::query_as(
        "update clock.setting set (domain_start, real_start, factor, version) =
            (select greatest($1::timestamptz, domain_start + (at - real_start) * factor), at, 0, version + 1 from clock_timestamp() as at)
         returning version, (extract(epoch from domain_start) * 1000000)::bigint",
    )
    .bind(instant)
    .fetch_one(connection)
    .await
    .map_err(Error::database(DOING))
}
