//! Registering: from reports to cases, with number, history, links, timeline and events, in one transaction and a constant number of
//! statements, however many reports there are.

use crate::app::App;
use crate::store::{cases, links, matters, numbering, reports, sealed, timeline};
use duban_contracts::case::Reason;
use duban_contracts::report::AcceptedReport;
use duban_contracts::{NewEvent, Timestamp};
use duban_engine::case::Case;
use duban_engine::contacts::Contacts;
use duban_engine::judging::{self, Ground, Judged, Key};
use duban_engine::registering;
use duban_platform::consumer::{Failure, NotYet};
use duban_policy::Policy;
use duban_policy::directory::Directory;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// A report that is to open a case. Its identity is taken already.
#[derive(Debug, Clone)]
pub struct Opening {
    pub accepted: AcceptedReport,
    /// Id of the case to be.
    pub case: Uuid,
    /// What brought it about; its events are later.
    pub cause: Timestamp,
    /// The trace that the report came with: its case's events belong to it.
    pub traceparent: Option<String>,
    /// Why it is unsorted whatever the packs say.
    pub unsorted: Option<Reason>,
    /// Who admitted it; empty for the system.
    pub by: String,
    /// Whether its body is kept already.
    pub kept: bool,
}

/// Registers reports and tells of it. The cases come back in the order of their reports.
pub async fn register(app: &App, tx: &mut PgConnection, openings: &[Opening]) -> Result<Vec<Case>, Failure> {
    if openings.is_empty() {
        return Ok(Vec::new());
    }
    let standing = Standing::now(app, openings)?;
    let first: Vec<Judged<'_>> = openings.iter().zip(&standing.policies).map(|(o, (v, p))| standing.judge(*v, p, o, &[])).collect();
    let history = History::look_up(app, tx, openings, &first, &standing).await?;
    let (mut drafts, found) = draft_all(app, openings, first, history, &standing)?;
    number_all(app, &mut drafts, &standing).await?;
    let told = tell_all(app, openings, &mut drafts, &found, &standing);
    write(app, tx, openings, &drafts, &found, told).await?;
    Ok(drafts.into_iter().map(|draft| draft.case).collect())
}

/// What everything is judged by.
struct Standing {
    directory: Arc<Directory>,
    contacts: Arc<Contacts>,
    /// The policy in force when each report was received.
    policies: Vec<(i64, Arc<Policy>)>,
    now: Timestamp,
}

impl Standing {
    fn now(app: &App, openings: &[Opening]) -> Result<Self, Failure> {
        let directory = app.directory().map_err(|problem| NotYet(problem.to_string()))?;
        let contacts = app.contacts.of(&directory);
        let policies = openings.iter().map(|opening| policy_for(app, opening.accepted.received_at)).collect::<Result<_, _>>()?;
        Ok(Self { directory, contacts, policies, now: app.platform.clock.now() })
    }

    fn ground<'a>(&'a self, version: i64, policy: &'a Policy) -> Ground<'a> {
        Ground { policy, policy_version: version, directory: &self.directory, contacts: &self.contacts }
    }

    fn judge<'a>(&'a self, version: i64, policy: &'a Policy, opening: &Opening, repeated_at: &[Timestamp]) -> Judged<'a> {
        judging::judge(&self.ground(version, policy), &opening.accepted, repeated_at, opening.unsorted.as_ref())
    }
}

/// By what a report is judged that was received then: the policy in force at that time. Where there was none yet, by the first that
/// there is: a report that came before the rules is registered all the same.
pub fn policy_for(app: &App, received_at: Timestamp) -> Result<(i64, Arc<Policy>), NotYet> {
    app.platform.policies.in_force(received_at).map_err(|problem| NotYet(problem.to_string()))
}

/// The keys of each report, and what stood under them before this transaction.
struct History {
    keys: Vec<Vec<Key>>,
    earlier: HashMap<Key, Vec<matters::Earlier>>,
}

