//! Running rehearsals: a draft over what really happened, one at a time, by whichever copy has time.
//!
//! What happened is read in pages and played on a thread of its own, because a year of events keeps a processor busy for minutes. Nothing of it is
//! kept but how far it is and, in the end, the counts: a copy that dies leaves it to another, which begins at the beginning.

use crate::App;
use crate::store::past::{self, Duties};
use crate::store::rehearsals::{self as store, Attempt, Sides};
use duban_contracts::rehearsal::{Rehearsal, Rehearsed};
use duban_contracts::{Problem, Sentence, Timestamp, both};
use duban_engine::rehearsing::{self, Past, Tally};
use duban_platform::copies::{PolicyCopy, draft_sources, policy_sources};
use duban_platform::db::limited;
use duban_platform::guarded;
use duban_policy::directory::Directory;
use duban_policy::{Diagnostic, Policy};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Events that are read at once.
const PAGE: i64 = 2_000;

/// How often it is said that a rehearsal is in hand, while a page is played: well within its lease.
const HOLD: Duration = Duration::from_secs(8);

/// How long without being asked for any until it is looked for rehearsals that another copy left.
const LOOK: Duration = Duration::from_secs(5);

/// Runs rehearsals until the service stops.
pub async fn run(app: Arc<App>) {
    let stop = app.platform.shutdown.clone();
    app.platform.schema_complete().await;
    while !stop.is_cancelled() {
        match guarded(one(&app)).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = format!("{error:#}"), "a rehearsal waits"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.rehearsal_wanted.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// One rehearsal, whole. False: there was none to be run.
async fn one(app: &App) -> anyhow::Result<bool> {
    let pool = app.platform.db.pool();
    limited(async { Ok::<_, anyhow::Error>(store::give_up(pool).await?) }).await?;
    let claimed = limited(async { Ok::<_, anyhow::Error>(store::claim(pool).await?) }).await?;
    let Some((mut rehearsal, attempt)) = claimed else { return Ok(false) };
    let made = perform(app, &mut rehearsal, attempt).await;
    match made {
        Ok(Outcome::Made(sides)) => store::end(pool, &rehearsal, attempt, Ok(&sides)).await?,
        Ok(Outcome::Impossible(fault)) => store::end(pool, &rehearsal, attempt, Err(&fault)).await?,
        Ok(Outcome::BrokenOff) => store::release(pool, rehearsal.id, attempt).await?,
        Err(error) => {
            // The database's or the broker's trouble is no fault of the rehearsal: its lease runs out, and it is begun again.
            return Err(error.context(format!("rehearsal {}", rehearsal.id)));
        }
    }
    Ok(true)
}

enum Outcome {
    Made(Sides),
    /// It cannot be run, for this reason.
    Impossible(Sentence),
    /// The service stops, or another copy has it.
    BrokenOff,
}

async fn perform(app: &App, rehearsal: &mut Rehearsal, attempt: Attempt) -> anyhow::Result<Outcome> {
    let policy = match policy_of(app, rehearsal.of).await? {
        Ok(policy) => policy,
        Err(fault) => return Ok(Outcome::Impossible(fault)),
    };
    let zone = policy.zone().iana_name().unwrap_or("UTC").to_owned();
    let directory = app.platform.directory.current().map_err(anyhow::Error::from)?;
    let policies = app.platform.policies.clone();
    let mut player = Player::start(policy, directory, policies, rehearsal);
    let draft = match play(app, rehearsal, attempt, &mut player).await? {
        Played::Whole(draft) => draft,
        Played::Broken => return Ok(Outcome::Impossible(both("引擎在推演此草案时出错", "the engine failed on this draft"))),
        Played::Left => return Ok(Outcome::BrokenOff),
    };
    let of = Duties { since: rehearsal.since, packs: &rehearsal.packs };
    let real = store::real(app.platform.db.pool(), of, rehearsal.until, &zone).await?;
    rehearsal.reached = rehearsal.until;
    Ok(Outcome::Made(Sides { draft, real }))
}

/// The set that is rehearsed, compiled. Inner error: why it cannot be rehearsed.
async fn policy_of(app: &App, of: Rehearsed) -> anyhow::Result<Result<Arc<Policy>, Sentence>> {
    if let Rehearsed::Version(version) = of
        && let Some(held) = app.platform.policies.get(version)
    {
        return Ok(Ok(held));
    }
    let sources = match of {
        Rehearsed::Draft(draft) => draft_sources(&app.platform.bus, draft).await,
        Rehearsed::Version(version) => policy_sources(&app.platform.bus, version).await,
    };
    let sources = match sources {
        Ok(sources) if !sources.is_empty() => sources,
        Err(Problem { status, .. }) if status != 404 => anyhow::bail!("the gateway answers {status}"),
        Ok(_) | Err(_) => return Ok(Err(both("该草案已不存在", "the draft is not known any longer"))),
    };
    let compiled = tokio::task::spawn_blocking(move || Policy::compile(&sources)).await?;
    Ok(compiled.map(Arc::new).map_err(|faults| worded(&faults)))
}

fn worded(faults: &[Diagnostic]) -> Sentence {
    let joined = |words: fn(&Diagnostic) -> &str| {
        faults.iter().map(|fault| format!("{}:{}: {}", fault.file, fault.line, words(fault))).collect::<Vec<_>>().join("; ")
    };
    both(joined(|fault| &fault.message_zh), joined(|fault| &fault.message))
}

/// How the playing ended.
enum Played {
    Whole(Tally),
    /// The thread that plays is gone: it panicked.
    Broken,
    /// The service stops, or another copy has the rehearsal.
    Left,
}

/// Hands everything that happened to the player, page by page.
async fn play(app: &App, rehearsal: &mut Rehearsal, attempt: Attempt, player: &mut Player) -> anyhow::Result<Played> {
    let pool = app.platform.db.pool();
    let packs = rehearsal.packs.clone();
    let of = Duties { since: rehearsal.since, packs: &packs };
    let mut reached = (rehearsal.since, Uuid::nil());
    loop {
        let events = past::events_after(pool, reached, rehearsal.until, PAGE).await?;
        let is_last = i64::try_from(events.len()).is_ok_and(|count| count < PAGE);
        let upto = events.last().filter(|_| !is_last).map_or((rehearsal.until, Uuid::max()), |last| (last.time, last.id));
        let acts = past::acts_between(pool, of, reached.0, upto.0).await?;
        let mut page: Vec<Past> = events.into_iter().map(Past::Event).chain(acts).collect();
        // What happened at the same time was told by others first.
        page.sort_by_key(Past::at);
        let Some(progress) = held(app, rehearsal, attempt, player.play(page)).await? else { return Ok(Played::Left) };
        let Some(Progress { played, left_out }) = progress else { return Ok(Played::Broken) };
        reached = upto;
        (rehearsal.reached, rehearsal.played, rehearsal.left_out) = (reached.0, played, left_out);
        if !store::go_on(pool, rehearsal, attempt).await? {
            return Ok(Played::Left);
        }
        if is_last {
            let Some(ended) = held(app, rehearsal, attempt, player.finish(rehearsal.until)).await? else { return Ok(Played::Left) };
            return Ok(ended.map_or(Played::Broken, Played::Whole));
        }
    }
}

/// Waits for the player, and says all the while that the rehearsal is in hand. None: it is not any longer, or the service stops.
async fn held<T>(app: &App, rehearsal: &Rehearsal, attempt: Attempt, playing: impl Future<Output = T>) -> anyhow::Result<Option<T>> {
    tokio::pin!(playing);
    loop {
        tokio::select! {
            played = &mut playing => return Ok(Some(played)),
            () = app.platform.shutdown.cancelled() => return Ok(None),
            () = tokio::time::sleep(HOLD) => {
                if !store::go_on(app.platform.db.pool(), rehearsal, attempt).await? {
                    return Ok(None);
                }
            }
        }
    }
}

/// The thread that plays.
struct Player {
    pages: mpsc::Sender<Page>,
    progress: mpsc::Receiver<Progress>,
    playing: Option<JoinHandle<Option<Tally>>>,
    /// Set once nobody waits for it any longer.
    is_left: Arc<AtomicBool>,
}

enum Page {
    Past(Vec<Past>),
    End(Timestamp),
}

struct Progress {
    played: i64,
    left_out: i64,
}

impl Player {
    fn start(policy: Arc<Policy>, directory: Arc<Directory>, policies: PolicyCopy, rehearsal: &Rehearsal) -> Self {
        let (pages, mut to_play) = mpsc::channel(1);
        let (tell, progress) = mpsc::channel(1);
        let packs: BTreeSet<String> = rehearsal.packs.iter().cloned().collect();
        let since = rehearsal.since;
        let is_left = Arc::new(AtomicBool::new(false));
        let left = is_left.clone();
        let playing = tokio::task::spawn_blocking(move || {
            let goes_on = || !left.load(Ordering::Relaxed);
            let mut rehearsal = rehearsing::Rehearsal::new(&policy, &directory, Box::new(|version| policies.get(version)), packs, since);
            while let Some(page) = to_play.blocking_recv() {
                match page {
                    Page::Past(past) => past.into_iter().take_while(|_| goes_on()).for_each(|past| rehearsal.take(past)),
                    Page::End(until) => return rehearsal.finish_at(until, goes_on),
                }
                tell.blocking_send(Progress { played: rehearsal.played, left_out: rehearsal.left_out }).ok()?;
            }
            None
        });
        Self { pages, progress, playing: Some(playing), is_left }
    }

    /// None: the thread is gone.
    async fn play(&mut self, past: Vec<Past>) -> Option<Progress> {
        self.pages.send(Page::Past(past)).await.ok()?;
        self.progress.recv().await
    }

    /// None: the thread is gone.
    async fn finish(&mut self, until: Timestamp) -> Option<Tally> {
        self.pages.send(Page::End(until)).await.ok()?;
        self.playing.take()?.await.ok()?
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.is_left.store(true, Ordering::Relaxed);
    }
}
