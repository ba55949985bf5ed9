//! `record.content`: what is in a record, a piece at a time, for who may see personal text. The reading is in the ledger before the reader
//! has the text.

use crate::case_file::piece;
use crate::ledger::Act;
use crate::rights::Sight;
use crate::{App, sealed_content, store};
use anyhow::Context;
use duban_contracts::record::{RecordContent, RecordContentRequest, RecordEvent};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};
use sha2::{Digest, Sha256};

/// Bytes of a piece: written as a JSON string inside JSON it may double, and an answer must stay below a megabyte.
const PIECE: usize = 256 * 1024;

pub async fn content(app: App, request: Request<RecordContentRequest>) -> Result<RecordContent, Failed> {
    let person = request.person()?.to_owned();
    let record = permitted(&app, &person, &request).await?;
    let sealed = store::records::sealed(app.platform.db.pool(), record.record).await?.ok_or_else(destroyed)?;
    let opened = sealed_content::open(&app.platform.seal, record.record, &sealed).context("opening a record")?;
    let hash: [u8; 32] = Sha256::digest(&opened).into();
    if crate::ledger::hex(&hash) != record.content_hash {
        return Err(anyhow::anyhow!("record {} is not what was filed: its hash is another", record.record).into());
    }
    let text = String::from_utf8(opened).context("a record's text")?;
    let out_of_range = || Problem::invalid_field("/offset", "There is no piece there.", "0, or the `next` of the piece before.");
    let offset = usize::try_from(request.body.offset).map_err(|_| out_of_range())?;
    let (part, next) = piece(&text, offset, PIECE).ok_or_else(out_of_range)?;
    let act = Act { record: record.record, act: "read".to_owned(), at: app.platform.clock.next(), by: person, content_hash: hash };
    let mut tx = app.platform.db.begin().await?;
    store::ledger::append(&mut tx, act).await?;
    tx.commit().await?;
    Ok(RecordContent {
        record: record.record,
        text: part.to_owned(),
        content_hash: record.content_hash,
        content_bytes: record.content_bytes,
        next: next.and_then(|next| i64::try_from(next).ok()),
    })
}

/// 404 for what may not be seen at all, 403 for what may be seen without what is in it.
async fn permitted(app: &App, person: &str, request: &Request<RecordContentRequest>) -> Result<RecordEvent, Failed> {
    let directory = app.platform.directory.current()?;
    let now = app.platform.clock.now();
    let pool = app.platform.db.pool();
    let inside = Sight::of_content(&directory, person, now);
    if let Some(record) = store::listing::record(pool, request.body.record, &inside).await? {
        return Ok(record);
    }
    match store::listing::record(pool, request.body.record, &Sight::of(&directory, person, now)).await? {
        Some(_) => Err(Problem::forbidden(both(
            "查阅档案需要其单位的“查看个人信息”权限",
            "Reading a record needs the right to see personal text in its unit.",
        ))
        .into()),
        None => Err(Problem::not_found().into()),
    }
}

fn destroyed() -> Problem {
    Problem::new(410, "destroyed", "The content of this record has been destroyed", "该档案内容已销毁")
}
