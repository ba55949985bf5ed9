//! The sender: claims what is due, asks once more whether it is wanted, tries it, writes down what became of it.
//!
//! Each attempt is a task of its own; a destination never has more of them under way than its share, and one that is busy is simply not
//! claimed from. A claim is a lease in the table: when this process dies, another (or itself, restarted) makes the attempt again under the
//! same id after the lease has run out.

use crate::App;
use crate::gathering;
use crate::letter;
use crate::outcome::{self, Outcome};
use crate::store::claims::{self, Claimed, Share, Tells};
use crate::store::digests;
use crate::store::returns;
use crate::tell::Channel;
use duban_contracts::absence::ReturnNoticed;
use duban_contracts::alert::{AlertEvent, AlertShowRequest};
use duban_platform::{rpc, telemetry};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::task::{self, JoinSet};
use tracing::Instrument;

/// How often it is looked for due deliveries when nothing wakes the sender.
const TICK: Duration = Duration::from_millis(500);
/// How long it waits after an attempt has ended for others to end too: what they leave room for is claimed together.
const GATHER: Duration = Duration::from_millis(20);
/// Most that are claimed in one go.
const BATCH: i64 = 200;
/// How long escalation has to say whether an alert still stands.
const ASK: Duration = Duration::from_millis(500);

/// Attempts under way, and where each goes.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    destinations: HashMap<task::Id, String>,
}

/// Sends until shutdown, then lets the attempts under way finish.
pub async fn run(app: App) {
    app.platform.schema_complete().await;
    let mut under_way = UnderWay::default();
    while !app.platform.shutdown.is_cancelled() {
        match claim(&app, &under_way).await {
            Ok(claimed) => claimed.into_iter().for_each(|claimed| under_way.begin(&app, claimed)),
            Err(error) => tracing::warn!(%error, "nothing can be claimed"),
        }
        under_way.wait(&app).await;
    }
    while under_way.tasks.join_next().await.is_some() {}
}

async fn claim(app: &App, under_way: &UnderWay) -> Result<Vec<Claimed>, sqlx::Error> {
    // Without the directory no address is known: nothing is claimed, nothing counted.
    if app.platform.directory.current().is_err() {
        return Ok(Vec::new());
    }
    let busy = under_way.busy();
    let share = Share {
        busy: &busy,
        email: app.settings.mail_at_once,
        webhook: app.settings.webhook_at_once,
        batch: BATCH,
        lease: app.settings.lease(),
    };
    let mut tx = app.platform.db.begin().await?;
    gathering::gather(app, &mut tx, &share).await?;
    let claimed = claims::claim_due(&mut tx, &share).await?;
    gathering::count(app, &mut tx, &claimed).await?;
    tx.commit().await?;
    Ok(claimed)
}

impl UnderWay {
    fn begin(&mut self, app: &App, claimed: Claimed) {
        let span = tracing::info_span!(
            "notifications.delivery.send",
            otel.kind = "client",
            delivery = %claimed.delivery.delivery,
            alert = claimed.delivery.alert.map(|alert| alert.to_string()),
            notice = claimed.delivery.notice.map(|notice| notice.to_string()),
            channel = %claimed.delivery.channel,
            attempt = claimed.delivery.attempts,
        );
        telemetry::adopt(&span, claimed.traceparent.as_deref());
        let app = app.clone();
        let destination = claimed.destination.clone();
        let task = self.tasks.spawn(async move { deliver(&app, claimed).await }.instrument(span));
        self.destinations.insert(task.id(), destination);
    }

    /// How many attempts are under way at each destination.
    fn busy(&self) -> Vec<(String, i32)> {
        let mut busy: HashMap<&str, i32> = HashMap::new();
        for destination in self.destinations.values() {
            *busy.entry(destination).or_default() += 1;
        }
        busy.into_iter().map(|(destination, count)| (destination.to_owned(), count)).collect()
    }

    /// Waits for something to do: an attempt that has ended makes room, a new message or the tick may bring work.
    async fn wait(&mut self, app: &App) {
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => {
                self.ended(ended);
                tokio::time::sleep(GATHER).await;
                while let Some(ended) = self.tasks.try_join_next_with_id() {
                    self.ended(ended);
                }
            }
            () = app.wake.notified() => {}
            () = tokio::time::sleep(TICK) => {}
            () = app.platform.shutdown.cancelled() => {}
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, ()), task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                // The lease brings the delivery back.
                tracing::error!(%error, "an attempt broke off");
                error.id()
            }
        };
        self.destinations.remove(&id);
    }
}

