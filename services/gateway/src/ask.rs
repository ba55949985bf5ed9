//! Asking the other services, on behalf of a person, a link, a producer or the public. API and pages ask through here alone.
//!
//! Every question carries a claim, signed here and good for a minute; the owner of the data decides what the asker may see.

use crate::holdings::Holdings;
use crate::questions::{self, Question};
use crate::viewer::Viewer;
use duban_contracts::Problem;
use duban_contracts::alert::{AcknowledgeRequest, Acknowledged, AlertEvent, AlertList, AlertListRequest, AlertShowRequest};
use duban_contracts::case::{
    CaseActRequest, CaseActed, CaseDetail, CaseExport, CaseList, CaseListRequest, CaseShowRequest, RejectedAct, TimelineEntry,
    VisibleAnswer, VisibleRequest, WatchersAnswer,
};
use duban_contracts::case::{EarlierAnswer, EarlierRequest};
use duban_contracts::claim::{Asker, Claim};
use duban_contracts::dead::{DeadDetail, DeadList, DeadListRequest, DeadRequest};
use duban_contracts::delivery::{DeliveryEvent, DeliveryList, DeliveryListRequest, Link, LinkOpenRequest, Webhook, WebhookShowRequest};
use duban_contracts::duty::{
    CaseDueAnswer, CaseDueRequest, DutyActRequest, DutyCloseRequest, DutyEvent, DutyList, DutyListRequest, Timeline, TimelineRequest,
    TrialFigures, TrialFiguresRequest, WhyAnswer, WhyRequest,
};
use duban_contracts::identity::{IdentityKeys, TrackingCode};
use duban_contracts::policy::{ForeseeRequest, Foreseen};
use duban_contracts::record::{RecordDetail, RecordEvent, RecordList, RecordListRequest, RecordShowRequest};
use duban_contracts::rehearsal::{Rehearsal, RehearsalDetail, RehearsalList, RehearsalListRequest, RehearsalShowRequest, RehearseRequest};
use duban_contracts::report::{
    PublicStatus, RejectedActed, RejectedDetail, RejectedList, RejectedListRequest, Results, ResultsRequest, TrackRequest,
};
use duban_contracts::source::{SourceList, SourceListRequest};
use duban_contracts::subjects::service;
use duban_platform::Bus;
use duban_platform::rpc::Call;
use ed25519_dalek::SigningKey;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
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

impl Services {
    pub fn new(bus: Bus, key: SigningKey, identity: IdentityKeys, holdings: Holdings) -> Self {
        Self(Arc::new(Parts { bus, key, identity, holdings }))
    }

    /// # Errors
    /// The service's problem, or 503 while it is down; so for all that follow.
    pub async fn case_list(&self, viewer: &Viewer, request: &CaseListRequest) -> Result<CaseList, Problem> {
        self.of_person(viewer, questions::CASE_LIST, request).await
    }

    pub async fn case_show(&self, viewer: &Viewer, request: &CaseShowRequest) -> Result<CaseDetail, Problem> {
        self.of_person(viewer, questions::CASE_SHOW, request).await
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
        // What happened at the same instant stays in the order of cause and effect: a case before its duties, these before their messages.
        whole.timeline.sort_by_key(|entry| entry.at);
        let mut seen = HashSet::new();
        whole.timeline.retain(|entry| seen.insert(entry.id));
        Ok(whole)
    }

