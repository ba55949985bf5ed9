//! `alert.acknowledge` (签收): a person takes note, by session or by the link in a message. It stops the climb for the rung's time.
//!
//! Who may: who was told, who stands in for one who was told, and who decides over the unit. One press answers for every repetition of
//! the rung. An alert that was closed meanwhile, or acknowledged already, answers its present state.

use crate::App;
use crate::store::{alerts, duties};
use duban_contracts::alert::{AcknowledgeRequest, Acknowledged, Acknowledgement};
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::{NewEvent, Problem, Timestamp, both};
use duban_engine::alert::{Alert, State};
use duban_engine::duty::Duty;
use duban_engine::{acknowledging, climb, recipients, retiming, telling};
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Failed, Request};
use duban_platform::telemetry;
use duban_policy::directory::Directory;
use std::sync::Arc;
use uuid::Uuid;

/// What a link must have been made for.
const ACT: &str = "acknowledge";

pub async fn acknowledge(app: Arc<App>, request: Request<AcknowledgeRequest>) -> Result<Acknowledged, Failed> {
    let mut act = match acting::begin(&app.platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    let id = request.body.alert;
    let by = Asked::from(act.claim(), id)?;
    let directory = app.platform.directory.current()?;
    let mut duty = alerts::lock_duty(act.tx(), id).await?.ok_or_else(Problem::not_found)?;
    let alert = alerts::one(act.tx(), id).await?.ok_or_else(Problem::not_found)?;
    let now = app.platform.clock.cause_after(alert.raised_at);
    let directory = recipients::open_to(&directory, &duty.facts);
    acknowledging::permit(&directory, &alert, &duty, &by.person, now)?;
    telemetry::link(&tracing::Span::current(), alert.traceparent.as_deref());
    if alert.state == State::Closed {
        return act.finish(answer(&app, &alert, &duty)).await;
    }
    let told = take_note(&app, act.tx(), &directory, &mut duty, &alert, &by, now).await?;
    app.tell(act.tx(), &told.events).await?;
    let answer = answer(&app, &told.alert, &duty);
    let answer = act.finish(answer).await?;
    app.timers_changed.notify_one();
    Ok(answer)
}

/// Who asks, and by which link.
struct Asked {
    person: String,
    link: Option<Uuid>,
}

impl Asked {
    fn from(claim: &Claim, alert: Uuid) -> Result<Self, Problem> {
        match &claim.asker {
            Asker::Person { person, .. } => Ok(Self { person: person.clone(), link: None }),
            Asker::Link { link, person, act, on } if act == ACT && *on == alert => Ok(Self { person: person.clone(), link: Some(*link) }),
            Asker::Link { .. } => Err(Problem::forbidden(both("此链接不用于这一督办通知", "the link is for something else"))),
            Asker::Producer { .. } | Asker::Public => Err(Problem::unauthenticated()),
        }
    }
}

struct Told {
    alert: Alert,
    events: Vec<NewEvent>,
}

/// Writes the acknowledgement, and what it does to the rung's repetitions and to the duty's climb.
async fn take_note(
    app: &App,
    tx: &mut sqlx::PgConnection,
    directory: &Directory,
    duty: &mut Duty,
    alert: &Alert,
    by: &Asked,
    now: Timestamp,
) -> Result<Told, Failed> {
    let mut rung = alerts::of_rung(tx, duty.id, alert.run, alert.rung).await?;
    let acknowledgement = Acknowledgement { person: by.person.clone(), at: now, link: by.link };
    let noted = acknowledging::note(&mut rung, alert.id, &acknowledgement, directory, &duty.facts.excluded_people);
    if noted.is_new {
        alerts::acknowledge(tx, alert.id, &acknowledgement).await?;
    }
    let changed: Vec<&Alert> = noted.changed.iter().filter_map(|place| rung.get(*place)).collect();
    let tell = |each: &&Alert| {
        let event = telling::of_alert(each, duty, "alert.acknowledged", app.platform.clock.cause_after(now));
        event.with_traceparent(telemetry::current_traceparent().or_else(|| each.traceparent.clone()))
    };
    let events: Vec<NewEvent> = changed.iter().map(tell).collect();
    alerts::save(tx, &changed).await?;
    // One of the time before an extension stops nothing that came after it.
    if noted.is_satisfied && alert.rung > 0 && alert.run == duty.run {
        stop_climb(app, duty, alert.rung, now)?;
        duties::save(tx, std::slice::from_ref(duty)).await?;
    }
    let alert = rung.into_iter().find(|each| each.id == alert.id).ok_or_else(Problem::not_found)?;
    Ok(Told { alert, events })
}

fn stop_climb(app: &App, duty: &mut Duty, rung: i32, now: Timestamp) -> Result<(), Problem> {
    let policy = app
        .platform
        .policies
        .get(duty.policy)
        .ok_or_else(|| Problem::unavailable(both("该责任事项所依据的制度正在载入", "the policy of this duty")))?;
    let calendar = retiming::calendar_of(&policy, duty);
    climb::acknowledge(duty, rung, now, calendar);
    Ok(())
}

fn answer(app: &App, alert: &Alert, duty: &Duty) -> Acknowledged {
    let quiet_until = app.platform.policies.get(duty.policy).and_then(|policy| {
        let calendar = retiming::calendar_of(&policy, duty);
        if alert.run == duty.run { climb::quiet_until(duty, alert.rung, calendar) } else { None }
    });
    Acknowledged { alert: alert.id, duty: duty.id, state: alert.state.as_str().to_owned(), quiet_until }
}
