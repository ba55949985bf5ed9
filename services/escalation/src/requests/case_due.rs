//! `case.due`: by when cases are to be closed; what the public may be told. Nothing else of the case is.

use crate::App;
use crate::store::case;
use duban_contracts::Problem;
use duban_contracts::duty::{CaseDueAnswer, CaseDueRequest};
use duban_platform::rpc::{Failed, Request};
use std::sync::Arc;

/// Most cases per request.
const MOST: usize = 500;

pub async fn due(app: Arc<App>, request: Request<CaseDueRequest>) -> Result<CaseDueAnswer, Failed> {
    let asked = request.body;
    if asked.cases.len() > MOST {
        return Err(Problem::invalid_field("/cases", "They are too many", "at most 500 cases").into());
    }
    let pool = app.platform.db.pool();
    let due = match &asked.number {
        Some(number) => case::due_of_number(pool, number).await?,
        None => None,
    };
    let cases = if asked.cases.is_empty() { Default::default() } else { case::due(pool, &asked.cases).await? };
    Ok(CaseDueAnswer { due, cases })
}
