//! Delegations (委托): somebody does for a time what would come to a person, or to the holders of a post. Set by the person or a holder, by who
//! is set over them, or by who administers, but never by an administrator to himself.

use super::absences::{only_open, reason_fault, reused};
use super::away_store::{self, Kept};
use super::period::{Period, State, fault, whole_second};
use super::{Edit, INSTALLATION, store};
use crate::App;
use crate::web::of_database;
use duban_contracts::{FieldError, Problem, Timestamp, both, ids, time};
use duban_engine::mask;
use duban_policy::directory::{Delegation, Delegator, Directory, Right};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A delegation to be set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDelegation {
    /// Whose part; without a post either, of who asks.
    #[serde(default)]
    pub person: Option<String>,
    /// `<unit>/<role>`: what comes to its holders as such.
    #[serde(default)]
    pub post: Option<String>,
    /// The person who acts.
    pub to: String,
    /// Absent: now. At most a day back.
    #[serde(default)]
    #[schemars(schema_with = "time::optional_schema")]
    pub from: Option<Timestamp>,
    #[schemars(schema_with = "time::schema")]
    pub until: Timestamp,
    /// At most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A delegation as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DelegationShown {
    pub delegation: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    pub to: String,
    #[schemars(schema_with = "time::schema")]
    pub from: Timestamp,
    #[schemars(schema_with = "time::schema")]
    pub until: Timestamp,
    pub reason: String,
    pub state: State,
    pub set_by: String,
    #[schemars(schema_with = "time::schema")]
    pub set_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time::optional_schema")]
    pub ended_at: Option<Timestamp>,
    /// Whether the asker may end it.
    pub may_end: bool,
}

/// Which delegations; the latest first.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct DelegationQuery {
    /// `open` (default): current and upcoming ones; `all`.
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub before: Option<Uuid>,
    /// 1 to 200, default 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Delegations {
    pub delegations: Vec<DelegationShown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// What the history keeps of it.
#[derive(Serialize)]
struct Noted<'a> {
    delegation: Uuid,
    to: Option<&'a str>,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// # Errors
/// 403 for who may not set it; 422 by field, or for a request id that was used for something else; 503 without the database.
pub async fn set(app: &App, by: &str, request: Uuid, new: NewDelegation) -> Result<DelegationShown, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let now = edit.at();
    let id = ids::derived("delegation", &[by, &request.to_string()]);
    let of = delegator(&new, by)?;
    let directory = store::directory(edit.tx(), 0, now).await.map_err(|e| of_database(&e))?;
    if let Some(known) = away_store::delegation(edit.tx(), id).await.map_err(|e| of_database(&e))? {
        return if is_asked(&known, &of, &new) { shown(&directory, by, known, now) } else { Err(reused()) };
    }
    let period = Period::asked(new.from, Some(new.until), now);
    let reason = new.reason.clone().unwrap_or_default().trim().to_owned();
    let asked = Asked { of: &of, to: &new.to, period, reason: &reason };
    // A post that there is none of cannot be anybody's, so it is told first.
    let faults = faults(&directory, &asked, now);
    if !may_set(&directory, by, &of, &new.to, now) && !faults.iter().any(|fault| fault.field == "/post") {
        return Err(Problem::forbidden(both(
            "仅限本人、其上级和管理员（管理员不得委托给自己）",
            "only he himself, who is set over him, and an administrator (to another than himself) may do this",
        )));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let kept = Kept {
        id,
        of: written(&of),
        period,
        reason,
        set_by: by.to_owned(),
        set_at: now,
        ended: None,
        withdrawn: false,
        delegate: Some((of, new.to)),
    };
    away_store::put_delegation(edit.tx(), &kept).await.map_err(|e| of_database(&e))?;
    edit.note("delegation", &kept.of, None, Some(&noted(&kept)));
    edit.finish(app).await?;
    shown(&directory, by, kept, now)
}

