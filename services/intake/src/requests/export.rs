//! `case.export`: cases to be carried out of the system, within the right to export; personal text only with the right to see it. What
//! was exported, by whom, is kept.

use super::act::step::personal_fields;
use super::fitting::{MOST_BYTES, bytes_of};
use super::list::filter;
use crate::app::App;
use crate::showing::summary;
use crate::store::{exports, list, reports};
use crate::visibility::{Sight, sees_personal};
use duban_contracts::case::{CaseExport, CaseListRequest, ExportedCase};
use duban_contracts::report::AcceptedReport;
use duban_contracts::{Problem, Timestamp, both};
use duban_engine::case::Case;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::{Directory, Right};
use std::collections::HashMap;
use uuid::Uuid;

pub async fn export(app: App, request: Request<CaseListRequest>) -> Result<CaseExport, Failed> {
    let person = request.person()?;
    let directory = app.directory()?;
    let at = app.platform.clock.now();
    let asked = &request.body;
    if directory.may_anywhere(person, Right::Export, at).is_none() {
        return Err(Problem::forbidden(both("需要“导出”权限", "it takes the right to export")).into());
    }
    let sight = Sight::by_posts(&directory, person, Right::Export, at);
    let filter = filter(&app, &directory, asked).await?;
    let limit = usize::try_from(asked.limit.unwrap_or(100).clamp(1, 200)).unwrap_or(100);
    let pool = app.platform.db.pool();
    let found = list::page(pool, &sight, &filter, asked.before, limit as i64).await?;
    let more = found.len() > limit;
    let page = rows(&app, &directory, person, &found[..found.len().min(limit)], at).await?;
    let next = if more || page.len() < found.len().min(limit) { page.last().map(|row| row.summary.case) } else { None };
    exports::note(pool, person, at, asked, page.len()).await?;
    Ok(CaseExport { cases: page, next })
}

/// As many rows as fit into one answer, at least one.
async fn rows(app: &App, directory: &Directory, person: &str, cases: &[Case], at: Timestamp) -> Result<Vec<ExportedCase>, Failed> {
    let open: Vec<Uuid> = cases.iter().filter(|case| sees_personal(directory, person, case, at)).map(|case| case.receipt).collect();
    let bodies = reports::open(app.platform.db.pool(), &app.platform.seal, &open).await?;
    let mut bodies: HashMap<Uuid, AcceptedReport> = bodies.into_iter().map(|body| (body.receipt, body)).collect();
    let mut rows: Vec<ExportedCase> = Vec::new();
    let mut bytes = 0;
    for case in cases {
        let personal = open.contains(&case.receipt);
        let mut fields = case.fields.clone();
        if personal {
            fields.extend(personal_fields(app, case)?);
        }
        let row = ExportedCase {
            summary: summary(app, case, personal)?,
            occurred_at: case.occurred_at,
            outcome: case.outcome.clone(),
            fields,
            report: bodies.remove(&case.receipt).map(|accepted| accepted.report),
        };
        bytes += bytes_of(&row);
        if bytes > MOST_BYTES && !rows.is_empty() {
            break;
        }
        rows.push(row);
    }
    Ok(rows)
}
