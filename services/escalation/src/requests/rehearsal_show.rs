//! `rehearsal.list` and `rehearsal.show`: how far rehearsals are, and what one makes for posts or people beside what really was made.

use super::page;
use super::rehearsal_begin::must_administer;
use crate::App;
use crate::store::rehearsals::{self, Sides as BothSides};
use duban_contracts::Problem;
use duban_contracts::rehearsal::{
    Counts, Made, RehearsalDetail, RehearsalList, RehearsalListRequest, RehearsalRow, RehearsalShowRequest, RehearsalWeek, Sides,
};
use duban_engine::rehearsing::monday;
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::Directory;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;

pub async fn list(app: Arc<App>, request: Request<RehearsalListRequest>) -> Result<RehearsalList, Failed> {
    must_administer(&app, &request)?;
    let mut rehearsals = rehearsals::list(app.platform.db.pool(), page(request.body.limit)).await?;
    let zone = zone(&app);
    for rehearsal in &mut rehearsals {
        rehearsal.weeks = weeks(monday(rehearsal.since, &zone), monday(rehearsal.until, &zone));
    }
    Ok(RehearsalList { rehearsals })
}

pub async fn show(app: Arc<App>, request: Request<RehearsalShowRequest>) -> Result<RehearsalDetail, Failed> {
    must_administer(&app, &request)?;
    let RehearsalShowRequest { rehearsal, by, after, limit } = request.body;
    let kept = rehearsals::show(app.platform.db.pool(), rehearsal).await?.ok_or_else(Problem::not_found)?;
    let zone = zone(&app);
    let mut rehearsal = kept.shown;
    rehearsal.weeks = weeks(monday(rehearsal.since, &zone), monday(rehearsal.until, &zone));
    let directory = app.platform.directory.current()?;
    let rows = kept.made.map(|made| rows(&made, by, &directory, app.platform.clock.now())).unwrap_or_default();
    // A row has every week of the time: what is longer has shorter pages.
    let most = usize::try_from(page(limit)).unwrap_or(50).min((10_000 / rehearsal.weeks.max(1) as usize).max(10));
    let from = after.unwrap_or(0) as usize;
    let next = from.saturating_add(most);
    let next = (next < rows.len()).then(|| u32::try_from(next).unwrap_or(u32::MAX));
    Ok(RehearsalDetail { rehearsal, rows: rows.into_iter().skip(from).take(most).collect(), next })
}

/// Weeks are the organisation's.
fn zone(app: &App) -> TimeZone {
    app.platform.policies.in_force(app.platform.clock.now()).map_or(TimeZone::UTC, |(_, policy)| policy.zone().clone())
}

fn weeks(first: Date, last: Date) -> u32 {
    let days = last.since(first).map_or(0, |span| span.get_days());
    u32::try_from(days / 7 + 1).unwrap_or(1)
}

/// All rows, those first for whom most changes.
fn rows(made: &BothSides, by: Sides, directory: &Directory, now: duban_contracts::Timestamp) -> Vec<RehearsalRow> {
    let (draft, real) = match by {
        Sides::Posts => (made.draft.posts.clone(), made.real.posts.clone()),
        Sides::People => (made.draft.of_people(directory, now), made.real.of_people(directory, now)),
    };
    let mut all: BTreeMap<String, BTreeMap<Date, Made>> = BTreeMap::new();
    for (counts, side) in [(draft, (|made: &mut Made| &mut made.draft) as fn(&mut Made) -> &mut Counts), (real, |made| &mut made.real)] {
        for (who, weeks) in counts {
            let row = all.entry(who).or_default();
            weeks.into_iter().for_each(|(week, counts)| side(row.entry(week).or_default()).add(counts));
        }
    }
    let mut rows: Vec<RehearsalRow> = all.into_iter().map(|(who, weeks)| row(who, weeks, by, directory)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.made.change(), row.made.draft.duties + row.made.draft.alerts)));
    rows
}

fn row(who: String, weeks: BTreeMap<Date, Made>, by: Sides, directory: &Directory) -> RehearsalRow {
    let (title, title_zh) = match by {
        Sides::Posts => directory.post(&who).map(|post| (post.title.en.clone(), post.title.zh.clone())),
        Sides::People => directory.person(&who).map(|person| (person.name.clone(), person.name.clone())),
    }
    .unwrap_or_else(|| (who.clone(), who.clone()));
    let mut made = Made::default();
    weeks.values().for_each(|week| made.add(*week));
    let weeks = weeks.into_iter().map(|(week, made)| RehearsalWeek { monday: week.to_string(), made }).collect();
    RehearsalRow { who, title, title_zh, made, weeks }
}
