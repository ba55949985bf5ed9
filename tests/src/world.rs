//! A whole installation of one test's own: broker, database, five services as processes, packs and organisation loaded, producers made.

use duban::install::{InstallSettings, Installation};
use duban_contracts::report::{Report, Reporter};
use duban_local::{Stack, StackSettings};
use duban_platform::clock::control::{self, Change};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What escalation has still to do while the clock stands, one to a row: events of intake, events of its own, and what is due. Its present is the
/// time to which the clock was stepped, or that of what it told last: events follow one another by microseconds.
const LEFT_FOR_ESCALATION: &str = "
    select 'event of intake: ' || subject || ' of ' || time from intake.outbox told
    where not exists (select 1 from escalation.inbox handled where handled.stream = 'INTAKE' and handled.id = told.id)
    union all select 'own event: ' || subject || ' of ' || time || coalesce(', again at ' || retry_at, '') from escalation.own_event
    union all select 'duty: ' || pack || ' ' || rule || ' of ' || unit || ', ' || state || ', due to be looked at ' || next_at from escalation.duty
    where next_at <= (select greatest(domain_start, (select max(time) from escalation.outbox)) from clock.setting)";

/// What a test acts on.
pub struct World {
    pub stack: Stack,
    pub installation: Installation,
    /// Everything in the database, as its superuser: for looking, never for acting.
    pub database: PgPool,
}

impl World {
    /// Real time, one copy of each service.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn start() -> anyhow::Result<Self> {
        Self::with(StackSettings::test()).await
    }

    /// # Errors
    /// When a part does not come up.
    pub async fn with(settings: StackSettings) -> anyhow::Result<Self> {
        Self::with_policies(settings, &repository().join("policies")).await
    }

    /// With packs and an organisation of the test's own.
    ///
    /// # Errors
    /// When a part does not come up.
    pub async fn with_policies(settings: StackSettings, policies: &Path) -> anyhow::Result<Self> {
        let stack = Stack::start(settings).await?;
        let install = InstallSettings { policies: policies.to_path_buf(), ..InstallSettings::default() };
        let installation = duban::install::install(&stack, &install).await?;
        let database = sqlx::postgres::PgPoolOptions::new().max_connections(4).connect(stack.ground.superuser_url()).await?;
        Ok(Self { stack, installation, database })
    }

    /// Steps the clock to `to` (domain time) and returns when every copy has confirmed it.
    ///
    /// # Errors
    /// A step back, or a copy that does not confirm.
    pub async fn step(&self, to: &str) -> anyhow::Result<()> {
        let operator = self.stack.ground.connect_nats("operator").await?;
        control::set(&self.database, &operator, Change::Step(to.parse()?)).await?;
        Ok(())
    }

    /// Waits until escalation has handled everything that intake has told so far, and has raised all that is due. For a stepped clock.
    ///
    /// # Errors
    /// When something stays undone.
    pub async fn raised(&self) -> anyhow::Result<()> {
        crate::until("escalation to have done what is to be done now", Duration::from_secs(120), || async {
            let left: Vec<String> = sqlx::query_scalar(LEFT_FOR_ESCALATION).fetch_all(&self.database).await?;
            anyhow::ensure!(left.is_empty(), "{} are left, of them {:?}", left.len(), left.iter().take(5).collect::<Vec<_>>());
            anyhow::Ok(())
        })
        .await
    }

    /// A count that a test needs to see.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&self.database).await?)
    }
}

/// The top folder of this repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A copy of the shipped policies, in this folder, whose organisation file is edited. Gives where it is.
///
/// # Errors
/// When they cannot be copied.
pub fn edited_policies(into: &Path, edit: impl Fn(&str) -> String) -> anyhow::Result<PathBuf> {
    let copy = into.join("policies");
    copy_folder(&repository().join("policies"), &copy)?;
    let organisation = copy.join("organisation.toml");
    let text = std::fs::read_to_string(&organisation)?;
    std::fs::write(&organisation, edit(&text))?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// A report with little in it.
pub fn report(channel: &str, unit: &str, subject: &str) -> Report {
    Report {
        channel: channel.to_owned(),
        kind: None,
        unit: Some(unit.to_owned()),
        occurred_at: None,
        reporter: Reporter { name: Some("测试".to_owned()), phone: Some("13900001234".to_owned()), email: None, anonymous: false },
        subject: Some(subject.to_owned()),
        text: None,
        fields: serde_json::Map::<String, Value>::new(),
        attachments: Vec::new(),
        follows: None,
    }
}
