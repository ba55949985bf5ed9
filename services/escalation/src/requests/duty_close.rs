//! `duty.close`: who owes a duty that no event closes says that it is done.

use crate::App;
use crate::duty::{Duty, Ended};
use crate::moment::Moment;
use crate::sight::Sight;
use crate::store::{alerts, duties, lists};
use crate::{recipients, telling};
use duban_contracts::duty::{DutyCloseRequest, DutyEvent};
use duban_contracts::{NewEvent, Problem};
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Failed, Request};
use duban_platform::telemetry;
use duban_policy::directory::Directory;
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
        return Err(Problem::invalid_field("/note", "It is too long", "at most 2,000 characters").into());
    }
    let directory = app.platform.directory.current()?;
    let mut duty = duties::lock(act.tx(), request.body.duty).await?.filter(|duty| !duty.shadowed).ok_or_else(Problem::not_found)?;
    let sight = Sight::of(&directory, &person, app.platform.clock.now());
    let was_alerted = lists::was_alerted(&mut *act.tx(), duty.id, &person).await?;
    let owes = owes(&app, &directory, &duty, &person);
    if !owes && !sight.sees(&duty, was_alerted) {
        return Err(Problem::not_found().into());
    }
    permit(&duty, owes)?;
    if duty.state.is_open() {
        let event = request.request_id.unwrap_or_else(duban_contracts::ids::fresh);
        let time = app.platform.clock.cause_after(duty.opened.at);
        let moment = Moment { event, subject: format!("duty/{}", duty.id), version: duty.version + 1, at: time };
        duty.end(&Ended { moment, cancelled: false, by: Some(person), note: Some(request.body.note.clone()) });
        let mut events = vec![telling::of_duty(&mut duty, "duty.closed", time).with_traceparent(telemetry::current_traceparent())];
        duties::save(act.tx(), std::slice::from_ref(&duty)).await?;
        duties::note(act.tx(), duty.id, &request.body.note).await?;
        for alert in alerts::close_of(act.tx(), &[duty.id], time).await? {
            events.push(told_closed(&app, &alert, &duty));
        }
        app.tell(act.tx(), &events).await?;
    }
    act.finish(duty.shown()).await
}

fn told_closed(app: &App, alert: &crate::alert::Alert, duty: &Duty) -> NewEvent {
    telling::of_alert(alert, duty, "alert.closed", app.platform.clock.next()).with_traceparent(alert.traceparent.clone())
}

/// Whether a person may close the duty by hand; for pages that offer it.
pub fn may_close(app: &App, directory: &Directory, duty: &Duty, person: &str) -> bool {
    permit(duty, owes(app, directory, duty, person)).is_ok()
}

/// Holds a post that owes it, or is whom that post resolves to.
fn owes(app: &App, directory: &Directory, duty: &Duty, person: &str) -> bool {
    let (now, excluded) = (app.platform.clock.now(), &duty.facts.excluded_people);
    let directory = recipients::open_to(directory, &duty.facts);
    directory.acts_for(person, &duty.owed_by, &duty.facts.unit, now, excluded)
        || recipients::debtor(&directory, &duty.terms.owed, &duty.facts, now).people.iter().any(|debtor| debtor == person)
}

fn permit(duty: &Duty, owes: bool) -> Result<(), Problem> {
    if !owes {
        return Err(Problem::forbidden("only who owes the duty may close it"));
    }
    if !duty.by_hand {
        return Err(Problem::refused(
            "closed-by-event",
            "It is closed by what is done, not by hand",
            "该责任事项由业务办理自动了结，不能手工关闭",
        ));
    }
    Ok(())
}
