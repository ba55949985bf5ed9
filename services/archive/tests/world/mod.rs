//! The world of these tests: a real Postgres and broker, the service as a process, the owners of a case's file played on the broker.

use anyhow::Result;
use duban_contracts::case::{CaseEvent, Dossier};
use duban_contracts::record::{RecordList, RecordListRequest};
use duban_contracts::{NewEvent, Problem, Timestamp};
use duban_local::neighbours::Heard;
use duban_local::process::{Process, Signal};
use duban_local::{Ground, Neighbours};
use duban_policy::Title;
use duban_policy::directory::{Directory, Grant, Holding, Language, Person, Post, Right, Scope, Unit};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);

pub const UNIT: &str = "BJ-4S-01";

/// `custodian` may read what is in records, `manager` may see records, `keeper` administers his unit alone, `stranger` may nothing; all but he
/// in the unit.
fn directory() -> Directory {
    let grant = |right| Grant { right, scope: Scope::Everywhere };
    let post = |role: &str, person: &str, rights: Vec<Grant>| Post {
        id: format!("{UNIT}/{role}"),
        unit: UNIT.into(),
        role: role.into(),
        title: Title::new(role, role),
        holders: vec![Holding { person: person.into(), from: None, until: None }],
        deputies: Vec::new(),
        rights,
    };
    let person = |id: &str| Person {
        id: id.into(),
        name: id.into(),
        email: None,
        phone: None,
        language: Language::Chinese,
        webhook: None,
        absences: Vec::new(),
        disabled: false,
    };
    let unit =
        Unit { code: UNIT.into(), title: Title::new("朝阳店", "Chaoyang"), parent: None, department: false, head: None, calendar: None };
    Directory::new(
        1,
        vec![unit],
        vec![
            post("custodian", "custodian", vec![grant(Right::See), grant(Right::SeePersonal), grant(Right::Administer)]),
            post("manager", "manager", vec![Grant { right: Right::See, scope: Scope::Unit }]),
            post("keeper", "keeper", vec![Grant { right: Right::Administer, scope: Scope::Unit }]),
        ],
        ["custodian", "manager", "keeper", "stranger"].map(person).into(),
        None,
    )
}

pub struct World {
    pub neighbours: Neighbours,
    pub heard: Heard,
    pub ground: Ground,
    service: Option<Process>,
    /// How often intake was asked for a file.
    pub asked: Arc<AtomicUsize>,
    /// How often it says 'not yet' before it answers.
    pub not_yet: Arc<AtomicUsize>,
    /// So many duties of the case are open, as escalation has it.
    pub open_duties: Arc<AtomicUsize>,
}

