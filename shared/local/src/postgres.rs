//! A private PostgreSQL server.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    Error, Port, Result,
    account::Account,
    place,
    process::{Process, Signal, TemporaryFolder},
    programs, secrets,
};

/// The superuser of every private cluster.
pub const SUPERUSER: &str = "duban";

/// The least major version: the builtin locale came with it.
const LEAST: u32 = 17;

/// The locale in which `pg_trgm` knows Chinese: with `--no-locale` it makes no trigrams of 客户档案.
const INITDB: [&str; 7] = [
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    "--lc-ctype=C.UTF-8",
    "--auth=scram-sha-256",
    "--username=duban",
];

/// How to start a server.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// Where the cluster lies; None for a temporary one, which is gone when the server is dropped.
    pub dir: Option<PathBuf>,
    /// None for any free port.
    pub port: Option<u16>,
    /// Whether committed means on disk. False spares a test the flushes; a killed server keeps its data either way (the
    /// page cache survives a process), a killed machine does not.
    pub durable: bool,
    /// Whether a new cluster may be a copy of the machine's template (fast, but then all share a superuser's password).
    pub template: bool,
}

impl PostgresSettings {
    /// Temporary and fast.
    pub fn test() -> PostgresSettings {
        PostgresSettings { dir: None, port: None, durable: false, template: true }
    }

    /// Kept in `dir`, made if it is not there, with every commit on disk.
    pub fn kept(dir: impl Into<PathBuf>) -> PostgresSettings {
        PostgresSettings { dir: Some(dir.into()), port: None, durable: true, template: false }
    }
}

/// A server of our own. Dropped, it stops; see [`Postgres::stop`] for stopping in good order.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    bin: PathBuf,
    data: PathBuf,
    log: PathBuf,
    account: Option<Account>,
    port: Port,
    password: String,
    durable: bool,
    _temporary: Option<TemporaryFolder>,
}

