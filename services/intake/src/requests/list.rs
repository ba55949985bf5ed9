//! `case.list`: the cases that the asker may see, newest first, counted the same way.

use crate::app::App;
use crate::showing;
use crate::store::list::{self, Filter};
use crate::visibility::sees_personal;
use duban_contracts::case::{CaseList, CaseListRequest};
use duban_contracts::{FieldError, Problem, Sentence, both};
use duban_platform::rpc::{Failed, Request};
use duban_policy::Policy;
use duban_policy::directory::{Directory, unknown};
use duban_policy::policy::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

pub async fn list(app: App, request: Request<CaseListRequest>) -> Result<CaseList, Failed> {
    let person = request.person()?;
    let (directory, sight) = app.sight(person).await?;
    let asked = &request.body;
    let filter = filter(&app, &directory, asked).await?;
    let limit = usize::try_from(asked.limit.unwrap_or(50).clamp(1, 200)).unwrap_or(50);
    let pool = app.platform.db.pool();
    let mut cases = list::page(pool, &sight, &filter, asked.before, limit as i64).await?;
    let total = list::count(pool, &sight, &filter).await?;
    let more = cases.len() > limit;
    cases.truncate(limit);
    let next = cases.last().filter(|_| more).map(|last| last.id);
    let at = app.platform.clock.now();
    let cases =
        cases.iter().map(|case| showing::summary(&app, case, sees_personal(&directory, person, case, at))).collect::<Result<_, _>>()?;
    Ok(CaseList { cases, total, next })
}

/// What is asked for, as the store understands it.
///
/// # Errors
/// 422 for a filter by what there is not: an empty list would read as if there were no case of it.
pub async fn filter(app: &App, directory: &Directory, asked: &CaseListRequest) -> Result<Filter, Failed> {
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let unit = given(&asked.unit);
    let mut filter = Filter {
        units: unit.as_ref().map(|unit| units_of(directory, unit)),
        pack: given(&asked.pack),
        kind: given(&asked.kind),
        stage: given(&asked.stage),
        severity: given(&asked.severity),
        search: given(&asked.search),
        ..Filter::default()
    };
    let mut faults = undeclared(&filter, &app.platform.policies.held());
    if let Some(unit) = unit.filter(|unit| directory.unit(unit).is_none()) {
        // Cases of a unit that was dissolved are found by its code as before.
        if !list::is_of_a_case(app.platform.db.pool(), &unit).await? {
            faults.push(unknown::unit(&unit));
        }
    }
    match given(&asked.state).as_deref() {
        None => {}
        Some("open") => filter.closed = Some(false),
        Some("closed") => filter.closed = Some(true),
        Some("unsorted") => filter.unsorted = true,
        Some("mine") => filter.mine = true,
        Some("major") => filter.major = true,
        Some("master") => filter.master = true,
        Some("attached") => filter.attached = true,
        Some(other) => faults.push(FieldError::new(
            "/state",
            both(format!("没有“{other}”这一状态"), format!("'{other}' is no state")),
            both(
                "open（在办）、closed（已办结）、unsorted（待分拣）、mine（我承办的）、major（重大）、master（主案件）或 attached（已挂接）",
                "open, closed, unsorted, mine, major, master or attached",
            ),
        )),
    }
    if faults.is_empty() { Ok(filter) } else { Err(Problem::invalid(faults).into()) }
}

/// What of the filter no version of the policy declares: a case may be under any of them. Without any version nothing can be said.
fn undeclared(filter: &Filter, policies: &[Arc<Policy>]) -> Vec<FieldError> {
    let kinds = || policies.iter().flat_map(|policy| policy.packs()).flat_map(|pack| &pack.kinds);
    let is_unknown = |is_it: &dyn Fn(&Kind) -> bool| !policies.is_empty() && !kinds().any(is_it);
    let mut faults = Vec::new();
    let mut fault = |field: &str, (zh, en): (&str, &str), value: &str, expected: Sentence| {
        faults.push(FieldError::new(field, both(format!("没有{zh}“{value}”"), format!("there is no {en} '{value}'")), expected));
    };
    if let Some(id) = filter.pack.as_deref().filter(|id| !policies.is_empty() && !policies.iter().any(|policy| policy.pack(id).is_some())) {
        fault("/pack", ("制度包", "pack"), id, both("请填写制度包的代码", "the id of a pack of the policy"));
    }
    if let Some(id) = filter.kind.as_deref().filter(|id| is_unknown(&|kind| kind.id == *id)) {
        fault("/kind", ("类别", "kind"), id, both("请填写制度所列类别的代码", "the id of a kind of the policy"));
    }
    if let Some(id) = filter.stage.as_deref().filter(|id| is_unknown(&|kind| kind.stage(id).is_some())) {
        fault("/stage", ("环节", "stage"), id, both("请填写制度所列环节的代码", "the id of a stage of the policy"));
    }
    // What a case is whose kind declares none.
    let mut known = BTreeMap::from([("ordinary", "一般")]);
    if let Some(id) =
        filter.severity.as_deref().filter(|id| !known.contains_key(id) && is_unknown(&|kind| kind.severity_named(id).is_some()))
    {
        known.extend(kinds().flat_map(|kind| &kind.severities).map(|severity| (severity.id.as_str(), severity.title.zh.as_str())));
        let zh: Vec<String> = known.iter().map(|(id, title)| format!("{id}（{title}）")).collect();
        let en: Vec<&str> = known.keys().copied().collect();
        let expected = both(format!("可选：{}", zh.join("、")), format!("one of {}", en.join(", ")));
        fault("/severity", ("严重程度", "severity"), id, expected);
    }
    faults
}

/// A unit with all below it; one that the directory does not know stands for itself.
fn units_of(directory: &Directory, unit: &str) -> Vec<String> {
    let below: Vec<String> = directory.unit_and_below(unit).into_iter().map(str::to_owned).collect();
    if below.is_empty() { vec![unit.to_owned()] } else { below }
}
