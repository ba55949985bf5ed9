//! Every message of Duban in one list, with the JSON Schema of its struct; published as an AsyncAPI 3 document (`docs/asyncapi.json`).
//!
//! The list is what the contract tests hold real messages against, so a message that is not here fails them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Published on a stream, read by whoever needs it.
    Event,
    /// Asked of a service, with its answer.
    Request,
    /// Sent in by producers.
    Producer,
}

/// One subject with what travels on it.
pub struct Entry {
    /// Subject; `{name}` stands for one token.
    pub address: &'static str,
    pub sort: Sort,
    pub summary: &'static str,
    pub message: Schema,
    /// The answer, for requests.
    pub answer: Option<Schema>,
}

fn schema<T: JsonSchema>() -> Schema {
    SchemaGenerator::default().into_root_schema_for::<T>()
}

fn event<T: JsonSchema>(address: &'static str, summary: &'static str) -> Entry {
    Entry { address, sort: Sort::Event, summary, message: schema::<T>(), answer: None }
}

fn request<Q: JsonSchema, A: JsonSchema>(address: &'static str, summary: &'static str) -> Entry {
    Entry { address, sort: Sort::Request, summary, message: schema::<Q>(), answer: Some(schema::<A>()) }
}

/// All of them, in the order of a report's journey.
pub fn entries() -> Vec<Entry> {
    let mut all = producers();
    all.extend(events());
    all.extend(requests());
    all
}

fn producers() -> Vec<Entry> {
    use crate::report::{Accepted, Report, Results, ResultsRequest};
    let reply = schema::<Accepted>();
    vec![
        Entry {
            address: "duban.report.v1.{channel}.{producer}",
            sort: Sort::Producer,
            summary: "A producer sends a report; the reply is the receipt, or `error` with the problem",
            message: schema::<Report>(),
            answer: Some(reply),
        },
        Entry {
            address: "duban.report-result.v1.{producer}.list",
            sort: Sort::Producer,
            summary: "A producer asks which of its accepted reports were rejected later",
            message: schema::<ResultsRequest>(),
            answer: Some(schema::<Results>()),
        },
    ]
}

fn events() -> Vec<Entry> {
    vec![
        event::<crate::report::AcceptedReport>("duban.gateway.v1.report.accepted", "A report is on disk and waits for intake"),
        event::<crate::directory::DirectoryChanged>("duban.gateway.v1.directory.changed", "Units, posts, people or rights have changed"),
        event::<crate::policy::PolicyChanged>("duban.gateway.v1.policy.{happened}", "A policy set is announced, applied or withdrawn"),
        event::<crate::case::CaseEvent>("duban.intake.v1.case.{happened}", "Something happened to a case"),
        event::<crate::report::ReportEvent>("duban.intake.v1.report.{happened}", "An accepted report was rejected, admitted or dismissed"),
        event::<crate::source::SourceEvent>("duban.intake.v1.source.{happened}", "A watched producer has gone silent, or is so no longer"),
        event::<crate::duty::DutyEvent>("duban.escalation.v1.duty.{happened}", "A duty was opened, reminded of, breached, ended"),
        event::<crate::alert::AlertEvent>("duban.escalation.v1.alert.{happened}", "A rung was raised, acknowledged, closed"),
        event::<crate::absence::ReturnNoticed>(
            "duban.escalation.v1.return.noticed",
            "Somebody is back, and what came to others in his place still stands",
        ),
        event::<crate::timer::TimersLost>(
            "duban.escalation.v1.timer.lost",
            "Timers of duties had not been set to what their plans say, and are set right",
        ),
        event::<crate::delivery::DeliveryEvent>("duban.notifications.v1.delivery.{happened}", "A message was sent, failed, cancelled"),
        event::<crate::delivery::Unreachable>("duban.notifications.v1.alert.unreachable", "No channel of an alert got through to a person"),
        event::<crate::record::RecordEvent>("duban.archive.v1.record.{happened}", "A closed case's file is in the archive"),
    ]
}