    /// Duties and alerts of a case, page by page.
    async fn timeline_of_duties(&self, viewer: &Viewer, case: Uuid) -> Result<Timeline, Problem> {
        let mut whole = Timeline { entries: Vec::new(), duties: Vec::new(), next: None };
        loop {
            let request = TimelineRequest { case, after: whole.next.take() };
            let page: Timeline = self.of_person(viewer, questions::CASE_TIMELINE, &request).await?;
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
        self.act(viewer, questions::CASE_ACT, request_id, expected, act).await
    }

    /// A page of cases to be carried out of the system; that it was asked for is kept.
    pub async fn case_export(&self, viewer: &Viewer, request: &CaseListRequest) -> Result<CaseExport, Problem> {
        self.of_person(viewer, questions::CASE_EXPORT, request).await
    }

    /// The older entries of a long timeline.
    ///
    /// # Errors
    /// As [`Self::case_show`].
    pub async fn case_earlier(&self, viewer: &Viewer, request: &EarlierRequest) -> Result<EarlierAnswer, Problem> {
        self.of_person(viewer, questions::CASE_EARLIER, request).await
    }

    pub async fn case_watchers(&self, viewer: &Viewer, case: Uuid) -> Result<WatchersAnswer, Problem> {
        self.of_person(viewer, questions::CASE_WATCHERS, &CaseShowRequest { case: Some(case), number: None }).await
    }

    pub async fn case_visible(&self, viewer: &Viewer, cases: Vec<Uuid>) -> Result<VisibleAnswer, Problem> {
        self.of_person(viewer, questions::CASE_VISIBLE, &VisibleRequest { cases }).await
    }

    pub async fn alert_list(&self, viewer: &Viewer, request: &AlertListRequest) -> Result<AlertList, Problem> {
        self.of_person(viewer, questions::ALERT_LIST, request).await
    }

    pub async fn alert_show(&self, viewer: &Viewer, alert: Uuid) -> Result<AlertEvent, Problem> {
        self.of_person(viewer, questions::ALERT_SHOW, &AlertShowRequest { alert }).await
    }

    pub async fn alert_acknowledge(&self, viewer: &Viewer, request_id: Uuid, alert: Uuid) -> Result<Acknowledged, Problem> {
        self.act(viewer, questions::ALERT_ACKNOWLEDGE, request_id, None, &AcknowledgeRequest { alert }).await
    }

    pub async fn duty_list(&self, viewer: &Viewer, request: &DutyListRequest) -> Result<DutyList, Problem> {
        self.of_person(viewer, questions::DUTY_LIST, request).await
    }

    pub async fn duty_why(&self, viewer: &Viewer, duty: Uuid) -> Result<WhyAnswer, Problem> {
        self.of_person(viewer, questions::DUTY_WHY, &WhyRequest { duty }).await
    }

    /// What trials have made so far.
    pub async fn trial_figures(&self, viewer: &Viewer, request: &TrialFiguresRequest) -> Result<TrialFigures, Problem> {
        self.of_person(viewer, questions::TRIAL_FIGURES, request).await
    }

    /// A draft is to be run over what really happened.
    pub async fn rehearsal_begin(&self, viewer: &Viewer, request: &RehearseRequest) -> Result<Rehearsal, Problem> {
        self.of_person(viewer, questions::REHEARSAL_BEGIN, request).await
    }

    pub async fn rehearsal_list(&self, viewer: &Viewer, request: &RehearsalListRequest) -> Result<RehearsalList, Problem> {
        self.of_person(viewer, questions::REHEARSAL_LIST, request).await
    }

    pub async fn rehearsal_show(&self, viewer: &Viewer, request: &RehearsalShowRequest) -> Result<RehearsalDetail, Problem> {
        self.of_person(viewer, questions::REHEARSAL_SHOW, request).await
    }

    /// A person says that a duty is done which no event closes.
    pub async fn duty_close(
        &self,
        viewer: &Viewer,
        request_id: Uuid,
        expected: Option<i64>,
        request: &DutyCloseRequest,
    ) -> Result<DutyEvent, Problem> {
        self.act(viewer, questions::DUTY_CLOSE, request_id, expected, request).await
    }

    /// A person pauses, resumes, extends or hands over a duty, or urges.
    pub async fn duty_act(
        &self,
        viewer: &Viewer,
        request_id: Uuid,
        expected: Option<i64>,
        request: &DutyActRequest,
    ) -> Result<DutyEvent, Problem> {
        self.act(viewer, questions::DUTY_ACT, request_id, expected, request).await
    }

    /// What a submitted correction would change of the duties that stand.
    pub async fn foresee(&self, viewer: &Viewer, request: &ForeseeRequest) -> Result<Foreseen, Problem> {
        self.of_person(viewer, questions::CORRECTION_FORESEE, request).await
    }

    pub async fn delivery_list(&self, viewer: &Viewer, request: &DeliveryListRequest) -> Result<DeliveryList, Problem> {
        self.of_person(viewer, questions::DELIVERY_LIST, request).await
    }

    /// The secret of a person's webhook; without a person, of the viewer's own.
    pub async fn webhook_show(&self, viewer: &Viewer, person: Option<String>) -> Result<Webhook, Problem> {
        self.of_person(viewer, questions::WEBHOOK_SHOW, &WebhookShowRequest { person }).await
    }

    pub async fn record_list(&self, viewer: &Viewer, request: &RecordListRequest) -> Result<RecordList, Problem> {
        self.of_person(viewer, questions::RECORD_LIST, request).await
    }

    pub async fn record_show(&self, viewer: &Viewer, record: Uuid) -> Result<RecordDetail, Problem> {
        self.of_person(viewer, questions::RECORD_SHOW, &RecordShowRequest { record }).await
    }

    pub async fn rejected_list(&self, viewer: &Viewer, request: &RejectedListRequest) -> Result<RejectedList, Problem> {
        self.of_person(viewer, questions::REJECTED_LIST, request).await
    }

    /// One rejected report.
    ///
    /// # Errors
    /// 404 unknown or not his to decide about; 403 for who decides about none.
    pub async fn rejected_show(&self, viewer: &Viewer, rejected: Uuid) -> Result<RejectedDetail, Problem> {
        let request = RejectedListRequest { rejected: Some(rejected), ..RejectedListRequest::default() };
        let list = self.rejected_list(viewer, &request).await?;
        // An intake of an older version does not know the filter and answers with others.
        list.rejected.into_iter().find(|found| found.rejected == rejected).ok_or_else(Problem::not_found)
    }

    /// Admits or dismisses a rejected report. With a version, only the one that the decider saw.
    pub async fn rejected_act(
        &self,
        viewer: &Viewer,
        request_id: Uuid,
        expected: Option<i64>,
        act: &RejectedAct,
    ) -> Result<RejectedActed, Problem> {
        let question = match act {
            RejectedAct::Admit { .. } => questions::REJECTED_ADMIT,
            RejectedAct::Dismiss { .. } => questions::REJECTED_DISMISS,
        };
        self.act(viewer, question, request_id, expected, act).await
    }

    /// When producers were heard last, and which are silent.
    pub async fn source_list(&self, viewer: &Viewer) -> Result<SourceList, Problem> {
        self.of_person(viewer, questions::SOURCE_LIST, &SourceListRequest {}).await
    }

    pub async fn dead_list(&self, viewer: &Viewer, service: &str, request: &DeadListRequest) -> Result<DeadList, Problem> {
        self.of_person(viewer, questions::DEAD_LIST.of(known_service(service)?), request).await
    }

    pub async fn dead_show(&self, viewer: &Viewer, service: &str, letter: Uuid) -> Result<DeadDetail, Problem> {
        self.of_person(viewer, questions::DEAD_SHOW.of(known_service(service)?), &DeadRequest { letter }).await
    }

    pub async fn dead_replay(&self, viewer: &Viewer, request_id: Uuid, service: &str, letter: Uuid) -> Result<Value, Problem> {
        self.act(viewer, questions::DEAD_REPLAY.of(known_service(service)?), request_id, None, &DeadRequest { letter }).await
    }

    /// What a link in a message is for.
    pub async fn link_open(&self, token: &str) -> Result<Link, Problem> {
        let request = LinkOpenRequest { token: token.to_owned() };
        self.ask(Asker::Public, questions::LINK_OPEN, &request).await
    }

    /// The alert of a link, as its holder may see it.
    pub async fn link_alert(&self, link: &Link) -> Result<AlertEvent, Problem> {
        self.ask(asker_of(link, "show"), questions::ALERT_SHOW, &AlertShowRequest { alert: link.alert }).await
    }

    /// Acknowledges by link. The request id is the link's own, so that pressing twice is one act.
    pub async fn link_acknowledge(&self, link: &Link) -> Result<Acknowledged, Problem> {
        let request = AcknowledgeRequest { alert: link.alert };
        let call = self.call(asker_of(link, "acknowledge"), questions::ALERT_ACKNOWLEDGE, &request)?;
        self.0.bus.call(call.request_id(link.link)).await
    }

    /// What the public may be told of a report, by its tracking code or its receipt. A genuine code that intake does not know yet, or while it
    /// is down, is 'accepted'; nothing in a receipt shows that it is genuine, so one is known once its report is registered.
    ///
    /// # Errors
    /// 404 for a code that is not ours, or a receipt that is not registered; 503 for a receipt while intake is down.
    pub async fn track(&self, asked: &str) -> Result<PublicStatus, Problem> {
        let mut status = match asked.trim().parse::<Uuid>() {
            Ok(receipt) => self.status(&TrackRequest { code: None, receipt: Some(receipt) }).await?,
            Err(_) => self.status_of_code(asked).await?,
        };
        if let Some(case) = &mut status.case
            && case.due.is_none()
        {
            case.due = self.due_of(&case.number).await;
        }
        Ok(status)
    }

    async fn status_of_code(&self, code: &str) -> Result<PublicStatus, Problem> {
        let code: TrackingCode = code.parse().map_err(|_| no_such_code())?;
        if !self.0.identity.is_genuine(code) {
            return Err(no_such_code());
        }
        match self.status(&TrackRequest { code: Some(code.hash.to_string()), receipt: None }).await {
            Err(problem) if problem.status == 404 || problem.status == 503 => Ok(PublicStatus { state: "accepted".to_owned(), case: None }),
            answer => answer,
        }
    }

    async fn status(&self, request: &TrackRequest) -> Result<PublicStatus, Problem> {
        self.ask(Asker::Public, questions::REPORT_TRACK, request).await
    }

    /// When a case is to be closed, from escalation, which owns the clocks. Asked by number: the public status names no case's id.
    async fn due_of(&self, number: &str) -> Option<duban_contracts::Timestamp> {
        let request = CaseDueRequest { cases: Vec::new(), number: Some(number.to_owned()) };
        let answer = self.ask::<_, CaseDueAnswer>(Asker::Public, questions::CASE_DUE, &request).await;
        answer.ok().and_then(|answer| answer.due)
    }

    /// What became of a producer's reports that were rejected later.
    pub async fn results(&self, producer: &str, mut request: ResultsRequest) -> Result<Results, Problem> {
        request.producer = Some(producer.to_owned());
        self.ask(Asker::Producer { producer: producer.to_owned() }, questions::REPORT_RESULTS, &request).await
    }

    async fn of_person<Req: Serialize, Res: DeserializeOwned>(
        &self,
        viewer: &Viewer,
        question: Question,
        request: &Req,
    ) -> Result<Res, Problem> {
        self.ask(viewer.asker(), question, request).await
    }

    /// An act of a person: with a request id, so that it is done once, and the version that he saw, where that counts.
    async fn act<Req: Serialize, Res: DeserializeOwned>(
        &self,
        viewer: &Viewer,
        question: Question,
        request_id: Uuid,
        expected: Option<i64>,
        request: &Req,
    ) -> Result<Res, Problem> {
        let mut call = self.call(viewer.asker(), question, request)?.request_id(request_id);
        if let Some(version) = expected {
            call = call.expected_version(version);
        }
        self.0.bus.call(call).await
    }

    async fn ask<Req: Serialize, Res: DeserializeOwned>(&self, asker: Asker, question: Question, request: &Req) -> Result<Res, Problem> {
        // While the connection is down a question would only wait for its time to run out.
        if !self.0.bus.is_connected() {
            return Err(Problem::unavailable(question.service));
        }
        self.0.bus.call(self.call(asker, question, request)?).await
    }

    fn call<Req: Serialize>(&self, asker: Asker, question: Question, request: &Req) -> Result<Call, Problem> {
        let claim = Claim::new(asker, now()).sign(&self.0.key);
        Ok(Call::new(question.service, question.name).body(request)?.claim(&claim).timeout(PATIENCE))
    }

    fn entry_of_delivery(&self, delivery: &DeliveryEvent) -> TimelineEntry {
        let name = self.0.holdings.name_of(&delivery.person);
        let (zh, en) = match delivery.state.as_str() {
            "sent" => ("已发出", "sent"),
            "failed" => ("发送失败", "failed"),
            "cancelled" => ("已取消", "cancelled"),
            _ => ("待发送", "waiting"),
        };
        let (way_zh, way) = match delivery.channel.as_str() {
            "email" => ("邮件", "Email"),
            "webhook" => ("回调", "Webhook"),
            other => (other, other),
        };
        TimelineEntry {
            id: delivery.delivery,
            at: delivery.sent_at.unwrap_or(delivery.created_at),
            event: format!("delivery.{}", delivery.state),
            text: format!("{way} to {name} ({}): {en}", delivery.address),
            text_zh: format!("{way_zh}通知{name}（{}）：{zh}", delivery.address),
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
