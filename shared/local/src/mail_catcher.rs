//! Takes all mail that is sent to it and delivers none: for a newcomer to look at, and for tests to wait for.
//!
//! SMTP comes in on one port ([`smtp`]), a page and JSON go out on another ([`page`]). Messages are kept as `.eml` files,
//! so that a second start shows those of the first; the newest 5,000 are kept.

mod page;
mod smtp;

use std::{
    collections::VecDeque,
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use mail_parser::{MessageParser, MimeHeaders};
use serde::Serialize;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{Error, Port, Result, place, process::TemporaryFolder};

const KEPT: usize = 5_000;

/// Whether a mail server that refuses is being played.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    refuse: AtomicBool,
}

/// One message as it was received.
#[derive(Debug, Clone, Serialize)]
pub struct Mail {
    /// Counts up from 1, never given twice in one folder.
    pub id: u64,
    /// When it came, RFC 3339, by the machine's clock.
    pub received: String,
    /// The envelope: whom the sending server named.
    pub from: String,
    pub to: Vec<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// Names of what is attached.
    pub attachments: Vec<String>,
    /// The message as it came.
    #[serde(skip)]
    pub raw: Arc<Vec<u8>>,
}

impl Mail {
    /// The first web address in the text whose path begins with `path`, e.g. `/a/`.
    pub fn link(&self, path: &str) -> Option<String> {
        self.links(path).next()
    }

    /// All of them, in order.
    pub fn links<'a>(&'a self, path: &'a str) -> impl Iterator<Item = String> + 'a {
        let end = |character: char| character.is_whitespace() || "<>\"'()，。；、）】".contains(character);
        self.text.match_indices("http").filter_map(move |(at, _)| {
            let address = self.text[at..].split(end).next()?;
            let parsed = reqwest::Url::parse(address).ok()?;
            parsed.path().starts_with(path).then(|| address.to_string())
        })
    }
}

/// The messages kept, newest last.
#[derive(Debug)]
pub(crate) struct Mailbox {
    dir: PathBuf,
    kept: Mutex<(u64, VecDeque<Mail>)>,
    count: watch::Sender<u64>,
    manners: Manners,
}

/// How to start a catcher.
#[derive(Debug, Clone, Default)]
pub struct MailCatcherSettings {
    /// None for a temporary folder.
    pub dir: Option<PathBuf>,
    /// None for any free port.
    pub smtp_port: Option<u16>,
    /// None for any free port.
    pub http_port: Option<u16>,
}

/// A running catcher. Dropped, it stops.
#[derive(Debug)]
pub struct MailCatcher {
    mailbox: Arc<Mailbox>,
    smtp: Port,
    http: Port,
    tasks: Vec<JoinHandle<()>>,
    _temporary: Option<TemporaryFolder>,
}

impl MailCatcher {
    /// Listens on both ports of 127.0.0.1.
    pub async fn start(settings: MailCatcherSettings) -> Result<MailCatcher> {
        let temporary = if settings.dir.is_none() { Some(TemporaryFolder::new()?) } else { None };
        let dir = settings.dir.or_else(|| temporary.as_ref().map(|folder| folder.path().join("mail"))).unwrap_or_default();
        let mailbox = Arc::new(Mailbox::open(dir)?);
        let smtp = settings.smtp_port.map_or_else(Port::reserve, Port::fixed)?;
        let http = settings.http_port.map_or_else(Port::reserve, Port::fixed)?;
        let take = listen("127.0.0.1", smtp.number()).await?;
        let show = listen("127.0.0.1", http.number()).await?;
        let tasks = vec![tokio::spawn(smtp::serve(take, mailbox.clone())), tokio::spawn(page::serve(show, mailbox.clone()))];
        Ok(MailCatcher { mailbox, smtp, http, tasks, _temporary: temporary })
    }

    /// Runs on two given addresses until the task is ended: for a container of its own.
    pub async fn run(dir: PathBuf, smtp: &str, http: &str) -> Result<()> {
        let mailbox = Arc::new(Mailbox::open(dir)?);
        let address = |text: &str| -> Result<(String, u16)> {
            let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host.to_string(), port.parse().ok()?)));
            parts.ok_or_else(|| Error::Wrong(format!("{text} is not an address: expected HOST:PORT")))
        };
        let ((smtp_host, smtp_port), (http_host, http_port)) = (address(smtp)?, address(http)?);
        let take = listen(&smtp_host, smtp_port).await?;
        let show = listen(&http_host, http_port).await?;
        futures::join!(smtp::serve(take, mailbox.clone()), page::serve(show, mailbox));
        Ok(())
    }

    /// For `DUBAN_SMTP_URL`.
    pub fn smtp_url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.smtp.number())
    }

    /// The page that lists the messages; `/messages` below it is the same as JSON.
    pub fn page_url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.http.number())
    }

    /// What has come, oldest first.
    pub fn messages(&self) -> Vec<Mail> {
        self.mailbox.all()
    }

    /// Waits for a message that `wanted` takes, whenever it came.
    pub async fn wait_for(&self, limit: Duration, wanted: impl Fn(&Mail) -> bool) -> Result<Mail> {
        let deadline = Instant::now() + limit;
        let mut count = self.mailbox.count.subscribe();
        loop {
            count.mark_unchanged();
            if let Some(found) = self.messages().into_iter().find(&wanted) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let came =
                    self.messages().iter().map(|mail| format!("{}: {}", mail.to.join(", "), mail.subject)).collect::<Vec<_>>().join("\n");
                return Err(Error::Wrong(format!("no such mail came in {limit:?}. What came:\n{came}")));
            }
            let _ = tokio::time::timeout(left, count.changed()).await;
        }
    }

    /// From now on every message is refused for the moment (451), or taken again.
    pub fn refuse(&self, refuse: bool) {
        self.mailbox.manners.refuse.store(refuse, Ordering::SeqCst);
    }
}