impl Postgres {
    /// Makes the cluster if there is none, starts the server and waits until it answers.
    pub async fn start(settings: PostgresSettings) -> Result<Postgres> {
        let temporary = if settings.dir.is_none() { Some(TemporaryFolder::new()?) } else { None };
        let base = match (&settings.dir, &temporary) {
            (Some(dir), _) => dir.clone(),
            (None, Some(folder)) => folder.path().join("postgres"),
            (None, None) => return Err(Error::Wrong("no folder for the cluster".into())),
        };
        let account = Account::for_postgres(&base.join("data"))?;
        let bin = place::reachable_programs(&programs::postgres_bin()?, account)?;
        new_enough(&bin)?;
        let home = place::reachable_data(&base, account)?;
        fs::create_dir_all(&home).map_err(Error::io(format!("making {}", home.display())))?;
        place::set_mode(&home, 0o755)?;
        let data = home.join("data");
        let key = home.join("superuser.key");
        if !data.join("PG_VERSION").is_file() {
            if settings.template {
                copy_template(&bin, account, &home)?;
            } else {
                make_cluster(&bin, account, &home, &secrets::random_password())?;
            }
        }
        let password = fs::read_to_string(&key).map_err(Error::io(format!("reading {}", key.display())))?;
        let port = match settings.port {
            Some(number) => Port::fixed(number)?,
            None => Port::reserve()?,
        };
        let log = home.join("postgres.log");
        let mut server =
            Postgres { process: None, bin, data, log, account, port, password, durable: settings.durable, _temporary: temporary };
        server.restart().await?;
        Ok(server)
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The server's process id, 0 while it is down.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::id)
    }

    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, &self.password, database)
    }

    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port())
    }

    /// Makes a database if there is none of this name; its URL for the superuser.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        create_database(&self.superuser_url("postgres"), name).await?;
        Ok(self.superuser_url(name))
    }

    /// Stops in good order ('fast': connections are closed, transactions rolled back, everything written).
    pub async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Duration::from_secs(30)).await;
        }
    }

    /// `kill -9`.
    pub async fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill9().await;
        }
    }

    /// Starts it again, on the same port and data; stops it first if it runs.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await;
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut process = self.spawn()?;
            match self.wait_until_it_answers(&mut process, deadline).await {
                Ok(()) => {
                    self.process = Some(process);
                    return Ok(());
                }
                // The children of a killed server take a moment to notice; until then it refuses to start.
                Err(Error::Ended { tail, .. }) if still_in_use(&tail) && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn spawn(&self) -> Result<Process> {
        // As the services that it works for: a report is accepted without it, and its sender waits.
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(self.bin.join("postgres")).arg("-D").arg(&self.data).args([
            "-p",
            &self.port().to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "log_min_messages=warning"]);
        command.args(["-c", "max_wal_size=4GB", "-c", "checkpoint_timeout=15min", "-c", "timezone=UTC", "-c", "log_timezone=UTC"]);
        if self.durable {
            command.args(["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=256MB"]);
        } else {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB", "-c", "autovacuum_naptime=10s"]);
        }
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(&self.data);
        Account::applied_to(self.account, &mut command);
        // INT asks for the 'fast' shutdown.
        Process::spawn("postgres", command, &self.log, Signal::INT)
    }

    async fn wait_until_it_answers(&self, process: &mut Process, deadline: Instant) -> Result<()> {
        let url = self.superuser_url("postgres");
        loop {
            process.fail_if_ended()?;
            let last = match PgConnection::connect(&url).await {
                Ok(connection) => {
                    let _ = connection.close().await;
                    return Ok(());
                }
                // Somebody else's server on this port would refuse our password; ours does so only before it is ready.
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                let log = self.log.clone();
                return Err(Error::NotReady { name: "postgres".into(), seconds: 60, last, log, tail: process.tail() });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Waits until a server that is not ours answers.
pub async fn wait_for(url: &str, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        match PgConnection::connect(url).await {
            Ok(connection) => {
                let _ = connection.close().await;
                return Ok(());
            }
            Err(source) if Instant::now() > deadline => {
                return Err(Error::Database { doing: format!("waiting {limit:?} for the database"), source });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Makes a database over any superuser's connection, if there is none of this name.
pub async fn create_database(maintenance_url: &str, name: &str) -> Result<()> {
    let doing = || format!("making the database {name}");
    let mut connection = PgConnection::connect(maintenance_url).await.map_err(Error::database(doing()))?;
    let there: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .map_err(Error::database(doing()))?;
    if !there {
        let quoted = name.replace('"', "\"\"");
        sqlx::raw_sql(AssertSqlSafe(format!("create database \"{quoted}\"")))
            .execute(&mut connection)
            .await
            .map_err(Error::database(doing()))?;
    }
    let _ = connection.close().await;
    Ok(())
}

/// Refuses programs that are too old, before they make half a cluster.
fn new_enough(bin: &Path) -> Result<()> {
    let program = bin.join("postgres");
    let asked = Command::new(&program).arg("--version").output().map_err(Error::io(format!("starting {}", program.display())))?;
    let said = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    if major(&said).is_some_and(|major| major >= LEAST) {
        return Ok(());
    }
    Err(Error::Wrong(format!(
        "PostgreSQL {LEAST} or newer is needed; {} says of itself {said:?}. Set DUBAN_POSTGRES_BIN to a folder of newer programs",
        program.display()
    )))
}

/// Of what `postgres --version` says: `postgres (PostgreSQL) 18.1`, `postgres (PostgreSQL) 17beta2 (Debian …)`.
fn major(said: &str) -> Option<u32> {
    let version = said.split_whitespace().nth(2)?;
    version.split(|symbol: char| !symbol.is_ascii_digit()).next()?.parse().ok()
}

fn still_in_use(log: &str) -> bool {
    log.contains("is still in use") || log.contains("lock file \"postmaster.pid\" already exists") || log.contains("Address already in use")
}

/// Runs initdb for `<home>/data` and leaves the superuser's password in `<home>/superuser.key`. The cluster gets its name
/// when it is whole, so that one whose making was cut off is made anew, and one that is there is never made over.
fn make_cluster(bin: &Path, account: Option<Account>, home: &Path, password: &str) -> Result<()> {
    let data = unfinished(home)?;
    fs::create_dir_all(&data).map_err(Error::io(format!("making {}", data.display())))?;
    place::set_mode(&data, 0o700)?;
    place::give(&data, account)?;
    let handed = home.join("initdb.key");
    place::write_private(&handed, password)?;
    place::give(&handed, account)?;
    let mut command = Command::new(bin.join("initdb"));
    command.args(INITDB).arg("--pwfile").arg(&handed).arg("-D").arg(&data);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
    Account::applied_to(account, &mut command);
    let made = command.output().map_err(Error::io("starting initdb"))?;
    let _ = fs::remove_file(&handed);
    if !made.status.success() {
        return Err(Error::Wrong(format!("initdb of {} failed:\n{}", data.display(), String::from_utf8_lossy(&made.stderr))));
    }
    place::write_private(&home.join("superuser.key"), password)?;
    finish(home)
}

fn unfinished(home: &Path) -> Result<PathBuf> {
    let data = home.join("data.new");
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(format!("removing {}", data.display()))(error)),
        _ => Ok(data),
    }
}

fn finish(home: &Path) -> Result<()> {
    fs::rename(home.join("data.new"), home.join("data")).map_err(Error::io(format!("naming the cluster of {}", home.display())))
}

/// Copies a cluster made once per machine and version: a tenth of a second instead of one.
fn copy_template(bin: &Path, account: Option<Account>, home: &Path) -> Result<()> {
    let me = rustix::process::geteuid().as_raw();
    let cache = place::temporary()?.join(format!("duban-clusters-{me}"));
    fs::create_dir_all(&cache).map_err(Error::io(format!("making {}", cache.display())))?;
    if cache.metadata().map_err(Error::io("reading the cache's owner"))?.uid() != me {
        return Err(Error::Wrong(format!("{} belongs to another user; remove it", cache.display())));
    }
    place::set_mode(&cache, 0o711)?;
    let owner = account.map_or(me, |account| account.uid);
    let template = cache.join(place::short_hash(&format!("{} {INITDB:?} {owner}", bin.display())));
    let lock = File::create(cache.join("lock")).map_err(Error::io("making the cache's lock"))?;
    lock.lock().map_err(Error::io("waiting for the cache's lock"))?;
    if !template.join("superuser.key").is_file() {
        let _ = fs::remove_dir_all(&template);
        fs::create_dir_all(&template).map_err(Error::io(format!("making {}", template.display())))?;
        make_cluster(bin, account, &template, &secrets::random_password())?;
    }
    drop(lock);
    place::copy_folder(&template.join("data"), &unfinished(home)?)?;
    place::copy_folder(&template.join("superuser.key"), &home.join("superuser.key"))?;
    finish(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_program_says() {
        assert_eq!(major("postgres (PostgreSQL) 18.1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 17beta2 (Debian 17~beta2-1)"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major(""), None);
    }
}