/// Ends one before its time, now; withdraws one that has not begun. The delegate may end it too.
///
/// # Errors
/// 404 unknown, or not for him to end; 503 without the database.
pub async fn end(app: &App, by: &str, id: Uuid) -> Result<DelegationShown, Problem> {
    let mut edit = Edit::begin(app, by).await?;
    let now = edit.at();
    let known = away_store::delegation(edit.tx(), id).await.map_err(|e| of_database(&e))?.ok_or_else(Problem::not_found)?;
    let directory = store::directory(edit.tx(), 0, now).await.map_err(|e| of_database(&e))?;
    if !may_end(&directory, by, &known, now) {
        return Err(Problem::not_found());
    }
    let Some(ended) = known.ended_early(by, now) else { return shown(&directory, by, known, now) };
    away_store::end_delegation(edit.tx(), &ended).await.map_err(|e| of_database(&e))?;
    let after = (!ended.withdrawn).then(|| noted(&ended));
    edit.note("delegation", &known.of, Some(&noted(&known)), after.as_ref());
    edit.finish(app).await?;
    shown(&directory, by, ended, now)
}

/// The delegations that somebody is part of, or may end.
///
/// # Errors
/// 422 for what is no state; 503 without the database or the directory.
pub async fn list(app: &App, by: &str, query: &DelegationQuery) -> Result<Delegations, Problem> {
    let now = app.platform.clock.now();
    let directory = app.directory()?;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let everything = directory.sees_everywhere(by, Right::Administer, now);
    let wanted = away_store::Wanted {
        people: (!everything).then(|| super::absences::people_of(&directory, by, now).unwrap_or_default()),
        person: None,
        open_at: only_open(query.state.as_deref())?.then_some(now),
        before: query.before,
        limit: i64::from(limit),
    };
    let posts: Vec<String> =
        directory.posts().filter(|post| may_of_post(&directory, by, &post.id, now)).map(|post| post.id.clone()).collect();
    let kept = away_store::delegations(app.platform.db.pool(), &wanted, by, &posts).await.map_err(|e| of_database(&e))?;
    let next = (kept.len() == limit as usize).then(|| kept.last().map(|kept| kept.id)).flatten();
    let delegations = kept.into_iter().map(|kept| shown(&directory, by, kept, now)).collect::<Result<_, _>>()?;
    Ok(Delegations { delegations, next })
}

struct Asked<'a> {
    of: &'a Delegator,
    to: &'a str,
    period: Period,
    reason: &'a str,
}

fn delegator(new: &NewDelegation, by: &str) -> Result<Delegator, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (given(&new.person), given(&new.post)) {
        (Some(_), Some(_)) => Err(Problem::invalid_field(
            "/post",
            both("同时填了人员", "a person is named too"),
            both("人员和岗位只填一个", "a person or a post, not both"),
        )),
        (_, Some(post)) => Ok(Delegator::Post(post)),
        (person, None) => Ok(Delegator::Person(person.unwrap_or_else(|| by.to_owned()))),
    }
}

fn may_set(directory: &Directory, by: &str, of: &Delegator, to: &str, now: Timestamp) -> bool {
    may_of(directory, by, of, now) || (by != to && directory.sees_everywhere(by, Right::Administer, now))
}

fn may_end(directory: &Directory, by: &str, known: &Kept, now: Timestamp) -> bool {
    let administers = directory.sees_everywhere(by, Right::Administer, now);
    administers || known.delegate.as_ref().is_some_and(|(of, to)| to == by || may_of(directory, by, of, now))
}

/// Whoever's part it is, or who is set over them. Over a person with several posts only who is set over him in all of them: what he
/// delegates goes with his rights.
fn may_of(directory: &Directory, by: &str, of: &Delegator, now: Timestamp) -> bool {
    match of {
        Delegator::Person(person) => by == person || directory.is_over_in_all(by, person, now),
        Delegator::Post(post) => may_of_post(directory, by, post, now),
    }
}

fn may_of_post(directory: &Directory, by: &str, post: &str, now: Timestamp) -> bool {
    directory
        .post(post)
        .is_some_and(|post| directory.holders(post, now).iter().any(|holder| holder.id == by) || directory.is_over_post(by, post, now))
}

