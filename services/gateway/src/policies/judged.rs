//! What a set would change against another, and who must therefore sign for it. Reckoned by `shared/policy` alone; kept in memory, since sets
//! never change once they are submitted.

use super::{PolicySetShown, Wanted, apply, store};
use crate::App;
use crate::web::of_database;
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, Timestamp};
use duban_policy::policy::Change;
use duban_policy::policy::approval::Signer;
use duban_policy::policy::extent::{Touched, touched};
use duban_policy::{Policy, Title};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many ways from one set to another are kept; each is small.
const MOST_KEPT: usize = 64;

/// The way from one set to another.
#[derive(Debug)]
pub struct Judged {
    /// Version that it is held against.
    pub against: i64,
    pub changes: Vec<Change>,
    pub touched: Vec<Touched>,
    /// Titles of the packs that it touches.
    pub titles: BTreeMap<String, Title>,
    /// Who must sign, in words.
    pub signers: Vec<(Signer, Title)>,
}

/// Ways that were reckoned before, by the two versions.
#[derive(Default)]
pub struct Ways(Mutex<BTreeMap<(i64, i64), Arc<Judged>>>);

impl Ways {
    fn known(&self, way: (i64, i64)) -> Option<Arc<Judged>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&way).cloned()
    }

    fn keep(&self, way: (i64, i64), judged: &Arc<Judged>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            // Lowest versions first: nobody waits for those any longer.
            kept.pop_first();
        }
        kept.insert(way, judged.clone());
    }
}

/// What `version` changes against `against`.
///
/// # Errors
/// 404 unknown; 422 if one of them does not compile in this version of Duban; 503 without the database.
pub async fn judge(app: &App, tx: &mut PgConnection, version: i64, against: i64) -> Result<Arc<Judged>, Problem> {
    if let Some(known) = app.ways.known((version, against)) {
        return Ok(known);
    }
    let before = sources(app, tx, against).await?;
    let after = sources(app, tx, version).await?;
    let held = app.holdings.policy_of(against);
    // Compiling takes a while: not on the threads that answer everybody else.
    let reckoned = tokio::task::spawn_blocking(move || reckon(against, held, &before, &after));
    let judged = Arc::new(reckoned.await.map_err(|_| Problem::internal())??);
    app.ways.keep((version, against), &judged);
    Ok(judged)
}

async fn sources(app: &App, tx: &mut PgConnection, version: i64) -> Result<Arc<Vec<PolicySource>>, Problem> {
    if let Some(held) = app.holdings.sources_of(version) {
        return Ok(held);
    }
    let sources = store::sources(tx, version).await.map_err(|e| of_database(&e))?;
    if sources.is_empty() { Err(Problem::not_found()) } else { Ok(Arc::new(sources)) }
}

fn reckon(against: i64, held: Option<Arc<Policy>>, before: &[PolicySource], after: &[PolicySource]) -> Result<Judged, Problem> {
    let old = match held {
        Some(held) => held,
        None => Arc::new(apply::compile(before)?),
    };
    let new = apply::compile(after)?;
    let touched = touched(before, after);
    let title = |pack: &str| new.pack(pack).or_else(|| old.pack(pack)).map(|pack| pack.title.clone());
    let titles = touched.iter().filter_map(|touched| Some((touched.pack.clone(), title(&touched.pack)?))).collect();
    let words = |signer: Signer| {
        // A post that only the new set knows has its name from there.
        let words = old.signer_words(&signer);
        let words = if words.zh == signer.as_str() { new.signer_words(&signer) } else { words };
        (signer, words)
    };
    let signers = old.signers(&new, &touched).into_iter().map(words).collect();
    Ok(Judged { against, changes: old.changes_to(&new), touched, titles, signers })
}

/// Who must sign for a set against the one in force, and who has.
///
/// # Errors
/// As [`judge`].
pub async fn wanted(app: &App, tx: &mut PgConnection, set: &PolicySetShown, at: Timestamp) -> Result<Vec<Wanted>, Problem> {
    let Some(against) = store::in_force(&mut *tx, at).await.map_err(|e| of_database(&e))? else { return Ok(Vec::new()) };
    let judged = judge(app, tx, set.version, against).await?;
    let signed = store::signatures(&mut *tx, set.version, against).await.map_err(|e| of_database(&e))?;
    let directory = app.directory()?;
    let wanted = judged.signers.iter().map(|(signer, title)| Wanted {
        signer: signer.as_str().to_owned(),
        title: title.clone(),
        people: signer.people(&directory, &set.submitted_by, at).into_iter().collect(),
        signed_by: signed.iter().find(|signature| signature.signer == signer.as_str()).map(|signature| signature.person.clone()),
    });
    Ok(wanted.collect())
}

/// Versions that wait for this person's signature, newest first.
///
/// # Errors
/// As [`shown`].
pub async fn to_sign(app: &App, person: &str) -> Result<Vec<i64>, Problem> {
    let waits = |wanted: &Wanted| wanted.signed_by.is_none() && wanted.people.iter().any(|known| known == person);
    let sets = shown(app, None).await?;
    Ok(sets.into_iter().filter(|set| set.state == "submitted" && set.wanted.iter().any(waits)).map(|set| set.version).collect())
}

/// Sets as pages and API show them, newest first; one alone if a version is given.
///
/// # Errors
/// 503 without the database.
pub async fn shown(app: &App, version: Option<i64>) -> Result<Vec<PolicySetShown>, Problem> {
    let pool = app.platform.db.pool();
    let mut sets = store::shown(pool, version).await.map_err(|e| of_database(&e))?;
    let at = app.platform.clock.now();
    for set in sets.iter_mut().filter(|set| set.state == "submitted") {
        let mut connection = pool.acquire().await.map_err(|e| of_database(&e))?;
        match wanted(app, &mut connection, set, at).await {
            Ok(wanted) => set.wanted = wanted,
            // It was submitted to an earlier version of Duban: it is shown, and cannot be approved.
            Err(problem) if problem.status == 422 => tracing::warn!(version = set.version, "a submitted set does not compile any longer"),
            Err(problem) => return Err(problem),
        }
    }
    Ok(sets)
}
