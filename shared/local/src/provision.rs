//! Roles, schemas and grants of an installation: `deploy/postgres/provision.sql`, which the containers' Postgres runs as
//! well, and the roles' passwords.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Error, Result};

/// What makes roles and schemas and may run any number of times.
pub const PROVISION: &str = include_str!("../../../deploy/postgres/provision.sql");

/// The roles that log in: one per service, and one that may look at everything and change nothing.
pub const ROLES: [&str; 6] = ["gateway", "intake", "escalation", "archive", "notifications", "inspector"];

/// Prepares the database behind `superuser_url`; `password` gives each role's.
pub async fn provision(superuser_url: &str, password: impl Fn(&str) -> Result<String>) -> Result<()> {
    let doing = "preparing the database's roles and schemas";
    let mut connection = PgConnection::connect(superuser_url).await.map_err(Error::database(doing))?;
    sqlx::raw_sql(PROVISION).execute(&mut connection).await.map_err(Error::database(doing))?;
    for role in ROLES {
        // ALTER ROLE takes no parameters: the server itself quotes what goes into it.
        let statement: String = sqlx::query_scalar("select format('alter role %I login password %L', $1::text, $2::text)")
            .bind(role)
            .bind(password(role)?)
            .fetch_one(&mut connection)
            .await
            .map_err(Error::database(doing))?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(Error::database(doing))?;
    }
    let _ = connection.close().await;
    Ok(())
}
