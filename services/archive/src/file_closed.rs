//! The filing: claims closed cases, fetches their files, puts them into custody.

use crate::case_file::{self, CaseFile};
use crate::ledger::Act;
use crate::owners::{self, Withheld};
use crate::sealed_content;
use crate::store::cases;
use crate::store::filings::{self, Filing, NewFiling};
use crate::store::ledger;
use crate::store::records::{self, NewRecord};
use crate::{App, backoff};
use duban_contracts::case::{CaseEvent, Dossier};
use duban_contracts::record::RecordEvent;
use duban_contracts::{NewEvent, ids};
use duban_platform::{Ts, db, telemetry};
use sqlx::PgConnection;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::Instrument;
use uuid::Uuid;

/// How often it is looked for due jobs when nothing wakes the filing.
const TICK: Duration = Duration::from_millis(500);

/// Why a case was not filed this time.
#[derive(Debug, thiserror::Error)]
enum NotFiled {
    #[error(transparent)]
    Withheld(#[from] Withheld),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Sealing(#[from] sealed_content::CannotOpen),
}

impl db::AsDatabaseError for NotFiled {
    fn database_error(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// Files until shutdown, then lets what is under way finish.
pub async fn run(app: App) {
    app.platform.schema_complete().await;
    let mut under_way = JoinSet::new();
    while !app.platform.shutdown.is_cancelled() {
        let room = app.settings.filings_at_once.saturating_sub(under_way.len());
        if room > 0 {
            match filings::claim_due(app.platform.db.pool(), room as i64, app.settings.lease()).await {
                Ok(claimed) => claimed.into_iter().for_each(|filing| begin(&app, &mut under_way, filing)),
                Err(error) => tracing::warn!(%error, "no closed case can be claimed"),
            }
        }
        wait(&app, &mut under_way).await;
    }
    while under_way.join_next().await.is_some() {}
}

fn begin(app: &App, under_way: &mut JoinSet<()>, filing: Filing) {
    let span = tracing::info_span!("archive.case.file", case = %filing.body.case, closing = %filing.closing, attempt = filing.attempts);
    telemetry::adopt(&span, filing.traceparent.as_deref());
    let app = app.clone();
    under_way.spawn(async move { try_filing(&app, &filing).await }.instrument(span));
}

async fn wait(app: &App, under_way: &mut JoinSet<()>) {
    tokio::select! {
        Some(ended) = under_way.join_next() => {
            if let Err(error) = ended {
                // The lease brings the job back.
                tracing::error!(%error, "a filing broke off");
            }
        }
        () = app.wake.notified() => {}
        () = tokio::time::sleep(TICK) => {}
        () = app.platform.shutdown.cancelled() => {}
    }
}

async fn try_filing(app: &App, filing: &Filing) {
    let outcome = match fetch_and_file(app, filing).await {
        Ok(()) => "filed",
        Err(error) => {
            let code = match &error {
                NotFiled::Withheld(withheld) => withheld.code(),
                NotFiled::Database(_) => "unavailable",
                NotFiled::Sealing(_) => "failed",
            };
            if code == "failed" {
                tracing::error!(%error, "a closed case cannot be filed; it is tried again");
            } else {
                tracing::debug!(%error, "not filed yet");
            }
            let pause = backoff::wait(filing.attempts, longest_wait(filing), rand::random());
            if let Err(error) = filings::put_off(app.platform.db.pool(), filing, pause, &error.to_string()).await {
                // Then the lease brings the job back.
                tracing::warn!(%error, "a filing cannot be put off");
            }
            code
        }
    };
    app.measures.attempts.with_label_values(&[outcome]).inc();
}

async fn fetch_and_file(app: &App, filing: &Filing) -> Result<(), NotFiled> {
    let parts = owners::dossiers(app, filing.body.case, filing.after, filing.settled).await?;
    db::retry(|| file(app, filing, &parts)).await
}

/// Record, key, ledger entry, event and the end of the job, in one transaction. Nothing to do if another copy was first.
async fn file(app: &App, filing: &Filing, parts: &[Dossier]) -> Result<(), NotFiled> {
    let clock = &app.platform.clock;
    let id = ids::derived("record", &[&filing.body.case.to_string(), &filing.closing.to_string()]);
    let mut tx = app.platform.db.begin().await?;
    if !filings::finish(&mut tx, filing.closing).await? {
        return Ok(());
    }
    let closed = &as_it_stands(&mut tx, filing).await?;
    let filed_at = clock.cause_after(filing.closed_at.0);
    let edition = records::next_edition(&mut tx, closed.case).await?;
    let file = case_file::assemble(id, edition, closed, parts);
    let sealed = sealed_content::seal(&app.platform.seal, id, file.text.as_bytes())?;
    let year = filed_at.to_zoned_datetime(app.settings.time_zone.clone()).year();
    let sequence = records::next_number(&mut tx, &closed.unit, year).await?;
    let record = NewRecord {
        id,
        index_number: case_file::index_number(&closed.unit, year, sequence),
        case: closed.case,
        edition,
        closing: filing.closing,
        number: &closed.number,
        unit: &closed.unit,
        title: &closed.title,
        title_zh: &closed.title_zh,
        content_hash: file.hash,
        content_bytes: length(&file),
        filed_at: Ts(filed_at),
        policy: closed.policy,
        sealed: &sealed,
    };
    records::insert(&mut tx, &record).await?;
    let event = filed(&record, closed.excluded_people.clone(), filed_at);
    app.platform.outbox.write(&mut tx, &[event]).await?;
    let act = Act { record: id, act: "filed".to_owned(), at: filed_at, by: String::new(), content_hash: file.hash };
    ledger::append(&mut tx, act).await?;
    if !filing.settled && parts.iter().any(|part| part.unsettled) {
        filings::insert(&mut tx, &[once_settled(filing)]).await?;
    }
    tx.commit().await?;
    app.platform.outbox.wake();
    told(app, filing, &record, id);
    Ok(())
}

/// What the close said; a later edition belongs where the case belongs by now, and to whom it may be shown by now.
async fn as_it_stands(tx: &mut PgConnection, filing: &Filing) -> Result<CaseEvent, NotFiled> {
    let mut closed = filing.body.clone();
    if filing.settled
        && let Some(now) = cases::standing(tx, closed.case).await?
    {
        closed.unit = now.unit;
        closed.excluded_people = now.excluded_people;
    }
    Ok(closed)
}

/// The job of the later edition, where duties outlive the close.
fn once_settled(filing: &Filing) -> NewFiling {
    NewFiling {
        closing: ids::derived("filing/settled", &[&filing.closing.to_string()]),
        after: filing.after,
        settled: true,
        closed_at: filing.closed_at,
        body: filing.body.clone(),
        traceparent: filing.traceparent.clone(),
    }
}

/// A close waits for programs, a later edition for people: it is asked for more seldom.
fn longest_wait(filing: &Filing) -> Duration {
    if filing.settled { backoff::FOR_PEOPLE } else { backoff::FOR_PROGRAMS }
}

fn length(file: &CaseFile) -> i64 {
    i64::try_from(file.text.len()).unwrap_or(i64::MAX)
}

fn filed(record: &NewRecord<'_>, excluded_people: Vec<String>, at: duban_contracts::Timestamp) -> NewEvent {
    let body = RecordEvent {
        record: record.id,
        index_number: record.index_number.clone(),
        case: Some(record.case),
        number: record.number.to_owned(),
        unit: record.unit.to_owned(),
        title: record.title.to_owned(),
        title_zh: record.title_zh.to_owned(),
        content_hash: crate::ledger::hex(&record.content_hash),
        content_bytes: record.content_bytes,
        filed_at: at,
        edition: record.edition,
        excluded_people,
        policy: record.policy,
        version: 1,
    };
    NewEvent::new("archive", "record.filed", format!("record/{}", record.id), 1, at, &body)
        .with_policy(record.policy)
        .with_case(record.case)
}

fn told(app: &App, filing: &Filing, record: &NewRecord<'_>, id: Uuid) {
    let age = record.filed_at.0.as_millisecond().saturating_sub(filing.closed_at.0.as_millisecond());
    app.measures.age.with_label_values::<&str>(&[]).observe(age.max(0) as f64 / 1000.0);
    app.measures.bytes.with_label_values::<&str>(&[]).observe(record.content_bytes as f64);
    tracing::info!(record = %id, index_number = %record.index_number, edition = record.edition, "filed");
}
