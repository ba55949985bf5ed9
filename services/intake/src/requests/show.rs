//! `case.show`: a case whole, as far as the asker may see it, and what he may do next; of a long timeline the newest part.

use super::act::step::personal_fields;
use super::fitting::{MOST_BYTES, bytes_of};
use super::timeline;
use crate::app::App;
use crate::showing::{field_spec, kind_of, summary};
use crate::store::{carried, cases, involvement, links, reports};
use crate::visibility::{Sight, sees_personal};
use duban_contracts::Problem;
use duban_contracts::case::{CaseDetail, CaseLink, CaseShowRequest, FieldSpec, PermittedStep};
use duban_engine::case::Case;
use duban_engine::stepping::{case_facts, facts};
use duban_platform::rpc::{Failed, Request};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use duban_policy::policy::Kind;
use serde_json::{Map, Value};
use std::sync::Arc;

/// So many of the cases that are attached to a master are named with it; the list has them all.
const MOST_SHOWN: i64 = 200;

pub async fn show(app: App, request: Request<CaseShowRequest>) -> Result<CaseDetail, Failed> {
    let person = request.person()?;
    let (directory, sight, case) = find(&app, person, &request.body).await?;
    let pool = app.platform.db.pool();
    let seal = &app.platform.seal;
    let at = app.platform.clock.now();
    let personal = sees_personal(&directory, person, &case, at);
    let policy = app.policy(case.policy)?;
    let kind = kind_of(&policy, &case)?;
    let hidden = personal_fields(&app, &case)?;
    let steps = steps(&policy, kind, &directory, person, &case, &hidden, at);
    let report =
        if personal { reports::open(pool, seal, &[case.receipt]).await?.into_iter().next().map(|accepted| accepted.report) } else { None };
    let mut fields: Map<String, Value> = case.fields.clone();
    if personal {
        fields.extend(hidden);
    }
    let mut detail = CaseDetail {
        summary: summary(&app, &case, personal)?,
        report,
        receipt: case.receipt,
        policy: case.policy,
        fields,
        timeline: Vec::new(),
        earlier: None,
        steps,
        links: seen_links(&app, &sight, &case).await?,
        people_added: added(involvement::of_case(pool, case.id).await?),
        reasons: case.reasons,
    };
    let room = MOST_BYTES.saturating_sub(bytes_of(&detail));
    let page = timeline::page(&app, &sight, case.id, timeline::notes(personal), None, room).await?;
    detail.timeline = page.entries;
    detail.earlier = page.earlier;
    Ok(detail)
}

/// The case asked for by id or number, if the asker may see it.
pub async fn find(app: &App, person: &str, asked: &CaseShowRequest) -> Result<(Arc<Directory>, Sight, Case), Failed> {
    let (directory, sight) = app.sight(person).await?;
    let pool = app.platform.db.pool();
    let found = match (asked.case, &asked.number) {
        (Some(id), _) => cases::by_ids(pool, &[id]).await?,
        (None, Some(number)) => cases::by_number(pool, number).await?,
        (None, None) => return Err(Problem::invalid_field("", "neither case nor number is given", "case or number").into()),
    };
    let case = found.into_iter().find(|case| sight.sees(case)).ok_or_else(Problem::not_found)?;
    Ok((directory, sight, case))
}

fn added(involved: Vec<(String, String)>) -> Vec<String> {
    involved.into_iter().filter(|(_, sort)| sort == "added").map(|(person, _)| person).collect()
}

/// Links to cases that the asker may see too.
async fn seen_links(app: &App, sight: &Sight, case: &Case) -> Result<Vec<CaseLink>, Failed> {
    let pool = app.platform.db.pool();
    let mut found = links::of_case(pool, case.id).await?;
    if case.carried_by.is_some() || case.carries > 0 {
        found.extend(carried::links_of(pool, case.id, case.carried_by, MOST_SHOWN).await?);
    }
    if !found.is_empty() {
        let others: Vec<uuid::Uuid> = found.iter().map(|link| link.other).collect();
        let seen = crate::store::list::visible(pool, sight, &others).await?;
        found.retain(|link| seen.contains(&link.other));
    }
    Ok(found)
}

/// What may be done next from this stage, in the pack's order, with the reason where the asker may not.
fn steps(
    policy: &Policy,
    kind: &Kind,
    directory: &Directory,
    person: &str,
    case: &Case,
    hidden: &Map<String, Value>,
    at: duban_contracts::Timestamp,
) -> Vec<PermittedStep> {
    if case.merged_into.is_some() || case.carried_by.is_some() {
        return Vec::new();
    }
    let facts = facts(case, hidden);
    let known = case_facts(case, &facts);
    kind.steps_from(&case.stage)
        .map(|step| {
            let refusal = policy.may_step(directory, person, &known, step, at).err();
            let required = step.requires.iter().filter_map(|field| kind.field(field)).map(field_spec);
            let asked =
                step.asks.iter().filter_map(|field| kind.field(field)).map(|field| FieldSpec { optional: true, ..field_spec(field) });
            PermittedStep {
                name: step.id.clone(),
                sort: step.sort.as_str().to_owned(),
                title: step.title.en.clone(),
                title_zh: step.title.zh.clone(),
                requires: required.chain(asked).collect(),
                article: Some(step.article.clone()).filter(|article| !article.is_empty()),
                refused: refusal.as_ref().map(|refusal| refusal.en.clone()),
                refused_zh: refusal.map(|refusal| refusal.zh),
            }
        })
        .collect()
}