fn requests() -> Vec<Entry> {
    use crate::{alert, case, dead, delivery, directory, duty, policy, record, rehearsal, report, source};
    vec![
        request::<report::KnownRequest, report::KnownAnswer>(
            "duban.intake.rpc.v1.report.known",
            "Which of these receipts are registered, with which body",
        ),
        request::<report::TrackRequest, report::PublicStatus>(
            "duban.intake.rpc.v1.report.track",
            "What the public may be told of a report",
        ),
        request::<case::CaseListRequest, case::CaseList>("duban.intake.rpc.v1.case.list", "The cases that the asker may see"),
        request::<case::CaseShowRequest, case::CaseDetail>("duban.intake.rpc.v1.case.show", "A case, as far as the asker may see it"),
        request::<case::EarlierRequest, case::EarlierAnswer>(
            "duban.intake.rpc.v1.case.earlier",
            "The older entries of a long timeline, by pages",
        ),
        request::<case::CaseActRequest, case::CaseActed>("duban.intake.rpc.v1.case.act", "A person moves a case or adds to it"),
        request::<case::VisibleRequest, case::VisibleAnswer>("duban.intake.rpc.v1.case.visible", "Which of these cases the asker may see"),
        request::<case::CaseShowRequest, case::WatchersAnswer>("duban.intake.rpc.v1.case.watchers", "Who can see a case, and why"),
        request::<case::DossierRequest, case::Dossier>("duban.intake.rpc.v1.case.dossier", "A case's part of its file, for archive alone"),
        request::<duty::TimelineRequest, duty::Timeline>(
            "duban.intake.rpc.v1.case.timeline",
            "What happened to a case, as intake knows it",
        ),
        request::<case::CaseListRequest, case::CaseExport>("duban.intake.rpc.v1.case.export", "Cases to be carried out of the system"),
        request::<report::ResultsRequest, report::Results>("duban.intake.rpc.v1.report.results", "What became of a producer's reports"),
        request::<report::RejectedListRequest, report::RejectedList>(
            "duban.intake.rpc.v1.report.rejected.list",
            "Reports that were accepted and could not be registered",
        ),
        request::<case::RejectedAct, report::RejectedActed>(
            "duban.intake.rpc.v1.report.rejected.admit",
            "A person admits a rejected report, corrected if need be",
        ),
        request::<case::RejectedAct, report::RejectedActed>(
            "duban.intake.rpc.v1.report.rejected.dismiss",
            "A person dismisses a rejected report",
        ),
        request::<duty::TrialFiguresRequest, duty::TrialFigures>("duban.escalation.rpc.v1.trial.figures", "What trials have made so far"),
        request::<rehearsal::RehearseRequest, rehearsal::Rehearsal>(
            "duban.escalation.rpc.v1.rehearsal.begin",
            "A draft of a set of packs is to be run over what really happened",
        ),
        request::<rehearsal::RehearsalListRequest, rehearsal::RehearsalList>(
            "duban.escalation.rpc.v1.rehearsal.list",
            "The rehearsals of late",
        ),
        request::<rehearsal::RehearsalShowRequest, rehearsal::RehearsalDetail>(
            "duban.escalation.rpc.v1.rehearsal.show",
            "What a rehearsal makes for posts or people, beside what really was made",
        ),
        request::<source::SourceListRequest, source::SourceList>(
            "duban.intake.rpc.v1.source.list",
            "When producers were heard last, and which are silent",
        ),
        request::<duty::DutyListRequest, duty::DutyList>("duban.escalation.rpc.v1.duty.list", "The duties that the asker may see"),
        request::<duty::WhyRequest, duty::WhyAnswer>("duban.escalation.rpc.v1.duty.why", "How a due time came about, and who is next"),
        request::<duty::TimelineRequest, duty::Timeline>("duban.escalation.rpc.v1.case.timeline", "Duties and alerts of a case"),
        request::<alert::AlertListRequest, alert::AlertList>("duban.escalation.rpc.v1.alert.list", "The asker's alerts"),
        request::<alert::AlertShowRequest, alert::AlertEvent>("duban.escalation.rpc.v1.alert.show", "One alert"),
        request::<alert::AcknowledgeRequest, alert::Acknowledged>(
            "duban.escalation.rpc.v1.alert.acknowledge",
            "A person acknowledges an alert",
        ),
        request::<alert::AlertShowRequest, alert::AlertEvent>(
            "duban.escalation.rpc.v1.alert.state",
            "Whether an alert still stands, just before it is sent",
        ),
        request::<duty::DutyCloseRequest, duty::DutyEvent>(
            "duban.escalation.rpc.v1.duty.close",
            "Who owes a recurring duty says that it is done",
        ),
        request::<duty::DutyActRequest, duty::DutyEvent>(
            "duban.escalation.rpc.v1.duty.act",
            "A duty is paused, resumed, extended, handed over, urged",
        ),
        request::<duty::CaseDueRequest, duty::CaseDueAnswer>("duban.escalation.rpc.v1.case.due", "By when cases are to be closed"),
        request::<policy::ForeseeRequest, policy::Foreseen>(
            "duban.escalation.rpc.v1.correction.foresee",
            "What a submitted correction would change of the duties that stand",
        ),
        request::<case::DossierRequest, case::Dossier>(
            "duban.escalation.rpc.v1.case.dossier",
            "Duties and alerts of a closed case, for archive alone",
        ),
        request::<delivery::DeliveryListRequest, delivery::DeliveryList>(
            "duban.notifications.rpc.v1.delivery.list",
            "Deliveries and their states",
        ),
        request::<delivery::LinkOpenRequest, delivery::Link>("duban.notifications.rpc.v1.link.open", "What a link in an alert is for"),
        request::<delivery::WebhookShowRequest, delivery::Webhook>(
            "duban.notifications.rpc.v1.webhook.show",
            "The secret that signs what is sent to a person's webhook",
        ),
        request::<duty::TimelineRequest, duty::Timeline>("duban.notifications.rpc.v1.case.timeline", "Deliveries of a case"),
        request::<case::DossierRequest, case::Dossier>(
            "duban.notifications.rpc.v1.case.dossier",
            "The deliveries' part of a case's file, for archive alone",
        ),
        request::<record::RecordListRequest, record::RecordList>("duban.archive.rpc.v1.record.list", "The records that the asker may see"),
        request::<record::RecordShowRequest, record::RecordDetail>("duban.archive.rpc.v1.record.show", "One record with its ledger"),
        request::<record::RecordContentRequest, record::RecordContent>(
            "duban.archive.rpc.v1.record.content",
            "A record's file, a piece at a time; each reading is in the ledger",
        ),
        request::<record::LedgerListRequest, record::LedgerList>("duban.archive.rpc.v1.ledger.list", "A stretch of the ledger's chain"),
        request::<duty::TimelineRequest, duty::Timeline>("duban.archive.rpc.v1.case.timeline", "What archive did with a case"),
        request::<dead::DeadListRequest, dead::DeadList>("duban.{service}.rpc.v1.dead.list", "Messages that a service could not handle"),
        request::<dead::DeadRequest, dead::DeadDetail>(
            "duban.{service}.rpc.v1.dead.show",
            "One of them, opened; that it was opened is recorded",
        ),
        request::<dead::DeadRequest, dead::DeadLetter>("duban.{service}.rpc.v1.dead.replay", "Handle it again under its own id"),
        request::<directory::SnapshotRequest, directory::Snapshot>("duban.gateway.rpc.v1.directory.snapshot", "A page of the directory"),
        request::<policy::PolicySnapshotRequest, policy::PolicySnapshot>(
            "duban.gateway.rpc.v1.policy.snapshot",
            "The sources of an applied policy set",
        ),
    ]
}

