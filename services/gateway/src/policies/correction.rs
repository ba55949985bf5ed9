//! Sets that correct what open matters go by: what may be declared, the list of what it changes, and that it is this list which is signed.

use super::{ListSigned, store};
use crate::App;
use crate::viewer::Viewer;
use crate::web::of_database;
use duban_contracts::policy::{ForeseeRequest, Foreseen};
use duban_contracts::{FieldError, Problem, Sentence, both};
use duban_policy::Policy;
use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::PgConnection;
use std::sync::Arc;

/// Which part of the list is asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListQuery {
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
    /// A new list: what was listed some time ago is not what would change now.
    #[serde(default)]
    pub again: bool,
    #[serde(default)]
    pub limit: Option<u32>,
}

/// What a set is declared to correct, read against the one in force; all calendars that change are named one by one.
///
/// # Errors
/// 422 with everything that cannot be corrected; 503 without the database.
pub async fn read(app: &App, tx: &mut PgConnection, against: Option<i64>, new: &Policy, places: &[String]) -> Result<Vec<String>, Problem> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let refused = || Problem::new(422, "cannot-correct", "It cannot be declared a correction of this", "不能作此更正");
    let Some(against) = against else { return Err(refused().with_detail(both("尚无现行制度", "nothing is in force yet"))) };
    let old = match app.holdings.policy_of(against) {
        Some(held) => held,
        None => Arc::new(super::apply::compile(&store::sources(tx, against).await.map_err(|e| of_database(&e))?)?),
    };
    old.correctable(new, places).map(|corrects| corrects.places()).map_err(|wrongs| {
        let errors = wrongs.into_iter().map(|wrong| {
            let (is, expected) = (both(wrong.wrong.zh, wrong.wrong.en), both(wrong.expected.zh, wrong.expected.en));
            FieldError::new(format!("/corrects/{}", wrong.nth), is, expected)
        });
        refused().with_errors(errors.collect())
    })
}

/// A page of what a submitted correction would change, as far as the viewer may see it, and how much it is in all. None: the set corrects
/// nothing, or does not wait any longer.
///
/// # Errors
/// 404 unknown; 503 without the database, or while escalation does not answer.
pub async fn list(app: &App, viewer: &Viewer, version: i64, query: &ListQuery) -> Result<Option<Foreseen>, Problem> {
    let pool = app.platform.db.pool();
    let corrects = store::corrects(pool, version).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    let waits = store::state(pool, version).await.map_err(|e| of_database(&e))?.is_some_and(|state| state == "submitted");
    let against = store::in_force(pool, app.platform.clock.now()).await.map_err(|e| of_database(&e))?;
    let Some(against) = against.filter(|_| waits && !corrects.is_empty()) else { return Ok(None) };
    let ListQuery { after, again, limit } = query.clone();
    app.services.foresee(viewer, &ForeseeRequest { version, against, corrects, again, after, limit }).await.map(Some)
}

/// The list that is signed, by its digest as the signer was shown it. None: the set corrects nothing.
///
/// # Errors
/// 409 without a list that is done, or where it is another one than he was shown; as [`list`].
pub async fn signed(app: &App, viewer: &Viewer, version: i64, seen: Option<&str>) -> Result<Option<(ListSigned, i64)>, Problem> {
    let Some(found) = list(app, viewer, version, &ListQuery { limit: Some(1), ..ListQuery::default() }).await? else { return Ok(None) };
    let refused = |detail: Sentence| {
        Problem::refused("list-not-seen", "What it changes for open duties must be seen first", "须先查看它对未了结事项的影响清单")
            .with_detail(detail)
    };
    let Some(digest) = found.digest.filter(|_| found.state == "done") else {
        return Err(refused(
            found.fault.map_or_else(|| both("清单正在生成", "the list is still being made"), |fault| both("清单生成失败", fault)),
        ));
    };
    match seen {
        None => Err(refused(both("请注明所看的清单", "name the list that you have seen (list=…)"))),
        Some(seen) if seen != digest => Err(refused(both("清单已更新，请重新查看", "the list has been made anew since: look at it again"))),
        Some(_) => Ok(Some((ListSigned { digest, moved: found.moved, left: found.left, taken_at: found.taken_at }, found.against))),
    }
}