fn faults(directory: &Directory, asked: &Asked<'_>, now: Timestamp) -> Vec<FieldError> {
    let mut faults = asked.period.faults(now);
    faults.extend(reason_fault(asked.reason));
    let origins: Vec<String> = match asked.of {
        Delegator::Person(person) if directory.person(person).is_none_or(|person| person.disabled) => {
            faults.push(fault("/person", both("没有此人", "there is no such person"), both("请填写目录中的人员代码", "a person's id")));
            return faults;
        }
        Delegator::Person(person) => vec![person.clone()],
        Delegator::Post(post) => match directory.post(post).filter(|post| post.unit != INSTALLATION) {
            Some(post) => post.holders.iter().map(|holding| holding.person.clone()).collect(),
            None => {
                faults.push(fault(
                    "/post",
                    both("没有可委托的这一岗位", "there is no such post that could be delegated"),
                    both("岗位：单位/角色", "a post: unit/role"),
                ));
                return faults;
            }
        },
    };
    let Some(to) = directory.person(asked.to).filter(|person| !person.disabled) else {
        faults.push(fault("/to", both("没有此人", "there is no such person"), both("请填写目录中的人员代码", "a person's id")));
        return faults;
    };
    let Period { from, until: Some(until) } = asked.period else { return faults };
    if origins.contains(&to.id) {
        faults.push(fault("/to", both("不能委托给本人", "it is his own part"), both("请选择其他人员", "another person")));
    } else if directory.leads_back(&to.id, &origins, from, until) {
        faults.push(fault(
            "/to",
            both("此人又已转委托，会回到委托方", "he has delegated in turn, and it would come back"),
            both("请选择此期间未反向委托的人员", "somebody who does not delegate back in this time"),
        ));
    }
    if to.is_absent(from) && to.back_at(from).is_none_or(|back| until <= back) {
        faults.push(fault(
            "/to",
            both("此人在整个期间离岗", "he is away for the whole of this time"),
            both("请选择在岗的人员", "somebody who is there"),
        ));
    }
    let overlaps = |known: &&Delegation| known.of == *asked.of && asked.period.overlaps(known.from, Some(known.until));
    if directory.delegations().iter().any(|known| overlaps(&known)) {
        faults.push(fault(
            "/from",
            both("其中一段时间已有委托", "it is delegated already in a part of this time"),
            both("应与现有委托不重叠", "a time in which it is not"),
        ));
    }
    faults
}

fn is_asked(known: &Kept, of: &Delegator, new: &NewDelegation) -> bool {
    let same = known.delegate.as_ref().is_some_and(|(known_of, to)| known_of == of && *to == new.to);
    let until = known.ended.is_some() || known.period.until == Some(whole_second(new.until));
    same && until && new.from.is_none_or(|from| whole_second(from) == known.period.from)
}

fn written(of: &Delegator) -> String {
    match of {
        Delegator::Person(of) | Delegator::Post(of) => of.clone(),
    }
}

fn noted(kept: &Kept) -> Noted<'_> {
    let to = kept.delegate.as_ref().map(|(_, to)| to.as_str());
    Noted { delegation: kept.id, to, from: kept.period.from, until: kept.period.until }
}

fn shown(directory: &Directory, by: &str, kept: Kept, now: Timestamp) -> Result<DelegationShown, Problem> {
    let may_end = may_end(directory, by, &kept, now);
    let (Some((of, to)), Some(until)) = (kept.delegate, kept.period.until) else { return Err(Problem::internal()) };
    let (person, post) = match of {
        Delegator::Person(person) => (Some(person), None),
        Delegator::Post(post) => (None, Some(post)),
    };
    let (ended_by, ended_at) = kept.ended.unzip();
    Ok(DelegationShown {
        delegation: kept.id,
        person,
        post,
        to,
        from: kept.period.from,
        until,
        reason: mask::within(&kept.reason),
        state: kept.period.state(kept.withdrawn, now),
        set_by: kept.set_by,
        set_at: kept.set_at,
        ended_by,
        ended_at,
        may_end,
    })
}