/// The entry of a subject, if there is one.
pub fn of_subject<'a>(entries: &'a [Entry], subject: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| matches(entry.address, subject))
}

fn matches(address: &str, subject: &str) -> bool {
    let (mut pattern, mut tokens) = (address.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), tokens.next()) {
            (None, None) => return true,
            (Some(p), Some(t)) if p == t || p.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// The AsyncAPI 3 document.
pub fn asyncapi() -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for entry in entries() {
        let id = channel_id(entry.address);
        let mut messages = Map::new();
        messages.insert("message".into(), json!({ "contentType": "application/json", "payload": entry.message }));
        if let Some(answer) = &entry.answer {
            messages.insert("answer".into(), json!({ "contentType": "application/json", "payload": answer }));
        }
        let parameters: Map<String, Value> = entry
            .address
            .split('.')
            .filter_map(|t| t.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| (name.to_owned(), json!({})))
            .collect();
        channels.insert(
            id.clone(),
            json!({ "address": entry.address, "description": entry.summary, "parameters": parameters, "messages": messages }),
        );
        let channel = json!({ "$ref": format!("#/channels/{id}") });
        let mut operation = json!({ "action": if entry.sort == Sort::Event { "send" } else { "receive" }, "channel": channel, "summary": entry.summary,
            "messages": [{ "$ref": format!("#/channels/{id}/messages/message") }] });
        if entry.answer.is_some() {
            operation["reply"] = json!({ "channel": channel, "messages": [{ "$ref": format!("#/channels/{id}/messages/answer") }] });
        }
        operations.insert(id, operation);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Duban", "version": env!("CARGO_PKG_VERSION"),
            "description": "Messages of Duban over NATS. Events are CloudEvents 1.0 in binary mode: attributes in ce-* headers, the body as here." },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    })
}

fn channel_id(address: &str) -> String {
    address.trim_start_matches("duban.").chars().filter(|c| !matches!(c, '{' | '}')).map(|c| if c == '.' { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_one_entry() {
        let all = entries();
        for entry in &all {
            let sample = entry
                .address
                .replace("{happened}", "x")
                .replace("{channel}", "phone")
                .replace("{producer}", "hotline")
                .replace("{service}", "intake");
            assert_eq!(all.iter().filter(|other| matches(other.address, &sample)).count(), 1, "{sample}");
        }
        assert!(of_subject(&all, "duban.intake.v1.case.registered").is_some());
        assert!(of_subject(&all, "duban.intake.v1.nothing").is_none());
    }

    /// `DUBAN_WRITE=1 cargo test -p duban-contracts` writes it anew.
    #[test]
    fn the_published_document_is_what_the_structs_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/asyncapi.json");
        let text = serde_json::to_string_pretty(&asyncapi()).unwrap() + "\n";
        if std::env::var_os("DUBAN_WRITE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == text, "docs/asyncapi.json is not what the structs say: run this with DUBAN_WRITE=1 and commit it");
    }
}