/// One attempt, from the last question to the written outcome.
async fn deliver(app: &App, mut claimed: Claimed) {
    let is_wanted = claimed.wanted && is_still_wanted(app, &mut claimed).await;
    let claimed = &claimed;
    if !is_wanted {
        keep_trying(app, || outcome::cancel(app, claimed)).await;
        return;
    }
    let begun = Instant::now();
    let outcome = attempt(app, claimed).await;
    let took = begun.elapsed();
    match &outcome {
        Outcome::Sent => tracing::info!(delivery = %claimed.delivery.delivery, ?took, "sent"),
        Outcome::TryAgain { error, .. } => tracing::debug!(delivery = %claimed.delivery.delivery, ?took, %error, "not sent yet"),
        Outcome::Failed { error } => tracing::warn!(delivery = %claimed.delivery.delivery, ?took, %error, "cannot be sent"),
    }
    keep_trying(app, || outcome::record(app, claimed, &outcome, took)).await;
}

/// Looks once more, just before sending.
async fn is_still_wanted(app: &App, claimed: &mut Claimed) -> bool {
    let delivery = claimed.delivery.delivery;
    match &mut claimed.tells {
        Tells::Return(notice) => still_waits(app, notice).await,
        // Where they cannot be read it is tried again.
        Tells::Digest { covered, .. } => {
            *covered = digests::covered(app.platform.db.pool(), delivery).await.ok();
            covered.as_ref().is_none_or(|covered| covered.iter().any(|covered| covered.wanted))
        }
        Tells::Alert(_) => still_stands(app, claimed).await && may_be_told(app, claimed).await,
    }
}

/// Leaves out what has been done since, and what he must not know of by now. Nothing is told where nothing is left. Where the database does not
/// answer, what was noticed counts.
async fn still_waits(app: &App, notice: &mut ReturnNoticed) -> bool {
    let (duties, cases): (Vec<_>, Vec<_>) = notice.duties.iter().map(|waiting| (waiting.duty, waiting.case)).unzip();
    if let Ok(out) = returns::not_for(app.platform.db.pool(), &notice.person, &duties, &cases).await {
        notice.total -= i64::try_from(out.len()).unwrap_or_default();
        notice.duties.retain(|waiting| !out.contains(&waiting.duty));
    }
    notice.total > 0
}

/// Asks escalation whether the alert is open and may still be told to him. No answer, or one that cannot be read, means that it is sent: better told twice than not.
async fn still_stands(app: &App, claimed: &Claimed) -> bool {
    let Some(alert) = claimed.delivery.alert else { return true };
    let request = AlertShowRequest { alert };
    let Ok(call) = rpc::Call::new("escalation", "alert.state").body(&request) else { return true };
    match app.platform.bus.call::<AlertEvent>(call.timeout(ASK)).await {
        Ok(alert) => {
            let person = &claimed.delivery.person;
            alert.state == "open"
                && !alert.excluded_people.contains(person)
                && !alert.acknowledgements.iter().any(|by| by.person == *person)
        }
        Err(_) => true,
    }
}

/// Looks once more who must be kept out, since asking took its time: he is neither told nor named to others. Where the database does not
/// answer, what was known at the claim counts.
async fn may_be_told(app: &App, claimed: &mut Claimed) -> bool {
    if let Ok(excluded) = claims::excluded(app.platform.db.pool(), claimed.delivery.delivery).await {
        claimed.delivery.excluded_people = excluded;
    }
    !claimed.delivery.excluded_people.contains(&claimed.delivery.person)
}

async fn attempt(app: &App, claimed: &Claimed) -> Outcome {
    let person = app.platform.directory.current().ok().and_then(|directory| directory.person(&claimed.delivery.person).cloned());
    let channel = Channel::of(&claimed.delivery.channel);
    let address = channel.and_then(|channel| person.as_ref().and_then(|person| channel.address(person)).map(|address| (channel, address)));
    let Some((channel, address)) = address else {
        return Outcome::Failed { error: "the person has no address on this channel any more".to_owned() };
    };
    let outgoing = match letter::write(app, claimed) {
        Ok(outgoing) => outgoing,
        Err(problem) => return Outcome::TryAgain { error: problem.to_string(), after: None },
    };
    let sending = app.channels.send(app, channel, address, claimed, &outgoing);
    match tokio::time::timeout(app.settings.timeout, sending).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::TryAgain { error: "no answer in time".to_owned(), after: None },
    }
}

/// Writes the outcome down as long as the lease holds; after that another may have taken over, who repeats under the same id.
async fn keep_trying<F>(app: &App, mut write: impl FnMut() -> F)
where
    F: Future<Output = Result<(), sqlx::Error>>,
{
    let until = Instant::now() + app.settings.lease();
    let mut pause = Duration::from_millis(50);
    while let Err(error) = write().await {
        if Instant::now() + pause > until {
            tracing::warn!(%error, "an outcome could not be written down: the sending may be repeated");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
