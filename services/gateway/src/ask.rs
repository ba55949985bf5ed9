//! Asking the other services, on behalf of a person, a link, a producer or the public. API and pages ask through here alone.
//!
//! Every question carries a claim, signed here and good for a minute; the owner of the data decides what the asker may see.

use crate::holdings::Holdings;
use crate::viewer::Viewer;
use duban_contracts::alert::{AcknowledgeRequest, Acknowledged, AlertEvent, AlertList, AlertListRequest, AlertShowRequest};
use duban_contracts::case::{
    CaseActRequest, CaseActed, CaseDetail, CaseList, CaseListRequest, CaseShowRequest, RejectedAct, TimelineEntry, VisibleAnswer,
    VisibleRequest, WatchersAnswer,
};
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::dead::{DeadDetail, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::delivery::{DeliveryEvent, DeliveryList, DeliveryListRequest, Link, LinkOpenRequest};
use duban_contracts::duty::{
    CaseDueAnswer, CaseDueRequest, DutyEvent, DutyList, DutyListRequest, Timeline, TimelineRequest, WhyAnswer, WhyRequest,
};
use duban_contracts::identity::{IdentityKeys, TrackingCode};
use duban_contracts::record::{RecordDetail, RecordEvent, RecordList, RecordListRequest, RecordShowRequest};
use duban_contracts::report::{PublicStatus, Results, ResultsRequest, TrackRequest};
use duban_contracts::subjects::service;
use duban_contracts::{Problem, ids};
use duban_platform::Bus;
use duban_platform::rpc::Call;
use ed25519_dalek::SigningKey;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Cheap to clone.
#[derive(Clone)]
pub struct Services(Arc<Parts>);

struct Parts {
    bus: Bus,
    key: SigningKey,
    identity: IdentityKeys,
    holdings: Holdings,
}

/// How long a page waits for a part of itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A case with what every service knows of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CaseWhole {
    pub detail: CaseDetail,
    /// Of all services, merged by time.
    pub timeline: Vec<TimelineEntry>,
    pub duties: Vec<DutyEvent>,
    pub deliveries: Vec<DeliveryEvent>,
    pub records: Vec<RecordEvent>,
    /// Services that did not answer: their part is missing.
    pub unavailable: Vec<String>,
}

/// Intake's answer to `report.rejected.list`, in its own shape.
pub type Rejected = Value;

impl Services {
    pub fn new(bus: Bus, key: SigningKey, identity: IdentityKeys, holdings: Holdings) -> Self {
        Self(Arc::new(Parts { bus, key, identity, holdings }))
    }

    /// # Errors
    /// The service's problem, or 503 while it is down; so for all that follow.
    pub async fn case_list(&self, viewer: &Viewer, request: &CaseListRequest) -> Result<CaseList, Problem> {
        self.of_person(viewer, service::INTAKE, "case.list", request).await
    }

    pub async fn case_show(&self, viewer: &Viewer, request: &CaseShowRequest) -> Result<CaseDetail, Problem> {
        self.of_person(viewer, service::INTAKE, "case.show", request).await
    }

