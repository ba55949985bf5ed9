use std::{io, path::PathBuf};

/// Why a server, a service or a folder could not be had. Each text names what was being done and what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is nowhere to be found.
    #[error("{program} was not found. Run tools/fetch, or set {setting}")]
    ProgramMissing { program: String, setting: &'static str },
    /// The file system, a pipe or a process call refused.
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
    /// A program ended when it should have run; the end of its log is in the text.
    #[error("{name} ended ({status}). The end of {}:\n{tail}", log.display())]
    Ended { name: String, status: String, log: PathBuf, tail: String },
    /// A program runs but did not answer as it should in time; the end of its log is in the text.
    #[error("{name} was not ready after {seconds} s: {last}. The end of {}:\n{tail}", log.display())]
    NotReady { name: String, seconds: u64, last: String, log: PathBuf, tail: String },
    /// The folder belongs to another installation that runs now.
    #[error("another Duban (process {pid}) uses {}. Stop it first: duban down", dir.display())]
    InUse { dir: PathBuf, pid: String },
    /// The database refused.
    #[error("{doing}: {source}")]
    Database { doing: String, source: sqlx::Error },
    /// What was asked for makes no sense or what was found is not what it should be.
    #[error("{0}")]
    Wrong(String),
}

impl Error {
    /// For `map_err`: says what was being done when the operating system refused.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Io { doing, source }
    }

    /// For `map_err`: says what was being done when the database refused.
    pub fn database(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Database { doing, source }
    }
}
