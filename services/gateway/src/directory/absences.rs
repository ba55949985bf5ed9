//! Absences (离岗): who is away from when to when, set by himself, by who is set over him, or by who administers; ended early by the same.
//!
//! Right and overlap are judged by the directory as it stands in the transaction, under the lock that all changes of it wait for.

use super::away_store::{self, Kept};
use super::period::{Period, State, fault, whole_second};
use super::{Edit, store};
use crate::App;
use crate::web::of_database;
use duban_contracts::{FieldError, Problem, Timestamp, both, ids, time};
use duban_engine::mask;
use duban_policy::directory::{Absence, Directory, Right, unknown};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An absence to be set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAbsence {
    /// Absent: who asks.
    #[serde(default)]
    pub person: Option<String>,
    /// Absent: now. At most a day back.
    #[serde(default)]
    #[schemars(schema_with = "time::optional_schema")]
    pub from: Option<Timestamp>,
    /// Absent: until further notice.
    #[serde(default)]
    #[schemars(schema_with = "time::optional_schema")]
    pub until: Option<Timestamp>,
    /// At most 500 characters; only those who may set it see it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An absence as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AbsenceShown {
    /// Absent: the organisation file says so, and it is ended there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<Uuid>,
    pub person: String,
    #[schemars(schema_with = "time::schema")]
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub until: Option<Timestamp>,
    pub reason: String,
    pub state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub set_at: Option<Timestamp>,
    /// Who ended it before its time, or withdrew it before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub ended_at: Option<Timestamp>,
}

/// Which absences; the latest first. Those of the organisation file are few: they stand on the first page, whatever its limit.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AbsenceQuery {
    #[serde(default)]
    pub person: Option<String>,
    /// `open` (default): current and upcoming ones; `all`.
    #[serde(default)]
    pub state: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Absences {
    pub absences: Vec<AbsenceShown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// What the history keeps of it.
#[derive(Serialize)]
struct Noted {
    absence: Uuid,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// Longest reason, in characters.
pub(super) const REASON: usize = 500;

/// How many a person may have before him.
const MOST: usize = 50;

/// # Errors
/// 403 for who may not set it for this person; 422 by field, or for a request id that was used for something else; 503 without the database.
pub async fn set(app: &App, by: &str, request: Uuid, new: NewAbsence) -> Result<AbsenceShown, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let now = edit.at();
    let id = ids::derived("absence", &[by, &request.to_string()]);
    let person = new.person.clone().filter(|person| !person.is_empty()).unwrap_or_else(|| by.to_owned());
    if let Some(known) = away_store::absence(edit.tx(), id).await.map_err(|e| of_database(&e))? {
        return if is_asked(&known, &person, &new) { Ok(shown(known, now)) } else { Err(reused()) };
    }
    let directory = store::directory(edit.tx(), 0, now).await.map_err(|e| of_database(&e))?;
    let period = Period::asked(new.from, new.until, now);
    let reason = new.reason.unwrap_or_default().trim().to_owned();
    permit(&directory, by, &person, now)?;
    let faults = faults(&directory, &person, period, &reason, now);
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let kept = Kept { id, of: person, period, reason, set_by: by.to_owned(), set_at: now, ended: None, withdrawn: false, delegate: None };
    away_store::put_absence(edit.tx(), &kept).await.map_err(|e| of_database(&e))?;
    edit.note("absence", &kept.of, None, Some(&noted(&kept)));
    edit.finish(app).await?;
    Ok(shown(kept, now))
}

/// Ends one before its time, now; withdraws one that has not begun. One that is over already stays as it is.
///
/// # Errors
/// 403 for who may not; 404 unknown; 503 without the database.
pub async fn end(app: &App, by: &str, id: Uuid) -> Result<AbsenceShown, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let now = edit.at();
    let known = away_store::absence(edit.tx(), id).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    let directory = store::directory(edit.tx(), 0, now).await.map_err(|e| of_database(&e))?;
    permit(&directory, by, &known.of, now).map_err(|_| Problem::not_found())?;
    let Some(ended) = known.ended_early(by, now) else { return Ok(shown(known, now)) };
    away_store::end_absence(edit.tx(), &ended).await.map_err(|e| of_database(&e))?;
    let after = (!ended.withdrawn).then(|| noted(&ended));
    edit.note("absence", &known.of, Some(&noted(&known)), after.as_ref());
    edit.finish(app).await?;
    Ok(shown(ended, now))
}

