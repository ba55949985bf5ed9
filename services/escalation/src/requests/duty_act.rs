//! `duty.act`: what people do with a duty besides doing it: pause and resume, extend, hand over, urge. The engine says who may.

use crate::App;
use crate::correcting::Corrector;
use crate::sight::Sight;
use crate::store::{acts, alerts, duties, lists};
use duban_contracts::duty::{DutyActRequest, DutyEvent};
use duban_contracts::{NewEvent, Problem, both};
use duban_engine::acts::{Acted, Asked, resume_by_itself, take};
use duban_engine::alert::Alert;
use duban_engine::{recipients, retiming, telling};
use duban_platform::acting::{self, Begun};
use duban_platform::rpc::{Failed, Request};
use duban_platform::telemetry;
use std::sync::Arc;

pub async fn act(app: Arc<App>, request: Request<DutyActRequest>) -> Result<DutyEvent, Failed> {
    let mut act = match acting::begin(&app.platform, &request).await? {
        Begun::Known(answer) => return Ok(answer),
        Begun::New(act) => act,
    };
    let person = request.person()?.to_owned();
    let directory = app.platform.directory.current()?;
    let mut duty = duties::lock(act.tx(), request.body.duty).await?.filter(|duty| !duty.shadowed).ok_or_else(Problem::not_found)?;
    let at = app.platform.clock.cause_after(duty.opened.at);
    let was_alerted = lists::was_alerted(&mut *act.tx(), duty.id, &person).await?;
    if !recipients::owes(&directory, &duty, &person, at) && !Sight::of(&directory, &person, at).sees(&duty, was_alerted) {
        return Err(Problem::not_found().into());
    }
    request.expect_version_if_given(duty.version, || duty.shown())?;
    let policy = app
        .platform
        .policies
        .get(duty.policy)
        .ok_or_else(|| Problem::unavailable(both("该责任事项所依据的制度正在载入", "the policy of this duty")))?;
    let asked = Asked { person: &person, at, policy: &policy, directory: &directory };
    // A correction has reached it, and a pause that is over has ended, whether or not a tick has seen it.
    let now = app.platform.clock.now();
    let mut before = Corrector::new(&app).bring_up_or_wait(&mut duty, now)?;
    before.extend(resume_by_itself(&mut duty, now, &policy));
    let (acted, rung) = take(&mut duty, &request.body.act, &asked)?;
    let traceparent = telemetry::current_traceparent();
    let mut events: Vec<NewEvent> = Vec::new();
    for before in &before {
        events.push(telling::of_act(&mut duty, before, app.platform.clock.cause_after(at)));
    }
    let told = telling::of_act(&mut duty, &acted, app.platform.clock.cause_after(at)).with_traceparent(traceparent.clone());
    duties::save(act.tx(), std::slice::from_ref(&duty)).await?;
    duties::save_terms(act.tx(), std::slice::from_ref(&duty)).await?;

    events.push(told);
    // Its climb begins anew: what was told of the time before is settled.
    if before.iter().chain([&acted]).any(Acted::begins_anew) {
        for alert in alerts::close_of(act.tx(), &[duty.id], at).await? {
            let event = telling::of_alert(&alert, &duty, "alert.closed", app.platform.clock.cause_after(at));
            events.push(event.with_traceparent(alert.traceparent.clone()));
        }
    }
    if let Some(rung) = rung {
        let open = recipients::open_to(&directory, &duty.facts);
        let mut alert = Alert::raised(&duty, &rung, recipients::recipients(&open, &duty, &rung.tell, at), at);
        alert.next = recipients::next_rung(&open, &duty, at, retiming::calendar_of(&policy, &duty));
        alert.traceparent.clone_from(&traceparent);
        alerts::insert(act.tx(), std::slice::from_ref(&alert)).await?;
        events.push(telling::of_alert(&alert, &duty, "alert.raised", app.platform.clock.cause_after(at)).with_traceparent(traceparent));
    }
    let done: Vec<_> = before.into_iter().chain([acted]).map(|acted| (duty.id, acted)).collect();
    acts::insert(act.tx(), &done).await?;
    app.tell(act.tx(), &events).await?;
    let shown = act.finish(duty.shown()).await?;
    app.timers_changed.notify_one();
    Ok(shown)
}
