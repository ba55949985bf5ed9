//! `case.watchers`: who can see this case, and why.

use super::show::find;
use crate::app::App;
use crate::store::involvement;
use crate::visibility::{Sight, sees_personal};
use duban_contracts::Timestamp;
use duban_contracts::case::{CaseShowRequest, Watcher, WatchersAnswer};
use duban_engine::case::Case;
use duban_platform::rpc::{Failed, Request};
use duban_policy::Title;
use duban_policy::directory::{Directory, Right};
use std::collections::BTreeMap;

pub async fn watchers(app: App, request: Request<CaseShowRequest>) -> Result<WatchersAnswer, Failed> {
    let (directory, _, case) = find(&app, request.person()?, &request.body).await?;
    let named = involvement::of_case(app.platform.db.pool(), case.id).await?;
    let at = app.platform.clock.now();
    let knows_who_reported = sees_personal(&directory, request.person()?, &case, at);
    let mut reasons = by_name(&case, &named, knows_who_reported);
    for permission in directory.who_can(Right::See, &case.unit, at) {
        // A post within a unit complained about gives nothing where the pack says so.
        if Sight::by_posts(&directory, &permission.person, Right::See, at).sees(&case) {
            reasons.entry(permission.person).or_default().push(permission.reason);
        }
    }
    let watchers = reasons.into_iter().filter_map(|(person, why)| watcher(&directory, &case, person, &why, at)).collect();
    Ok(WatchersAnswer { watchers })
}

/// Who reported it is told to those alone who may see personal text; to others he sees it by name, as people who were added do.
fn by_name(case: &Case, named: &[(String, String)], knows_who_reported: bool) -> BTreeMap<String, Vec<Title>> {
    let mut reasons: BTreeMap<String, Vec<Title>> = BTreeMap::new();
    let mut note = |person: &str, zh: &str, en: &str| reasons.entry(person.to_owned()).or_default().push(Title::new(zh, en));
    if let Some(handler) = &case.handler {
        note(handler, "承办人", "handles it");
    }
    if let Some(reporter) = &case.reported_by {
        let (zh, en) = if knows_who_reported { ("来件人", "reported it") } else { ("可查看本案", "sees it by name") };
        note(reporter, zh, en);
    }
    for (person, sort) in named {
        match sort.as_str() {
            "added" if !knows_who_reported => note(person, "可查看本案", "sees it by name"),
            "added" => note(person, "被添加为可查看人", "was added by name"),
            _ => note(person, "参与办理", "decided something of it"),
        }
    }
    reasons
}

fn watcher(directory: &Directory, case: &Case, person: String, why: &[Title], at: Timestamp) -> Option<Watcher> {
    let found = directory.person(&person).filter(|found| !found.disabled)?;
    if case.excluded_people.contains(&person) {
        return None;
    }
    let together = |words: fn(&Title) -> &str, by: &str| why.iter().map(words).collect::<Vec<_>>().join(by);
    Some(Watcher {
        name: found.name.clone(),
        reason: together(|title| &title.en, "; "),
        reason_zh: together(|title| &title.zh, "；"),
        personal_text: sees_personal(directory, &person, case, at),
        person,
    })
}
