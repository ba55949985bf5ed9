//! The open cases that a corrected kind reaches: each goes on by its new steps, from the stage in which it stands.

use super::PolicySetShown;
use crate::App;
use crate::viewer::Viewer;
use duban_contracts::Problem;
use duban_contracts::case::{CaseListRequest, CaseSummary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many are listed; the rest is in the list of cases.
const MOST: u32 = 200;

/// What of a corrected kind is open, as far as the viewer may see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ReachedCases {
    /// As it is declared: `store-complaints/kind.complaint_case`.
    pub of: String,
    pub total: i64,
    /// The newest 200 of them.
    pub cases: Vec<CaseSummary>,
}

/// Of a set that waits or is announced, kind by kind: what was in force when it came is as it is.
///
/// # Errors
/// 503 while intake does not answer.
pub async fn reached(app: &App, viewer: &Viewer, set: &PolicySetShown) -> Result<Vec<ReachedCases>, Problem> {
    let mut found = Vec::new();
    if !["submitted", "announced"].contains(&set.state.as_str()) {
        return Ok(found);
    }
    for (of, (pack, kind)) in set.corrects.iter().filter_map(|of| Some((of, of.split_once("/kind.")?))) {
        let asked = CaseListRequest {
            pack: Some(pack.to_owned()),
            kind: Some(kind.to_owned()),
            state: Some("open".to_owned()),
            limit: Some(MOST),
            ..CaseListRequest::default()
        };
        let list = app.services.case_list(viewer, &asked).await?;
        found.push(ReachedCases { of: of.clone(), total: list.total, cases: list.cases });
    }
    Ok(found)
}