impl Drop for MailCatcher {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Mailbox {
    fn open(dir: PathBuf) -> Result<Mailbox> {
        place::private_folder(&dir)?;
        let mut files: Vec<(u64, PathBuf)> = fs::read_dir(&dir)
            .map_err(Error::io(format!("reading {}", dir.display())))?
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let id = path.file_stem()?.to_str()?.parse().ok()?;
                (path.extension()? == "eml").then_some((id, path))
            })
            .collect();
        files.sort();
        let last = files.last().map_or(0, |(id, _)| *id);
        let start = files.len().saturating_sub(KEPT);
        let kept = files[start..].iter().filter_map(|(id, path)| Some(understood(*id, fs::read(path).ok()?))).collect();
        Ok(Mailbox { dir, kept: Mutex::new((last, kept)), count: watch::Sender::new(last), manners: Manners::default() })
    }

    fn lock(&self) -> MutexGuard<'_, (u64, VecDeque<Mail>)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Mail> {
        self.lock().1.iter().cloned().collect()
    }

    fn one(&self, id: u64) -> Option<Mail> {
        self.lock().1.iter().find(|mail| mail.id == id).cloned()
    }

    fn refuses(&self) -> bool {
        self.manners.refuse.load(Ordering::SeqCst)
    }

    /// Keeps a message on disk and in memory; the envelope goes before it as headers.
    fn keep(&self, from: &str, to: &[String], received: &str, body: &[u8]) -> Result<()> {
        let mut raw = format!("X-Received: {received}\r\nReturn-Path: <{from}>\r\n");
        for address in to {
            raw.push_str(&format!("Delivered-To: {address}\r\n"));
        }
        let mut raw = raw.into_bytes();
        raw.extend_from_slice(body);
        let mut kept = self.lock();
        let id = kept.0 + 1;
        let path = self.dir.join(format!("{id:08}.eml"));
        fs::write(&path, &raw).map_err(Error::io(format!("writing {}", path.display())))?;
        kept.0 = id;
        kept.1.push_back(understood(id, raw));
        if kept.1.len() > KEPT
            && let Some(oldest) = kept.1.pop_front()
        {
            let _ = fs::remove_file(self.dir.join(format!("{:08}.eml", oldest.id)));
        }
        drop(kept);
        self.count.send_replace(id);
        Ok(())
    }
}

/// Reads a kept message; what is not a mail is shown as text.
fn understood(id: u64, raw: Vec<u8>) -> Mail {
    let plain = String::from_utf8_lossy(&raw).into_owned();
    let header = |name: &str| {
        let prefix = format!("{name}: ");
        plain
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(move |line| line.strip_prefix(&prefix).map(str::to_string))
            .collect::<Vec<_>>()
    };
    let received = header("X-Received").into_iter().next().unwrap_or_default();
    let from = header("Return-Path").into_iter().next().unwrap_or_default().trim_matches(['<', '>']).to_string();
    let to = header("Delivered-To");
    let parsed = MessageParser::default().parse(&raw);
    let Some(mail) = parsed else {
        return Mail {
            id,
            received,
            from,
            to,
            message_id: None,
            subject: String::new(),
            text: plain,
            html: None,
            attachments: vec![],
            raw: Arc::new(raw),
        };
    };
    let has_html = mail.html_body.iter().any(|part| mail.parts.get(*part as usize).is_some_and(|part| part.is_text_html()));
    Mail {
        id,
        received,
        from,
        to,
        message_id: mail.message_id().map(str::to_string),
        subject: mail.subject().unwrap_or_default().to_string(),
        text: mail.body_text(0).unwrap_or_default().into_owned(),
        html: has_html.then(|| mail.body_html(0).unwrap_or_default().into_owned()),
        attachments: mail.attachments().map(|part| part.attachment_name().unwrap_or("?").to_string()).collect(),
        raw: Arc::new(raw),
    }
}

async fn listen(host: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(Error::io(format!("listening on {host}:{port}")))
}
