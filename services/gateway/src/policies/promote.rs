//! Bringing an announced set into force once its time has come and every service holds it.

use super::{apply, store};
use crate::App;
use crate::directory::Edit;
use crate::web::of_database;
use duban_contracts::Problem;

/// Who stands in the history where nobody acted.
pub(crate) const SYSTEM: &str = "system";

/// One look. Gives the version that came into force, if one did.
///
/// # Errors
/// 503 without the database.
pub async fn promote(app: &App) -> Result<Option<i64>, Problem> {
    // A look without a transaction of the directory first, so that an idle tick neither locks nor raises a version.
    let ripe = async {
        let mut tx = app.platform.db.begin().await?;
        store::lock_ripe(&mut tx, app.platform.clock.now()).await
    };
    if ripe.await.map_err(|e| of_database(&e))?.is_none() {
        return Ok(None);
    }
    let mut edit = Edit::begin(app, SYSTEM).await?;
    let at = edit.at();
    let Some((version, _announced_for)) = store::lock_ripe(edit.tx(), at).await.map_err(|e| of_database(&e))? else { return Ok(None) };
    // Not the announced time but now: nothing that happened before may be judged by it in hindsight.
    store::put_in_force(edit.tx(), version, at).await.map_err(|e| of_database(&e))?;
    edit.note("policy", &version.to_string(), Some(&"announced"), Some(&"applied"));
    apply::tell(app, &mut edit, "policy.applied", version, at).await?;
    edit.finish(app).await?;
    tracing::info!(version, "a policy set is in force");
    Ok(Some(version))
}
