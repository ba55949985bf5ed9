//! The clock's SQL.

use super::Setting;
use crate::db::Ts;
use duban_contracts::Timestamp;
use sqlx::{PgConnection, PgPool, Row};

/// Makes schema `clock`; run as superuser by whoever creates the database. Every role may read it, none of the services may write it.
pub const SCHEMA_SQL: &str = "
create schema if not exists clock;
create table if not exists clock.setting (
    only_row     boolean primary key default true check (only_row),
    version      bigint not null,
    real_start   timestamptz not null,
    domain_start timestamptz not null,
    factor       double precision not null check (factor >= 0)
);
insert into clock.setting (version, real_start, domain_start, factor)
    values (0, 'epoch', 'epoch', 1) on conflict do nothing;
grant usage on schema clock to public;
grant select on clock.setting to public;
";

/// The setting, and None where there is no schema `clock` (then domain time is real time).
pub(super) async fn setting(pool: &PgPool) -> Result<Option<Setting>, sqlx::Error> {
    let row = sqlx::query("select version, real_start, domain_start, factor from clock.setting").fetch_optional(pool).await;
    match row {
        Ok(row) => row.map(|row| read(&row)).transpose(),
        Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P01" | "3F000")) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The database's real time.
pub(super) async fn real_time(pool: &PgPool) -> Result<Timestamp, sqlx::Error> {
    let now: Ts = sqlx::query_scalar("select clock_timestamp()").fetch_one(pool).await?;
    Ok(now.0)
}

/// The setting, locked until the transaction ends, and real time.
pub(super) async fn lock(tx: &mut PgConnection) -> Result<(Setting, Timestamp), sqlx::Error> {
    let row = sqlx::query("select version, real_start, domain_start, factor, clock_timestamp() as now from clock.setting for update")
        .fetch_one(tx)
        .await?;
    Ok((read(&row)?, row.try_get::<Ts, _>("now")?.0))
}

pub(super) async fn write(tx: &mut PgConnection, setting: &Setting) -> Result<(), sqlx::Error> {
    sqlx::query("update clock.setting set version = $1, real_start = $2, domain_start = $3, factor = $4")
        .bind(setting.version)
        .bind(Ts(setting.real_start))
        .bind(Ts(setting.domain_start))
        .bind(setting.factor)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &sqlx::postgres::PgRow) -> Result<Setting, sqlx::Error> {
    Ok(Setting {
        version: row.try_get("version")?,
        real_start: row.try_get::<Ts, _>("real_start")?.0,
        domain_start: row.try_get::<Ts, _>("domain_start")?.0,
        factor: row.try_get("factor")?,
    })
}