    /// The case, then at once what the others know of it. Only intake, which owns it, must answer.
    pub async fn case_whole(&self, viewer: &Viewer, request: &CaseShowRequest) -> Result<CaseWhole, Problem> {
        let detail = self.case_show(viewer, request).await?;
        let case = detail.summary.case;
        let of_deliveries = DeliveryListRequest { case: Some(case), limit: Some(200), ..Default::default() };
        let of_records = RecordListRequest { case: Some(case), ..Default::default() };
        let (timeline, deliveries, records) = tokio::join!(
            self.timeline_of_duties(viewer, case),
            self.delivery_list(viewer, &of_deliveries),
            self.record_list(viewer, &of_records),
        );
        let mut whole = CaseWhole {
            timeline: detail.timeline.clone(),
            detail,
            duties: Vec::new(),
            deliveries: Vec::new(),
            records: Vec::new(),
            unavailable: Vec::new(),
        };
        match timeline {
            Ok(part) => {
                whole.timeline.extend(part.entries);
                whole.duties = part.duties;
            }
            Err(problem) => whole.missing(service::ESCALATION, &problem),
        }
        match deliveries {
            Ok(part) => {
                whole.timeline.extend(part.deliveries.iter().map(|delivery| self.entry_of_delivery(delivery)));
                whole.deliveries = part.deliveries;
            }
            Err(problem) => whole.missing(service::NOTIFICATIONS, &problem),
        }
        match records {
            Ok(part) => {
                whole.timeline.extend(part.records.iter().map(entry_of_record));
                whole.records = part.records;
            }
            Err(problem) => whole.missing(service::ARCHIVE, &problem),
        }
        whole.timeline.sort_by_key(|entry| (entry.at, entry.id));
        whole.timeline.dedup_by_key(|entry| entry.id);
        Ok(whole)
    }

    /// Duties and alerts of a case, page by page.
    async fn timeline_of_duties(&self, viewer: &Viewer, case: Uuid) -> Result<Timeline, Problem> {
        let mut whole = Timeline { entries: Vec::new(), duties: Vec::new(), next: None };
        loop {
            let request = TimelineRequest { case, after: whole.next.take() };
            let page: Timeline = self.of_person(viewer, service::ESCALATION, "case.timeline", &request).await?;
            whole.entries.extend(page.entries);
            whole.duties.extend(page.duties);
            // Where a page ended as the one before did, there is no end to be reached.
            match page.next.filter(|next| request.after.as_ref() != Some(next)) {
                Some(next) => whole.next = Some(next),
                None => return Ok(whole),
            }
        }
    }

    pub async fn case_act(
        &self,
        viewer: &Viewer,
        request_id: Uuid,
        expected: Option<i64>,
        act: &CaseActRequest,
    ) -> Result<CaseActed, Problem> {
        let mut call = self.call(viewer.asker(), service::INTAKE, "case.act", act)?.request_id(request_id);
        if let Some(version) = expected {
            call = call.expected_version(version);
        }
        self.0.bus.call(call).await
    }

    pub async fn case_watchers(&self, viewer: &Viewer, case: Uuid) -> Result<WatchersAnswer, Problem> {
        self.of_person(viewer, service::INTAKE, "case.watchers", &CaseShowRequest { case: Some(case), number: None }).await
    }

    pub async fn case_visible(&self, viewer: &Viewer, cases: Vec<Uuid>) -> Result<VisibleAnswer, Problem> {
        self.of_person(viewer, service::INTAKE, "case.visible", &VisibleRequest { cases }).await
    }

    pub async fn alert_list(&self, viewer: &Viewer, request: &AlertListRequest) -> Result<AlertList, Problem> {
        self.of_person(viewer, service::ESCALATION, "alert.list", request).await
    }

    pub async fn alert_show(&self, viewer: &Viewer, alert: Uuid) -> Result<AlertEvent, Problem> {
        self.of_person(viewer, service::ESCALATION, "alert.show", &AlertShowRequest { alert }).await
    }

    pub async fn alert_acknowledge(&self, viewer: &Viewer, request_id: Uuid, alert: Uuid) -> Result<Acknowledged, Problem> {
        let call = self.call(viewer.asker(), service::ESCALATION, "alert.acknowledge", &AcknowledgeRequest { alert })?;
        self.0.bus.call(call.request_id(request_id)).await
    }

    pub async fn duty_list(&self, viewer: &Viewer, request: &DutyListRequest) -> Result<DutyList, Problem> {
        self.of_person(viewer, service::ESCALATION, "duty.list", request).await
    }

    pub async fn duty_why(&self, viewer: &Viewer, duty: Uuid) -> Result<WhyAnswer, Problem> {
        self.of_person(viewer, service::ESCALATION, "duty.why", &WhyRequest { duty }).await
    }

