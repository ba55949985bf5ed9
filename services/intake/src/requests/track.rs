//! `report.track`: what the public may be told of a report, by tracking code or receipt. When it is due the gateway asks escalation.

use crate::app::App;
use crate::showing::stage_title;
use crate::store::{cases, identities, timeline};
use duban_contracts::Problem;
use duban_contracts::report::{PublicCase, PublicStatus, TrackRequest};
use duban_engine::case::Case;
use duban_platform::rpc::{Failed, Request};
use duban_policy::Title;

pub async fn track(app: App, request: Request<TrackRequest>) -> Result<PublicStatus, Failed> {
    let pool = app.platform.db.pool();
    let asked = &request.body;
    let found = match (&asked.code, asked.receipt) {
        // Nothing in a receipt shows that it is genuine: one that is not registered, or not yet, is unknown.
        (_, Some(receipt)) => vec![identities::by_receipt(pool, receipt).await?.ok_or_else(Problem::not_found)?],
        (Some(code), None) => {
            let code: i64 = code.parse().map_err(|_| Problem::invalid_field("/code", "it is not a number", "54 bits, in decimal"))?;
            identities::by_code(pool, code).await?
        }
        (None, None) => return Err(Problem::invalid_field("", "neither code nor receipt is given", "code or receipt").into()),
    };
    match found.as_slice() {
        // Genuine, as the gateway has seen by its check part, and not registered yet.
        [] => Ok(bare("accepted")),
        [one] => match one.case {
            Some(case) => registered(&app, case, one.state == "supplement").await,
            None if one.state == "waiting" => Ok(bare("waiting")),
            // That it was dismissed, and why, is for its sender to be told by people.
            None => Ok(bare("rejected")),
        },
        // Two reports share the code: neither is shown.
        _ => Ok(bare("ambiguous")),
    }
}

fn bare(state: &str) -> PublicStatus {
    PublicStatus { state: state.to_owned(), case: None }
}

async fn registered(app: &App, case: uuid::Uuid, supplement: bool) -> Result<PublicStatus, Failed> {
    let pool = app.platform.db.pool();
    let Some(case) = cases::by_ids(pool, &[case]).await?.pop() else { return Ok(bare("accepted")) };
    // Where its master stands: it is dealt with there.
    let master = match case.carried_by {
        Some(master) => cases::by_ids(pool, &[master]).await?.pop(),
        None => None,
    };
    let with_others = master.is_some();
    let stage = stage_of(app, master.as_ref().unwrap_or(&case));
    let state = if case.closed {
        "closed"
    } else if supplement {
        "supplement"
    } else {
        "registered"
    };
    Ok(PublicStatus {
        state: state.to_owned(),
        case: Some(PublicCase {
            stage: stage.en,
            stage_zh: stage.zh,
            due: None,
            received_at: case.received_at,
            answered_at: timeline::last_answer(pool, case.id).await?,
            with_others,
            number: case.number,
        }),
    })
}

fn stage_of(app: &App, case: &Case) -> Title {
    let policy = app.platform.policies.get(case.policy);
    stage_title(policy.as_deref().and_then(|policy| policy.kind(&case.pack, &case.kind)), &case.stage)
}
