//! Timelines of cases.

use crate::store::sealed;
use duban_contracts::Timestamp;
use duban_contracts::case::TimelineEntry;
use duban_platform::{Seal, Ts};
use sqlx::{PgConnection, PgExecutor, Row};
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
        "insert into timeline (id, case_id, version, at, event, text, text_zh, by, sealed_note, article)
         select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
                              $9::bytea[], $10::text[])",
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
    .execute(tx)
    .await?;
    Ok(())
}

/// A case's timeline, oldest first; free text only if `with_notes`.
pub async fn of_case(executor: impl PgExecutor<'_>, seal: &Seal, case: Uuid, with_notes: bool) -> Result<Vec<TimelineEntry>, sqlx::Error> {
    let rows = sqlx::query(
        "select id, at, event, text, text_zh, by, sealed_note, article from timeline where case_id = $1 order by at, version, id",
    )
    .bind(case)
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            let id: Uuid = row.try_get("id")?;
            let note: Option<Vec<u8>> = row.try_get("sealed_note")?;
            let note = note.filter(|_| with_notes).map(|note| sealed::open_text(seal, &note, &about(id))).transpose()?;
            Ok(TimelineEntry {
                id,
                at: row.try_get::<Ts, _>("at")?.0,
                event: row.try_get("event")?,
                text: row.try_get("text")?,
                text_zh: row.try_get("text_zh")?,
                by: row.try_get("by")?,
                note,
                article: row.try_get("article")?,
            })
        })
        .collect()
}