    pub async fn delivery_list(&self, viewer: &Viewer, request: &DeliveryListRequest) -> Result<DeliveryList, Problem> {
        self.of_person(viewer, service::NOTIFICATIONS, "delivery.list", request).await
    }

    pub async fn record_list(&self, viewer: &Viewer, request: &RecordListRequest) -> Result<RecordList, Problem> {
        self.of_person(viewer, service::ARCHIVE, "record.list", request).await
    }

    pub async fn record_show(&self, viewer: &Viewer, record: Uuid) -> Result<RecordDetail, Problem> {
        self.of_person(viewer, service::ARCHIVE, "record.show", &RecordShowRequest { record }).await
    }

    pub async fn rejected_list(&self, viewer: &Viewer, request: &Value) -> Result<Rejected, Problem> {
        self.of_person(viewer, service::INTAKE, "report.rejected.list", request).await
    }

    /// Admits or dismisses a rejected report.
    pub async fn rejected_act(&self, viewer: &Viewer, request_id: Uuid, act: &RejectedAct) -> Result<Value, Problem> {
        self.0.bus.call(self.call(viewer.asker(), service::INTAKE, "report.rejected.act", act)?.request_id(request_id)).await
    }

    pub async fn dead_list(&self, viewer: &Viewer, service: &str, request: &DeadListRequest) -> Result<DeadList, Problem> {
        self.of_person(viewer, known_service(service)?, "dead.list", request).await
    }

    pub async fn dead_show(&self, viewer: &Viewer, service: &str, letter: Uuid) -> Result<DeadDetail, Problem> {
        self.of_person(viewer, known_service(service)?, "dead.show", &DeadRequest { letter }).await
    }

    pub async fn dead_replay(&self, viewer: &Viewer, service: &str, letter: Uuid) -> Result<Value, Problem> {
        let call = self.call(viewer.asker(), known_service(service)?, "dead.replay", &DeadRequest { letter })?;
        self.0.bus.call(call.request_id(ids::fresh())).await
    }

    /// What a link in a message is for.
    pub async fn link_open(&self, token: &str) -> Result<Link, Problem> {
        let request = LinkOpenRequest { token: token.to_owned() };
        self.ask(Asker::Public, service::NOTIFICATIONS, "link.open", &request).await
    }

    /// The alert of a link, as its holder may see it.
    pub async fn link_alert(&self, link: &Link) -> Result<AlertEvent, Problem> {
        self.ask(asker_of(link, "show"), service::ESCALATION, "alert.show", &AlertShowRequest { alert: link.alert }).await
    }

    /// Acknowledges by link. The request id is the link's own, so that pressing twice is one act.
    pub async fn link_acknowledge(&self, link: &Link) -> Result<Acknowledged, Problem> {
        let request = AcknowledgeRequest { alert: link.alert };
        let call = self.call(asker_of(link, "acknowledge"), service::ESCALATION, "alert.acknowledge", &request)?;
        self.0.bus.call(call.request_id(link.link)).await
    }

    /// What the public may be told of a report. A genuine code that intake does not know yet, or while it is down, is 'accepted'.
    ///
    /// # Errors
    /// 404 for a code that is not ours.
    pub async fn track(&self, code: &str) -> Result<PublicStatus, Problem> {
        let code: TrackingCode = code.parse().map_err(|_| no_such_code())?;
        if !self.0.identity.is_genuine(code) {
            return Err(no_such_code());
        }
        let request = TrackRequest { code: Some(code.hash.to_string()), receipt: None };
        let mut status = match self.ask::<_, PublicStatus>(Asker::Public, service::INTAKE, "report.track", &request).await {
            Ok(status) => status,
            Err(problem) if problem.status == 404 || problem.status == 503 => PublicStatus { state: "accepted".to_owned(), case: None },
            Err(problem) => return Err(problem),
        };
        if let Some(case) = &mut status.case
            && case.due.is_none()
        {
            case.due = self.due_of(&case.number).await;
        }
        Ok(status)
    }

