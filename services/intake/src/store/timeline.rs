//! Timelines of cases.

use crate::store::sealed;
use duban_contracts::Timestamp;
use duban_contracts::case::TimelineEntry;
use duban_contracts::subjects::event_name;
use duban_engine::case::Told;
use duban_engine::registering::OTHER;
use duban_platform::{Seal, Ts};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// An entry to be kept. Its id is that of the event that tells of it.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub id: Uuid,
    pub case: Uuid,
    pub version: i64,
    pub at: Timestamp,
    /// Event name, e.g. `case.registered`.
    pub event: String,
    pub text: String,
    pub text_zh: String,
    /// Person id; empty for the system.
    pub by: String,
    /// Free text of a person; sealed when kept.
    pub note: Option<String>,
    pub article: Option<String>,
    /// The other case that it is about, whose number stands as [`OTHER`] in its text.
    pub other: Option<Uuid>,
}

impl NewEntry {
    /// What the timeline of a case says of something that was told of it.
    pub fn of(case: Uuid, told: &Told, by: &str) -> Self {
        let Told { event, words, other } = told;
        Self {
            id: event.id,
            case,
            version: event.version,
            at: event.time,
            event: event_name(&event.subject).unwrap_or_default().to_owned(),
            text: words.text.clone(),
            text_zh: words.text_zh.clone(),
            by: by.to_owned(),
            note: words.note.clone(),
            article: words.article.clone(),
            other: *other,
        }
    }
}

/// An entry as it was kept.
#[derive(Debug, Clone)]
pub struct Entry {
    pub shown: TimelineEntry,
    /// The other case that it is about.
    pub other: Option<Uuid>,
    /// The case's version after it.
    pub version: i64,
}

impl Entry {
    /// As it is shown to somebody who sees the cases of these numbers.
    pub fn for_reader(self, numbers: &HashMap<Uuid, String>) -> TimelineEntry {
        let Some(other) = self.other else { return self.shown };
        let number = numbers.get(&other);
        TimelineEntry {
            text: self.shown.text.replace(OTHER, number.map_or("another case", String::as_str)),
            text_zh: self.shown.text_zh.replace(OTHER, number.map_or("另一案件", String::as_str)),
            ..self.shown
        }
    }
}

fn about(entry: Uuid) -> String {
    format!("timeline/{entry}")
}

pub async fn insert(tx: &mut PgConnection, seal: &Seal, entries: &[NewEntry]) -> Result<(), sqlx::Error> {
    let notes = entries
        .iter()
        .map(|e| e.note.as_ref().map(|note| sealed::seal(seal, note.as_bytes(), &about(e.id))).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "insert into timeline (id, case_id, version, at, event, text, text_zh, by, sealed_note, article, other)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
                              $9::bytea[], $10::text[], $11::uuid[])",
    )
    .bind(entries.iter().map(|e| e.id).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.case).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.version).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| Ts(e.at)).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.event.as_str()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.text.as_str()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.text_zh.as_str()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.by.as_str()).collect::<Vec<_>>())
    .bind(notes)
    .bind(entries.iter().map(|e| e.article.as_deref()).collect::<Vec<_>>())
    .bind(entries.iter().map(|e| e.other).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether free text of people is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notes {
    Opened,
    LeftOut,
}

/// The newest entries of a case, newest first: those older than an entry, if one is given.
pub async fn newest(
    executor: impl PgExecutor<'_>,
    seal: &Seal,
    case: Uuid,
    notes: Notes,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query(
        "select * from timeline
         where case_id = $1 and ($2::uuid is null or version < (select version from timeline where case_id = $1 and id = $2))
         order by version desc limit $3",
    )
    .bind(case)
    .bind(before)
    .bind(most)
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| entry(seal, row, notes)).collect()
}

/// When who reported a case was last answered.
pub async fn last_answer(executor: impl PgExecutor<'_>, case: Uuid) -> Result<Option<Timestamp>, sqlx::Error> {
    let at: Option<Ts> = sqlx::query_scalar("select max(at) from timeline where case_id = $1 and event = 'case.answered'")
        .bind(case)
        .fetch_one(executor)
        .await?;
    Ok(at.map(|at| at.0))
}

/// The entries of a case after a version, oldest first.
pub async fn after(executor: impl PgExecutor<'_>, seal: &Seal, case: Uuid, version: i64, most: i64) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query("select * from timeline where case_id = $1 and version > $2 order by version limit $3")
        .bind(case)
        .bind(version)
        .bind(most)
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| entry(seal, row, Notes::Opened)).collect()
}

fn entry(seal: &Seal, row: &PgRow, notes: Notes) -> Result<Entry, sqlx::Error> {
    let id: Uuid = row.try_get("id")?;
    let note: Option<Vec<u8>> = row.try_get("sealed_note")?;
    let note = note.filter(|_| notes == Notes::Opened).map(|note| sealed::open_text(seal, &note, &about(id))).transpose()?;
    let shown = TimelineEntry {
        id,
        at: row.try_get::<Ts, _>("at")?.0,
        event: row.try_get("event")?,
        text: row.try_get("text")?,
        text_zh: row.try_get("text_zh")?,
        by: row.try_get("by")?,
        note,
        article: row.try_get("article")?,
    };
    Ok(Entry { shown, other: row.try_get("other")?, version: row.try_get("version")? })
}
