//! `rehearsal.begin`: a draft is to be run over what really happened. For who administers everything: its counts are of everybody.

use super::may_administer;
use crate::App;
use crate::store::{past, rehearsals};
use duban_contracts::rehearsal::{Made, Rehearsal, RehearseRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

pub async fn begin(app: Arc<App>, request: Request<RehearseRequest>) -> Result<Rehearsal, Failed> {
    must_administer(&app, &request)?;
    let person = request.person()?.to_owned();
    let RehearseRequest { rehearsal, of, mut packs, since } = request.body;
    let now = app.platform.clock.now();
    if since >= now {
        return Err(
            Problem::invalid_field("/since", both("晚于现在", "it is not before now"), both("过去的日期", "a day that is past")).into()
        );
    }
    packs.sort_unstable();
    packs.dedup();
    let pool = app.platform.db.pool();
    // Nothing is known of what happened before; where nothing is kept yet, nothing happened.
    let since = past::oldest(pool).await?.map_or(now, |oldest| oldest.max(since)).min(now);
    let (asked_by, state, reached) = (person, "waiting".to_owned(), since);
    let new = Rehearsal {
        id: rehearsal,
        of,
        packs,
        state,
        fault: None,
        fault_zh: String::new(),
        asked_by,
        asked_at: now,
        since,
        until: now,
        reached,
        played: 0,
        left_out: 0,
        weeks: 0,
        made: Made::default(),
    };
    rehearsals::begin(pool, &new).await?;
    app.rehearsal_wanted.notify_one();
    let kept = rehearsals::show(pool, rehearsal).await?.ok_or_else(Problem::not_found)?;
    Ok(kept.shown)
}

/// # Errors
/// 403 for who does not administer everything.
pub(super) fn must_administer<Req>(app: &App, request: &Request<Req>) -> Result<(), Failed> {
    if may_administer(app, request.claim()?) {
        return Ok(());
    }
    Err(Problem::forbidden(both("需要全局管理权限", "the right 'administer' everywhere is needed")).into())
}