impl History {
    async fn look_up(
        app: &App,
        tx: &mut PgConnection,
        openings: &[Opening],
        judged: &[Judged<'_>],
        standing: &Standing,
    ) -> Result<Self, Failure> {
        let keys: Vec<Vec<Key>> =
            openings.iter().zip(judged).map(|(o, j)| judging::matter_keys(&app.keys.identity, j, &o.accepted)).collect();
        let mut since: BTreeMap<Key, Timestamp> = BTreeMap::new();
        for (((opening, judged), (_, policy)), keys) in openings.iter().zip(judged).zip(&standing.policies).zip(&keys) {
            let from = policy.repeats_since(judged.judgement.kind, &judged.judgement.unit, opening.accepted.received_at);
            for key in keys {
                since.entry(key.clone()).and_modify(|known| *known = from.min(*known)).or_insert(from);
            }
        }
        let mut earlier: HashMap<Key, Vec<matters::Earlier>> = HashMap::new();
        if !since.is_empty() {
            matters::lock(tx, &since.keys().cloned().collect::<BTreeSet<_>>()).await?;
            for found in matters::earlier(tx, &since.into_iter().collect::<Vec<_>>()).await? {
                earlier.entry(found.key.clone()).or_default().push(found);
            }
        }
        Ok(Self { keys, earlier })
    }

    /// The cases that a report repeats, each once, the latest first.
    fn of(&self, keys: &[Key], since: Timestamp) -> Vec<matters::Earlier> {
        let mut found: Vec<matters::Earlier> = Vec::new();
        for earlier in keys.iter().filter_map(|key| self.earlier.get(key)).flatten() {
            if earlier.received_at >= since && !found.iter().any(|known| known.case == earlier.case) {
                found.push(earlier.clone());
            }
        }
        found.sort_by_key(|earlier| std::cmp::Reverse((earlier.received_at, earlier.case)));
        found
    }

    /// From now on the case counts as an earlier one for what follows in the same batch.
    fn note(&mut self, keys: &[Key], case: &Case) {
        for key in keys {
            self.earlier.entry(key.clone()).or_default().push(matters::Earlier {
                key: key.clone(),
                case: case.id,
                number: case.number.clone(),
                received_at: case.received_at,
                open: true,
            });
        }
    }
}

/// A case to be written.
struct Draft {
    case: Case,
    /// Index of its opening.
    at: usize,
    keys: Vec<Key>,
}

/// What a case repeats: the open case that it is linked with.
type Repeated = HashMap<Uuid, Uuid>;

fn draft_all(
    app: &App,
    openings: &[Opening],
    judged: Vec<Judged<'_>>,
    mut history: History,
    standing: &Standing,
) -> Result<(Vec<Draft>, Repeated), Failure> {
    let mut repeated = Repeated::new();
    let mut drafts = Vec::with_capacity(openings.len());
    let all_keys = std::mem::take(&mut history.keys);
    for ((at, mut judged), keys) in judged.into_iter().enumerate().zip(all_keys) {
        let opening = &openings[at];
        let (version, policy) = &standing.policies[at];
        let since = policy.repeats_since(judged.judgement.kind, &judged.judgement.unit, opening.accepted.received_at);
        let earlier = history.of(&keys, since);
        if !earlier.is_empty() {
            let mut times: Vec<Timestamp> = earlier.iter().map(|earlier| earlier.received_at).collect();
            times.sort_unstable();
            judged = standing.judge(*version, policy, opening, &times);
        }
        let mut case = judging::draft(&standing.ground(*version, policy), &judged, &opening.accepted, opening.case, standing.now);
        case.repeats_those_of(earlier.iter().map(|earlier| earlier.received_at).collect());
        case.traceparent = opening.traceparent.clone();
        seal_personal(app, &mut case, &judged, &opening.accepted)?;
        if let Some(open) = earlier.iter().find(|earlier| earlier.open) {
            repeated.insert(case.id, open.case);
        }
        history.note(&keys, &case);
        drafts.push(Draft { case, at, keys });
    }
    Ok((drafts, repeated))
}

fn seal_personal(app: &App, case: &mut Case, judged: &Judged<'_>, accepted: &AcceptedReport) -> Result<(), sqlx::Error> {
    let seal = &app.platform.seal;
    let about = case.about();
    if !judged.personal.is_empty() {
        case.sealed_fields = Some(sealed::seal_json(seal, &judged.personal, &about)?);
    }
    if let Some(subject) = &accepted.report.subject {
        case.sealed_subject = Some(sealed::seal(seal, subject.as_bytes(), &about)?);
    }
    Ok(())
}

/// Gives numbers: one block for each sequence of the batch.
async fn number_all(app: &App, drafts: &mut [Draft], standing: &Standing) -> Result<(), Failure> {
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    for draft in drafts.iter_mut() {
        let (_, policy) = &standing.policies[draft.at];
        let Some(kind) = policy.kind(&draft.case.pack, &draft.case.kind) else { continue };
        let zone = &policy.calendar_of(&draft.case.unit).zone;
        draft.case.number_scope = kind.number.prefix(&draft.case.unit, draft.case.received_at, zone);
        *wanted.entry(draft.case.number_scope.clone()).or_default() += 1;
    }
    let mut next = numbering::take(&app.numbering, &wanted).await?;
    for draft in drafts.iter_mut() {
        let (_, policy) = &standing.policies[draft.at];
        let Some(kind) = policy.kind(&draft.case.pack, &draft.case.kind) else { continue };
        let Some(sequence) = next.get_mut(&draft.case.number_scope) else { continue };
        draft.case.number = kind.number.number(&draft.case.number_scope, *sequence);
        *sequence += 1;
    }
    Ok(())
}

/// Events and timeline entries of a registration.
struct Told {
    events: Vec<NewEvent>,
    entries: Vec<timeline::NewEntry>,
}

fn tell_all(app: &App, openings: &[Opening], drafts: &mut [Draft], repeated: &Repeated, standing: &Standing) -> Told {
    let mut told = Told { events: Vec::with_capacity(drafts.len()), entries: Vec::with_capacity(drafts.len()) };
    let stamp = |cause| app.platform.clock.cause_after(cause);
    for Draft { case, at, .. } in drafts {
        let (_, policy) = &standing.policies[*at];
        let opening = &openings[*at];
        for one in registering::tell(policy, case, repeated.get(&case.id).copied(), opening.cause, &stamp) {
            told.entries.push(timeline::NewEntry::of(case.id, &one, &opening.by));
            told.events.push(one.event.with_traceparent(opening.traceparent.clone()));
        }
    }
    told
}

async fn write(
    app: &App,
    tx: &mut PgConnection,
    openings: &[Opening],
    drafts: &[Draft],
    repeated: &Repeated,
    told: Told,
) -> Result<(), Failure> {
    let seal = &app.platform.seal;
    let rows: Vec<Case> = drafts.iter().map(|draft| draft.case.clone()).collect();
    let bodies = openings
        .iter()
        .filter(|opening| !opening.kept)
        .map(|opening| reports::SealedReport::of(seal, &opening.accepted))
        .collect::<Result<Vec<_>, _>>()?;
    cases::insert(tx, &rows).await?;
    if !bodies.is_empty() {
        reports::insert(tx, &bodies).await?;
    }
    let keys: Vec<(Key, Uuid, Timestamp)> =
        drafts.iter().flat_map(|d| d.keys.iter().map(|key| (key.clone(), d.case.id, d.case.received_at))).collect();
    if !keys.is_empty() {
        matters::insert(tx, &keys).await?;
    }
    timeline::insert(tx, seal, &told.entries).await?;
    if !repeated.is_empty() {
        let links: Vec<links::NewLink> = drafts
            .iter()
            .filter_map(|d| {
                let other = *repeated.get(&d.case.id)?;
                Some(links::NewLink { case: d.case.id, other, sort: "repeats", at: d.case.registered_at })
            })
            .collect();
        links::insert(tx, &links).await?;
    }
    app.platform.outbox.write(tx, &told.events).await?;
    Ok(())
}
