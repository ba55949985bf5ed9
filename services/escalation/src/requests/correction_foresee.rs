//! `correction.foresee`: what a submitted correction would change of the duties that stand. The list is begun when it is first asked for; the
//! asker gets of it what he may see, and how much it is in all.

use super::{page, sight};
use crate::App;
use crate::store::foreseen;
use duban_contracts::policy::{ForeseeRequest, Foreseen};
use duban_contracts::{Problem, Timestamp, both};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;
use uuid::Uuid;

pub async fn foresee(app: Arc<App>, request: Request<ForeseeRequest>) -> Result<Foreseen, Failed> {
    let (sight, _) = sight(&app, &request)?;
    let ForeseeRequest { version, against, corrects, again, after, limit } = request.body;
    if corrects.is_empty() {
        return Err(Problem::invalid_field(
            "/corrects",
            both("该版本未声明更正", "the version corrects nothing"),
            both("声明为更正的版本", "a version that is declared a correction"),
        )
        .into());
    }
    let after = after.as_deref().map(cursor).transpose()?;
    // A change may have many stages.
    let limit = page(limit).min(100);
    let mut tx = app.platform.db.begin().await?;
    let list = foreseen::wanted(&mut tx, version, against, &corrects, again, app.platform.clock.now()).await?;
    let changes = foreseen::page(&mut tx, &sight, version, after, limit).await?;
    tx.commit().await?;
    let is_done = list.state == "done";
    if list.state == "looking" {
        app.foreseeing_wanted.notify_one();
    }
    let is_full = i64::try_from(changes.len()).is_ok_and(|count| count == limit);
    let next = changes.last().filter(|_| is_full).map(|last| format!("{}.{}", last.due_before.as_microsecond(), last.duty));
    Ok(Foreseen {
        version,
        against: list.against,
        state: list.state,
        fault: list.fault,
        looked: list.looked,
        moved: list.moved,
        left: list.stays,
        digest: is_done.then(|| list.digest.iter().map(|byte| format!("{byte:02x}")).collect()),
        taken_at: list.taken_at,
        changes,
        next,
    })
}

fn cursor(text: &str) -> Result<(Timestamp, Uuid), Problem> {
    let read = || {
        let (micros, id) = text.split_once('.')?;
        Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| {
        Problem::invalid_field(
            "/after",
            both("不是上一页的结尾", "It is not where a page ended"),
            both("上一次答复的 next", "the `next` of an earlier answer"),
        )
    })
}