    /// When a case is to be closed, from escalation, which owns the clocks. Asked by number: the public status names no case's id.
    async fn due_of(&self, number: &str) -> Option<duban_contracts::Timestamp> {
        let request = CaseDueRequest { cases: Vec::new(), number: Some(number.to_owned()) };
        let answer = self.ask::<_, CaseDueAnswer>(Asker::Public, service::ESCALATION, "case.due", &request).await;
        answer.ok().and_then(|answer| answer.due)
    }

    /// What became of a producer's reports that were rejected later.
    pub async fn results(&self, producer: &str, mut request: ResultsRequest) -> Result<Results, Problem> {
        request.producer = Some(producer.to_owned());
        self.ask(Asker::Producer { producer: producer.to_owned() }, service::INTAKE, "report.results", &request).await
    }

    async fn of_person<Req: Serialize, Res: DeserializeOwned>(
        &self,
        viewer: &Viewer,
        service: &str,
        name: &str,
        request: &Req,
    ) -> Result<Res, Problem> {
        self.ask(viewer.asker(), service, name, request).await
    }

    async fn ask<Req: Serialize, Res: DeserializeOwned>(
        &self,
        asker: Asker,
        service: &str,
        name: &str,
        request: &Req,
    ) -> Result<Res, Problem> {
        // While the connection is down a question would only wait for its time to run out.
        if !self.0.bus.is_connected() {
            return Err(Problem::unavailable(service));
        }
        self.0.bus.call(self.call(asker, service, name, request)?).await
    }

    fn call<Req: Serialize>(&self, asker: Asker, service: &str, name: &str, request: &Req) -> Result<Call, Problem> {
        let claim = Claim::new(asker, now()).sign(&self.0.key);
        Ok(Call::new(service, name).body(request)?.claim(&claim).timeout(PATIENCE))
    }

    fn entry_of_delivery(&self, delivery: &DeliveryEvent) -> TimelineEntry {
        let name = self.0.holdings.name_of(&delivery.person);
        let (zh, en) = match delivery.state.as_str() {
            "sent" => ("已送达", "sent"),
            "failed" => ("发送失败", "failed"),
            "cancelled" => ("已取消", "cancelled"),
            _ => ("待发送", "waiting"),
        };
        TimelineEntry {
            id: delivery.delivery,
            at: delivery.sent_at.unwrap_or(delivery.created_at),
            event: format!("delivery.{}", delivery.state),
            text: format!("{} to {name} ({}): {en}", delivery.channel, delivery.address),
            text_zh: format!("向{name}投递（{}，{}）：{zh}", delivery.channel, delivery.address),
            by: String::new(),
            note: None,
            article: None,
        }
    }
}

impl CaseWhole {
    /// A part that may not be seen is as good as empty; one that did not answer is said to be missing.
    fn missing(&mut self, service: &str, problem: &Problem) {
        if problem.status >= 500 {
            self.unavailable.push(service.to_owned());
        }
    }
}

fn entry_of_record(record: &RecordEvent) -> TimelineEntry {
    TimelineEntry {
        id: record.record,
        at: record.filed_at,
        event: "record.filed".to_owned(),
        text: format!("filed as {}, edition {}", record.index_number, record.edition),
        text_zh: format!("已归档，编号{}，第{}版", record.index_number, record.edition),
        by: String::new(),
        note: None,
        article: None,
    }
}

fn asker_of(link: &Link, act: &str) -> Asker {
    Asker::Link { link: link.link, person: link.person.clone(), act: act.to_owned(), on: link.alert }
}

fn known_service(name: &str) -> Result<&'static str, Problem> {
    service::ALL.into_iter().find(|known| *known == name).ok_or_else(Problem::not_found)
}

fn no_such_code() -> Problem {
    Problem::new(404, "not-found", "There is no report with this code; check it for slips", "查询码不存在，请核对后重试")
}

/// Mechanism time: claims are compared with the real clock.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|d| i64::try_from(d.as_secs()).ok()).unwrap_or_default()
}
