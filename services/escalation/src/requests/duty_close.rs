//! `duty.close`: who owes a duty that no event closes says that it is done; an administrator cancels one that nobody can do any longer.

use crate::App;
use crate::correcting::Corrector;
use crate::sight::Sight;
use crate::store::{acts, alerts, duties, lists};
use duban_contracts::duty::{DutyCloseRequest, DutyEvent};
use duban_contracts::{NewEvent, Problem, both};
use duban_engine::acts::resume_by_itself;
use duban_engine::duty::{Duty, Ended};
use duban_engine::moment::Moment;
use duban_engine::{recipients, telling};
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Failed, Request};
use duban_platform::telemetry;
use duban_policy::directory::{Directory, Right};
use std::sync::Arc;

/// Longest note, in characters.
const NOTE: usize = 2_000;

pub async fn close(app: Arc<App>, request: Request<DutyCloseRequest>) -> Result<DutyEvent, Failed> {
    let mut act = match acting::begin(&app.platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    let person = request.person()?.to_owned();
    if request.body.note.chars().count() > NOTE {
        return Err(
            Problem::invalid_field("/note", both("过长", "It is too long"), both("不超过2000字", "at most 2,000 characters")).into()
        );
    }
    let directory = app.platform.directory.current()?;
    let mut duty = duties::lock(act.tx(), request.body.duty).await?.filter(|duty| !duty.shadowed).ok_or_else(Problem::not_found)?;
    let sight = Sight::of(&directory, &person, app.platform.clock.now());
    let was_alerted = lists::was_alerted(&mut *act.tx(), duty.id, &person).await?;
    let owes = recipients::owes(&directory, &duty, &person, app.platform.clock.now());
    if !owes && !sight.sees(&duty, was_alerted) {
        return Err(Problem::not_found().into());
    }
    let by_hand = by_hand(&app, &directory, &duty, &person)?;
    request.expect_version_if_given(duty.version, || duty.shown())?;
    let note = request.body.note.trim();
    if by_hand == ByHand::Cancelled && note.is_empty() {
        return Err(
            Problem::invalid_field("/note", both("未填写", "it is empty"), both("请说明撤销的理由", "why the duty falls away")).into()
        );
    }
    if duty.state.is_open() {
        // A correction has reached it, and a pause that is over has ended, whether or not a tick has seen it.
        let now = app.platform.clock.now();
        let mut before = Corrector::new(&app).bring_up_or_wait(&mut duty, now)?;
        let policy = app.platform.policies.get(duty.policy);
        before.extend(policy.and_then(|policy| resume_by_itself(&mut duty, now, &policy)));
        let event = request.request_id.unwrap_or_else(duban_contracts::ids::fresh);
        let time = app.platform.clock.cause_after(duty.opened.at);
        let moment = Moment { event, subject: format!("duty/{}", duty.id), version: duty.version + 1, at: time };
        let (cancelled, name) = match by_hand {
            ByHand::Done => (false, "duty.closed"),
            ByHand::Cancelled => (true, "duty.cancelled"),
        };
        duty.end(&Ended { moment, cancelled, by: Some(person), note: Some(note.to_owned()) });
        let mut events = Vec::new();
        for acted in before {
            let time = app.platform.clock.cause_after(duty.opened.at);
            events.push(telling::of_act(&mut duty, &acted, time));
            duties::save_terms(act.tx(), std::slice::from_ref(&duty)).await?;
            acts::insert(act.tx(), &[(duty.id, acted)]).await?;
        }
        events.extend([telling::of_duty(&mut duty, name, time).with_traceparent(telemetry::current_traceparent())]);
        duties::save(act.tx(), std::slice::from_ref(&duty)).await?;
        duties::note(act.tx(), duty.id, note).await?;
        for alert in alerts::close_of(act.tx(), &[duty.id], time).await? {
            events.push(told_closed(&app, &alert, &duty));
        }
        app.tell(act.tx(), &events).await?;
    }
    act.finish(duty.shown()).await
}

fn told_closed(app: &App, alert: &duban_engine::alert::Alert, duty: &Duty) -> NewEvent {
    telling::of_alert(alert, duty, "alert.closed", app.platform.clock.next()).with_traceparent(alert.traceparent.clone())
}

/// How a person may end a duty by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// He owes it, and no event closes it.
    Done,
    /// He administers its unit: it is cancelled, for whatever reason he gives.
    Cancelled,
}

/// How a person may end this duty by hand.
///
/// # Errors
/// Why he may not.
pub fn by_hand(app: &App, directory: &Directory, duty: &Duty, person: &str) -> Result<ByHand, Problem> {
    let owes = recipients::owes(directory, duty, person, app.platform.clock.now());
    if owes && duty.by_hand {
        return Ok(ByHand::Done);
    }
    let open = recipients::open_to(directory, &duty.facts);
    // Nobody lets himself off.
    if !owes && open.may(person, Right::Administer, &duty.facts.unit, app.platform.clock.now()).is_some() {
        return Ok(ByHand::Cancelled);
    }
    Err(if owes {
        Problem::refused("closed-by-event", "It is closed by what is done, not by hand", "该责任事项由业务办理自动了结，不能手工关闭")
    } else {
        Problem::forbidden(both(
            "仅责任人可以关闭，仅管理员可以撤销",
            "only who owes the duty may close it, and only an administrator may cancel it",
        ))
    })
}