impl World {
    pub async fn start() -> Result<World> {
        let ground = Ground::for_test().await?;
        let neighbours = Neighbours::of(&ground, &["gateway", "intake", "escalation", "notifications"]).await?;
        neighbours.answer_as_gateway(serde_json::to_value(directory())?, 1, Vec::new()).await?;
        let heard = neighbours.hear("archive").await?;
        let (asked, not_yet) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, left) = (asked.clone(), not_yet.clone());
        neighbours
            .answer("intake", "case.dossier", move |request| {
                // A long file comes in pieces.
                if request["from"] == "second" {
                    return Ok(dossier("intake", &request, json!({ "timeline": [LAST_WORD] })));
                }
                count.fetch_add(1, Ordering::SeqCst);
                if left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    return Err(Problem::refused("not-yet", "Not yet", "尚未"));
                }
                let mut first = dossier("intake", &request, json!({ "report": { "text": TEXT, "nr": 1.5 }, "timeline": ["登记"] }));
                first["next"] = json!("second");
                Ok(first)
            })
            .await?;
        // In two pages.
        let open_duties = Arc::new(AtomicUsize::new(0));
        let open = open_duties.clone();
        let pages = move |request: serde_json::Value| {
            let is_first = request["from"].is_null();
            let unsettled = open.load(Ordering::SeqCst) > 0;
            if unsettled && request["settled"] == true {
                return Err(Problem::refused("not-yet", "Not yet", "尚未"));
            }
            let mut page = dossier("escalation", &request, json!({ "duties": [if is_first { 1 } else { 2 }] }));
            page["next"] = json!(is_first.then_some("1"));
            page["unsettled"] = json!(unsettled);
            Ok(page)
        };
        neighbours.answer("escalation", "case.dossier", pages).await?;
        neighbours.answer("notifications", "case.dossier", move |request| Ok(dossier("notifications", &request, json!([])))).await?;
        let mut world = World { neighbours, heard, ground, service: None, asked, not_yet, open_duties };
        world.start_service()?;
        // By then it answers, and knows who may see what.
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let answer = world.ask::<RecordList>("manager", "record.list", &RecordListRequest::default()).await;
            if matches!(answer, Ok(Ok(_))) {
                return Ok(world);
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "archive does not answer: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn start_service(&mut self) -> Result<()> {
        let mut environment: BTreeMap<String, String> = self.ground.settings("archive")?.into_iter().map(|s| (s.name, s.value)).collect();
        environment.insert("DUBAN_BIND".into(), "127.0.0.1:0".into());
        environment.insert("DUBAN_DOSSIER_TIMEOUT_MS".into(), "500".into());
        let mut command = Command::new(env!("CARGO_BIN_EXE_duban-archive"));
        command.envs(&environment);
        self.service = Some(Process::spawn("archive", command, &self.ground.dir().join("archive.log"), Signal::TERM)?);
        Ok(())
    }

    pub async fn kill9(&mut self) {
        if let Some(service) = &mut self.service {
            service.kill9().await;
        }
    }

    pub async fn case(&self, happened: &str, case: &CaseEvent, event: Uuid, time: &str) -> Result<()> {
        let time: Timestamp = time.parse()?;
        let event =
            NewEvent::new("intake", &format!("case.{happened}"), format!("case/{}", case.case), case.version, time, case).with_id(event);
        Ok(self.neighbours.publish(&event).await?)
    }

    pub async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        person: &str,
        name: &str,
        request: &impl serde::Serialize,
    ) -> Result<Result<A, Problem>> {
        Ok(self.neighbours.ask(Some(person), "archive", name, request).await?)
    }

    /// Waits until no case waits to be filed.
    pub async fn nothing_waits(&self) -> Result<()> {
        let pool = self.database().await?;
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let left: i64 = sqlx::query_scalar("select count(*) from filing where state = 'waiting'").fetch_one(&pool).await?;
            if left == 0 {
                return Ok(());
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "{left} wait to be filed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A connection as the service itself.
    pub async fn database(&self) -> Result<sqlx::PgPool> {
        Ok(sqlx::PgPool::connect(&self.ground.database_url("archive")?).await?)
    }
}

/// What must not be read in the database.
pub const TEXT: &str = "车辆交付后发动机异响，多次维修无果";
/// Stands in the second piece of intake's part.
pub const LAST_WORD: &str = "已结案";

fn dossier(service: &str, request: &serde_json::Value, content: serde_json::Value) -> serde_json::Value {
    let case = serde_json::from_value(request["case"].clone()).unwrap_or_default();
    json!(Dossier { service: service.into(), case, content, unsettled: false, alert: None, next: None })
}

pub fn case(number: u128, version: i64) -> CaseEvent {
    serde_json::from_value(json!({
        "case": Uuid::from_u128(number), "number": format!("TS-{number}"), "pack": "car-dealer-complaints", "kind": "complaint", "unit": UNIT,
        "severity": "normal", "stage": "closed", "channel": "phone", "producer": "hotline", "title": "Complaint", "title_zh": "客户投诉",
        "occurred_at": "2026-03-01T00:00:00Z", "received_at": "2026-03-01T01:00:00Z", "registered_at": "2026-03-01T01:00:01Z",
        "policy": 1, "version": version,
    }))
    .unwrap()
}
