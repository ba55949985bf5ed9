//! Which programs are run. In this order: what a setting names (`DUBAN_POSTGRES_BIN`, `DUBAN_NATS_SERVER`), what
//! `tools/fetch` brought (`DUBAN_TOOLS`, or `.tools` in the working directory, beside the executable, or in a folder above
//! either), what the system has.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// The folder with `initdb` and `postgres`.
pub fn postgres_bin() -> Result<PathBuf> {
    if let Some(named) = named("DUBAN_POSTGRES_BIN") {
        return has(&named, "postgres").then_some(named).ok_or_else(|| missing("PostgreSQL (initdb, postgres)", "DUBAN_POSTGRES_BIN"));
    }
    tools_folders()
        .map(|tools| tools.join("postgres/bin"))
        .chain(["/usr/lib/postgresql/18/bin", "/usr/lib/postgresql/17/bin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from))
        .find(|bin| has(bin, "postgres") && has(bin, "initdb"))
        .ok_or_else(|| missing("PostgreSQL (initdb, postgres)", "DUBAN_POSTGRES_BIN"))
}

/// The program `nats-server`.
pub fn nats_server() -> Result<PathBuf> {
    if let Some(named) = named("DUBAN_NATS_SERVER") {
        return named.is_file().then_some(named).ok_or_else(|| missing("nats-server", "DUBAN_NATS_SERVER"));
    }
    tools_folders()
        .map(|tools| tools.join("nats-server"))
        .chain(["/usr/local/bin/nats-server", "/usr/sbin/nats-server", "/usr/bin/nats-server"].map(PathBuf::from))
        .find(|program| program.is_file())
        .ok_or_else(|| missing("nats-server", "DUBAN_NATS_SERVER"))
}

/// The binary of a service, e.g. `duban-intake`: in `DUBAN_SERVICES_BIN`, beside the running executable (or, for a test,
/// whose executable lies one folder deeper, above it), else in the target folder's `debug` and `release`.
pub fn service(service: &str) -> Result<PathBuf> {
    let name = format!("duban-{service}");
    let beside =
        env::current_exe().ok().into_iter().flat_map(|exe| exe.ancestors().skip(1).take(2).map(Path::to_path_buf).collect::<Vec<_>>());
    let target = named("CARGO_TARGET_DIR").unwrap_or_else(|| repository().join("target"));
    named("DUBAN_SERVICES_BIN")
        .into_iter()
        .chain(beside)
        .chain([target.join("debug"), target.join("release")])
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())
        .ok_or(Error::ProgramMissing { program: name, setting: "DUBAN_SERVICES_BIN (or build it: cargo build --workspace --bins)" })
}

fn named(setting: &str) -> Option<PathBuf> {
    env::var_os(setting).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn has(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}

fn missing(program: &str, setting: &'static str) -> Error {
    Error::ProgramMissing { program: program.into(), setting }
}

fn tools_folders() -> impl Iterator<Item = PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok(), Some(repository())];
    named("DUBAN_TOOLS").into_iter().chain(
        starts
            .into_iter()
            .flatten()
            .flat_map(|start| start.ancestors().map(|folder| folder.join(".tools")).filter(|tools| tools.is_dir()).collect::<Vec<_>>()),
    )
}

/// Where this crate was compiled: right for tests and for a binary used where it was built, and harmless elsewhere.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