/// The absences of those for whom somebody may set one.
///
/// # Errors
/// 422 for what is no state and for who is not in the directory; 503 without the database or the directory.
pub async fn list(app: &App, by: &str, query: &AbsenceQuery) -> Result<Absences, Problem> {
    let now = app.platform.clock.now();
    let directory = app.directory()?;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let person = query.person.as_deref().map(str::trim).filter(|person| !person.is_empty());
    if let Some(person) = person.filter(|person| directory.person(person).is_none()) {
        return Err(Problem::invalid(vec![unknown::person(person)]));
    }
    let wanted = away_store::Wanted {
        people: people_of(&directory, by, now),
        person: person.map(str::to_owned),
        open_at: only_open(query.state.as_deref())?.then_some(now),
        before: query.before,
        limit: i64::from(limit),
    };
    let kept = away_store::absences(app.platform.db.pool(), &wanted).await.map_err(|e| of_database(&e))?;
    let next = (kept.len() == limit as usize).then(|| kept.last().map(|kept| kept.id)).flatten();
    let mut absences: Vec<AbsenceShown> = kept.into_iter().map(|kept| shown(kept, now)).collect();
    if wanted.before.is_none() {
        let of_file = away_store::absences_of_file(app.platform.db.pool(), &wanted).await.map_err(|e| of_database(&e))?;
        absences.extend(of_file.into_iter().map(|(person, absence)| shown_of_file(person, absence, now)));
        absences.sort_by_key(|absence| std::cmp::Reverse(absence.from));
    }
    Ok(Absences { absences, next })
}

/// For whom somebody may set absences: himself, and whom he is set over; None: everybody.
pub fn people_of(directory: &Directory, by: &str, now: Timestamp) -> Option<Vec<String>> {
    if directory.sees_everywhere(by, Right::Administer, now) {
        return None;
    }
    let below = directory.people().filter(|person| directory.is_over(by, &person.id, now)).map(|person| person.id.clone());
    Some(std::iter::once(by.to_owned()).chain(below).collect())
}

fn permit(directory: &Directory, by: &str, person: &str, now: Timestamp) -> Result<(), Problem> {
    let may = by == person || directory.sees_everywhere(by, Right::Administer, now) || directory.is_over(by, person, now);
    if may {
        Ok(())
    } else {
        Err(Problem::forbidden(both("仅限本人、其上级和管理员", "only he himself, who is set over him, and an administrator may do this")))
    }
}

fn faults(directory: &Directory, person: &str, period: Period, reason: &str, now: Timestamp) -> Vec<FieldError> {
    let Some(found) = directory.person(person).filter(|person| !person.disabled) else {
        return vec![fault("/person", both("没有此人", "there is no such person"), both("请填写目录中的人员代码", "a person's id"))];
    };
    let mut faults = period.faults(now);
    if found.absences.iter().any(|absence| period.overlaps(absence.from, absence.until)) {
        faults.push(fault(
            "/from",
            both("此人在其中一段时间已登记离岗", "he is away already in a part of this time"),
            both("应与其他离岗不重叠", "a time in which no other absence of his lies"),
        ));
    }
    if found.absences.iter().filter(|absence| absence.until.is_none_or(|until| now < until)).count() >= MOST {
        faults.push(fault(
            "/person",
            both("此人已登记五十次尚未结束的离岗", "he has fifty absences before him already"),
            both("少于五十次", "fewer of them"),
        ));
    }
    faults.extend(reason_fault(reason));
    faults
}

pub(super) fn reason_fault(reason: &str) -> Option<FieldError> {
    (reason.chars().count() > REASON)
        .then(|| fault("/reason", both("内容过长", "it is too long"), both("不超过500字", "at most 500 characters")))
}

/// Only the open ones?
pub(super) fn only_open(state: Option<&str>) -> Result<bool, Problem> {
    match state {
        None | Some("" | "open") => Ok(true),
        Some("all") => Ok(false),
        Some(_) => Err(Problem::invalid_field("/state", both("没有此状态", "it is no such state"), both("open 或 all", "open or all"))),
    }
}

pub(super) fn reused() -> Problem {
    Problem::new(422, "request-id-reused", "This request id was used for something else", "该请求编号已用于另一项操作")
}

/// Whether what is known was asked for in these words.
fn is_asked(known: &Kept, person: &str, new: &NewAbsence) -> bool {
    let until = known.ended.is_some() || new.until.map(whole_second) == known.period.until;
    known.of == person && until && new.from.is_none_or(|from| whole_second(from) == known.period.from)
}

fn noted(kept: &Kept) -> Noted {
    Noted { absence: kept.id, from: kept.period.from, until: kept.period.until }
}

fn shown(kept: Kept, now: Timestamp) -> AbsenceShown {
    let (ended_by, ended_at) = kept.ended.unzip();
    AbsenceShown {
        absence: Some(kept.id),
        person: kept.of,
        from: kept.period.from,
        until: kept.period.until,
        reason: mask::within(&kept.reason),
        state: kept.period.state(kept.withdrawn, now),
        set_by: Some(kept.set_by),
        set_at: Some(kept.set_at),
        ended_by,
        ended_at,
    }
}

fn shown_of_file(person: String, Absence { from, until }: Absence, now: Timestamp) -> AbsenceShown {
    AbsenceShown {
        absence: None,
        person,
        from,
        until,
        reason: String::new(),
        state: Period { from, until }.state(false, now),
        set_by: None,
        set_at: None,
        ended_by: None,
        ended_at: None,
    }
}
