//! `case.timeline`: what happened to a case, as far as intake knows it; of a long one the newest. `case.earlier`: the rest, by pages.

use super::fitting::{MOST_BYTES, bytes_of};
use super::show::find;
use crate::app::App;
use crate::store::timeline::{self, Entry, Notes};
use crate::store::{cases, list};
use crate::visibility::{Sight, sees_personal};
use duban_contracts::case::{CaseShowRequest, EarlierAnswer, EarlierRequest, TimelineEntry};
use duban_contracts::duty::{Timeline, TimelineRequest};
use duban_platform::rpc::{Failed, Request};
use std::collections::HashMap;
use uuid::Uuid;

/// So many are read at once; a note may have 20,000 characters.
const READ: i64 = 64;
/// At most so many on a page.
const MOST: usize = 1_000;

pub async fn show(app: App, request: Request<TimelineRequest>) -> Result<Timeline, Failed> {
    let person = request.person()?;
    let asked = CaseShowRequest { case: Some(request.body.case), number: None };
    let (directory, sight, case) = find(&app, person, &asked).await?;
    let personal = sees_personal(&directory, person, &case, app.platform.clock.now());
    let page = page(&app, &sight, case.id, notes(personal), None, MOST_BYTES).await?;
    Ok(Timeline { entries: page.entries, duties: Vec::new(), next: None })
}

pub async fn earlier(app: App, request: Request<EarlierRequest>) -> Result<EarlierAnswer, Failed> {
    let person = request.person()?;
    let asked = CaseShowRequest { case: Some(request.body.case), number: None };
    let (directory, sight, case) = find(&app, person, &asked).await?;
    let personal = sees_personal(&directory, person, &case, app.platform.clock.now());
    let page = page(&app, &sight, case.id, notes(personal), Some(request.body.before), MOST_BYTES).await?;
    Ok(EarlierAnswer { entries: page.entries, earlier: page.earlier })
}

/// Free text is opened for who may see personal text.
pub fn notes(personal: bool) -> Notes {
    if personal { Notes::Opened } else { Notes::LeftOut }
}

/// A part of a timeline, oldest first.
pub struct Page {
    pub entries: Vec<TimelineEntry>,
    /// The oldest of them, if there are older ones.
    pub earlier: Option<Uuid>,
}

/// The newest entries, or the newest of those before one, as many as fit into so many bytes; one at least. Other cases are named only to
/// who sees them.
pub async fn page(app: &App, sight: &Sight, case: Uuid, notes: Notes, before: Option<Uuid>, room: usize) -> Result<Page, sqlx::Error> {
    let pool = app.platform.db.pool();
    let mut entries: Vec<TimelineEntry> = Vec::new();
    let mut bytes = 0;
    let mut cursor = before;
    let is_more = 'reading: loop {
        let found = timeline::newest(pool, &app.platform.seal, case, notes, cursor, READ).await?;
        let is_last = (found.len() as i64) < READ;
        let numbers = seen_numbers(app, sight, &found).await?;
        for entry in found {
            let shown = entry.for_reader(&numbers);
            bytes += bytes_of(&shown);
            if !entries.is_empty() && (bytes > room || entries.len() == MOST) {
                break 'reading true;
            }
            cursor = Some(shown.id);
            entries.push(shown);
        }
        if is_last {
            break false;
        }
    };
    entries.reverse();
    Ok(Page { earlier: entries.first().map(|oldest| oldest.id).filter(|_| is_more), entries })
}

/// The numbers of the cases that these entries are about, of those that the reader sees.
async fn seen_numbers(app: &App, sight: &Sight, entries: &[Entry]) -> Result<HashMap<Uuid, String>, sqlx::Error> {
    let others: Vec<Uuid> = entries.iter().filter_map(|entry| entry.other).collect();
    if others.is_empty() {
        return Ok(HashMap::new());
    }
    let pool = app.platform.db.pool();
    let seen = list::visible(pool, sight, &others).await?;
    cases::numbers(pool, &seen).await
}
