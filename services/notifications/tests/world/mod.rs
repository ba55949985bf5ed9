//! The world of these tests: a real Postgres and broker, the service as a process, its neighbours played on the broker, a mail catcher and
//! webhook receivers on real sockets.
#![allow(dead_code, reason = "each test file uses its part of the world")]

pub mod hook;
pub mod relay;

use anyhow::{Context, Result};
use duban_contracts::alert::{Acknowledgement, AlertEvent, Recipient};
use duban_contracts::case::CaseEvent;
use duban_contracts::delivery::{DeliveryEvent, DeliveryList, DeliveryListRequest};
use duban_contracts::duty::{DutyEvent, NextRung};
use duban_contracts::{NewEvent, Problem, Timestamp, ids};
use duban_local::mail_catcher::MailCatcherSettings;
use duban_local::neighbours::Heard;
use duban_local::process::{Process, Signal};
use duban_local::{Ground, MailCatcher, Neighbours, Port};
use duban_policy::Title;
use duban_policy::directory::{Directory, Grant, Holding, Language, Person, Post, Right, Scope, Unit};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use uuid::Uuid;

/// How long anything may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(120);

pub const UNIT: &str = "BJ-4S-01";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A person of the demonstration unit: `post` and ways to reach him.
pub fn person(id: &str, email: Option<&str>, webhook: Option<String>, language: Language) -> Person {
    Person {
        id: id.into(),
        name: format!("{}先生", id.to_uppercase()),
        email: email.map(str::to_owned),
        phone: None,
        language,
        webhook,
        absences: Vec::new(),
        disabled: false,
    }
}

/// Everybody is store manager but the last, who is on duty at the group and may see everything.
pub fn directory(people: Vec<Person>) -> Directory {
    let title = |zh: &str, en: &str| Title::new(zh, en);
    let unit = |code: &str, zh: &str, en: &str, parent: Option<&str>| Unit {
        code: code.into(),
        title: title(zh, en),
        parent: parent.map(str::to_owned),
        department: false,
        head: None,
        calendar: None,
    };
    let hold = |person: &str| Holding { person: person.into(), from: None, until: None };
    let post = |unit: &str, role: &str, zh: &str, en: &str, holders: Vec<Holding>, rights: Vec<Grant>| Post {
        id: format!("{unit}/{role}"),
        unit: unit.into(),
        role: role.into(),
        title: title(zh, en),
        holders,
        deputies: Vec::new(),
        rights,
    };
    let mut all = people;
    all.push(person("director", Some("director@duban.example"), None, Language::Chinese));
    all.push(person("stranger", None, None, Language::Chinese));
    let managers = all.iter().map(|person| person.id.as_str()).filter(|id| *id != "director" && *id != "stranger").map(hold).collect();
    let everywhere = |right| Grant { right, scope: Scope::Everywhere };
    Directory::new(
        1,
        vec![unit("GROUP", "集团", "Group", None), unit(UNIT, "朝阳店", "Chaoyang store", Some("GROUP"))],
        vec![
            post(UNIT, "store-manager", "店长", "store manager", managers, Vec::new()),
            post(UNIT, "receiver", "受理员", "receiver", Vec::new(), Vec::new()),
            post(
                "GROUP",
                "director",
                "督办主任",
                "director",
                vec![hold("director")],
                vec![everywhere(Right::See), everywhere(Right::Administer)],
            ),
        ],
        all,
        None,
    )
}

pub struct World {
    pub neighbours: Neighbours,
    pub heard: Heard,
    pub mail: MailCatcher,
    pub ground: Ground,
    service: Option<Process>,
    environment: BTreeMap<String, String>,
    port: Port,
}

impl World {
    pub async fn of(people: Vec<Person>) -> Result<World> {
        Self::with(people, &[]).await
    }

    /// With settings of its own.
    pub async fn with(people: Vec<Person>, settings: &[(&str, &str)]) -> Result<World> {
        let ground = Ground::for_test().await?;
        let mail = MailCatcher::start(MailCatcherSettings::default()).await?;
        let neighbours = Neighbours::of(&ground, &["gateway", "intake", "escalation"]).await?;
        neighbours.answer_as_gateway(serde_json::to_value(directory(people))?, 1, Vec::new()).await?;
        let heard = neighbours.hear("notifications").await?;
        let port = Port::reserve()?;
        let mut environment: BTreeMap<String, String> = ground.settings("notifications")?.into_iter().map(|s| (s.name, s.value)).collect();
        let own = [
            ("DUBAN_BIND", format!("127.0.0.1:{}", port.number())),
            ("DUBAN_SMTP_URL", mail.smtp_url()),
            ("DUBAN_PUBLIC_URL", "https://duban.example".to_owned()),
            ("DUBAN_DEMONSTRATION", "true".to_owned()),
            ("DUBAN_MAIL_FROM", "督办 <duban@duban.example>".to_owned()),
            ("DUBAN_DELIVERY_BACKOFF_MS", "200".to_owned()),
            ("DUBAN_DELIVERY_BACKOFF_CAP_MS", "1000".to_owned()),
            ("DUBAN_DELIVERY_TIMEOUT_MS", "3000".to_owned()),
            ("RUST_LOG", "info,duban=debug".to_owned()),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut world = World { neighbours, heard, mail, ground, service: None, environment, port };
        world.start()?;
        Ok(world)
    }

    pub fn start(&mut self) -> Result<()> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duban-notifications"));
        command.envs(&self.environment);
        let log = self.ground.dir().join("notifications.log");
        self.service = Some(Process::spawn("notifications", command, &log, Signal::TERM)?);
        Ok(())
    }

    pub async fn kill9(&mut self) {
        if let Some(service) = &mut self.service {
            service.kill9().await;
        }
    }

    /// Stops it in order and starts it again with these settings changed.
    pub async fn restart_with(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        if let Some(service) = &mut self.service {
            service.stop(LIMIT).await;
        }
        self.environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.start()
    }

    pub async fn metrics(&self) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/metrics", self.port.number());
        Ok(reqwest::get(url).await?.text().await?)
    }

    /// Publishes what escalation tells of an alert.
    pub async fn alert(&self, happened: &str, alert: &AlertEvent) -> Result<()> {
        let time = alert.acknowledgements.iter().map(|by| by.at).max().unwrap_or(alert.raised_at);
        let event = NewEvent::new("escalation", &format!("alert.{happened}"), format!("alert/{}", alert.alert), alert.version, time, alert)
            .with_id(ids::derived("event", &[happened, &alert.alert.to_string(), &alert.version.to_string()]))
            .with_traceparent(Some(TRACE.to_owned()));
        Ok(self.neighbours.publish(&event).await?)
    }

    pub async fn duty(&self, happened: &str, duty: &DutyEvent, time: Timestamp) -> Result<()> {
        let name = format!("duty.{happened}");
        let event = NewEvent::new("escalation", &name, format!("duty/{}", duty.duty), duty.version, time, duty);
        Ok(self.neighbours.publish(&event).await?)
    }

    pub async fn case(&self, happened: &str, case: &CaseEvent, event: Uuid) -> Result<()> {
        let name = format!("case.{happened}");
        let event = NewEvent::new("intake", &name, format!("case/{}", case.case), case.version, case.registered_at, case).with_id(event);
        Ok(self.neighbours.publish(&event).await?)
    }

    /// Waits until so many deliveries wait for a further attempt: what comes from now on is read after them.
    pub async fn wait_until_tried(&self, count: usize) -> Result<()> {
        let tried = |answer: &Result<DeliveryList, Problem>| {
            let waiting = |delivery: &&DeliveryEvent| delivery.state == "waiting" && delivery.last_error.is_some();
            answer.as_ref().is_ok_and(|list| list.deliveries.iter().filter(waiting).count() >= count)
        };
        self.ask_until(Some("director"), "delivery.list", &DeliveryListRequest::default(), tried).await??;
        Ok(())
    }

    /// Waits until no delivery waits any more: each was sent, has failed or was cancelled.
    pub async fn wait_until_all_ended(&self) -> Result<()> {
        let ended = |answer: &Result<DeliveryList, Problem>| {
            answer.as_ref().is_ok_and(|list| list.deliveries.iter().all(|delivery| delivery.state != "waiting"))
        };
        self.ask_until(Some("director"), "delivery.list", &DeliveryListRequest::default(), ended).await??;
        Ok(())
    }

    /// Waits until the service has read an event.
    pub async fn wait_until_read(&self, event: Uuid) -> Result<()> {
        let pool = sqlx::PgPool::connect(&self.ground.database_url("notifications")?).await?;
        let deadline = tokio::time::Instant::now() + LIMIT;
        // A service that has just been started has no tables yet.
        let begun = "select to_regclass('inbox') is not null";
        let read = "select exists (select 1 from inbox where id = $1)";
        while !sqlx::query_scalar::<_, bool>(begun).fetch_one(&pool).await?
            || !sqlx::query_scalar::<_, bool>(read).bind(event).fetch_one(&pool).await?
        {
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "{event} was not read");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until a figure is shown.
    pub async fn wait_for_figure(&self, figure: &str) -> Result<()> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let figures = self.metrics().await?;
            if figures.contains(figure) {
                return Ok(());
            }
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "no {figure} in {figures}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until so many more attempts at a person's deliveries have ended: whatever was under way before has ended too, and the last one was
    /// begun after this was called.
    pub async fn wait_for_attempts_at(&self, person: &str, more: i32) -> Result<()> {
        let all = DeliveryListRequest::default();
        let attempts = |list: &DeliveryList| list.deliveries.iter().filter(|one| one.person == person).map(|one| one.attempts).sum::<i32>();
        let before = self.ask_until(Some("director"), "delivery.list", &all, |answer| answer.is_ok()).await??;
        let before = attempts(&before);
        let tried = |answer: &Result<DeliveryList, Problem>| answer.as_ref().is_ok_and(|list| attempts(list) >= before + more);
        self.ask_until(Some("director"), "delivery.list", &all, tried).await??;
        Ok(())
    }

    /// The mails to an address so far.
    pub fn mails_to(&self, address: &str) -> Vec<duban_local::mail_catcher::Mail> {
        self.mail.messages().into_iter().filter(|mail| mail.to.iter().any(|to| to.contains(address))).collect()
    }

    /// Asks as a person until the answer is as wanted.
    pub async fn ask_until<A: serde::de::DeserializeOwned + std::fmt::Debug>(
        &self,
        person: Option<&str>,
        name: &str,
        request: &impl serde::Serialize,
        wanted: impl Fn(&Result<A, Problem>) -> bool,
    ) -> Result<Result<A, Problem>> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            let answer = self.neighbours.ask(person, "notifications", name, request).await;
            match answer {
                Ok(answer) if wanted(&answer) => return Ok(answer),
                answer => anyhow::ensure!(tokio::time::Instant::now() < deadline, "{name} did not answer as wanted: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the service wrote, for when a test fails.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.ground.dir().join("notifications.log")).unwrap_or_default()
    }
}

/// The trace of everything that these tests raise.
pub const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// An alert at the first rung, an hour after due.
pub fn alert(number: u128, people: &[&str]) -> AlertEvent {
    let duty = Uuid::from_u128(0xd000 + number);
    AlertEvent {
        alert: ids::derived("alert", &[&duty.to_string(), "1", "1", "0"]),
        duty,
        rule: "verify_identity".into(),
        pack: "car-dealer-complaints".into(),
        article: "2.3".into(),
        key: format!("case/{}", case_id(number)),
        case: Some(case_id(number)),
        title: format!("Check the customer's data, TS-{number}"),
        title_zh: format!("核实客户资料 TS-{number}"),
        link: format!("/cases/{}", case_id(number)),
        unit: UNIT.into(),
        owed_by: format!("{UNIT}/receiver"),
        sort: "breach".into(),
        run: 1,
        rung: 1,
        repetition: 0,
        recipients: people.iter().map(|person| recipient(person)).collect(),
        until: "any".into(),
        urgent: false,
        due_at: at("2026-03-02T02:00:00Z"),
        raised_at: at("2026-03-02T03:00:00Z"),
        late: false,
        trial: false,
        next: Some(NextRung {
            at: at("2026-03-02T06:00:00Z"),
            posts: vec!["GROUP/director".into()],
            people: vec!["director".into()],
            sort: "escalation".into(),
        }),
        state: "open".into(),
        acknowledgements: Vec::new(),
        policy: 1,
        excluded_people: Vec::new(),
        version: 1,
    }
}

pub fn case_id(number: u128) -> Uuid {
    Uuid::from_u128(0xca5e_0000 + number)
}

fn recipient(person: &str) -> Recipient {
    Recipient {
        person: person.into(),
        post: format!("{UNIT}/store-manager"),
        unit: UNIT.into(),
        how: "direct".into(),
        reason: None,
        reason_en: None,
        meant_for: Vec::new(),
    }
}

pub fn acknowledged(alert: &AlertEvent, by: &str, link: Option<Uuid>) -> AlertEvent {
    let mut alert = alert.clone();
    alert.state = "acknowledged".into();
    alert.acknowledgements.push(Acknowledgement { person: by.into(), at: at("2026-03-02T03:30:00Z"), link });
    alert.version += 1;
    alert
}

pub fn duty(alert: &AlertEvent, state: &str, version: i64) -> DutyEvent {
    DutyEvent {
        duty: alert.duty,
        rule: alert.rule.clone(),
        pack: alert.pack.clone(),
        article: alert.article.clone(),
        key: alert.key.clone(),
        case: alert.case,
        title: alert.title.clone(),
        title_zh: alert.title_zh.clone(),
        link: alert.link.clone(),
        unit: alert.unit.clone(),
        owed_by: format!("{UNIT}/receiver"),
        owed_to: Vec::new(),
        state: state.into(),
        opened_at: at("2026-03-01T02:00:00Z"),
        due_at: alert.due_at,
        closed_at: None,
        paused_until: None,
        handed_to: None,
        diverted: None,
        acted: None,
        late: false,
        trial: false,
        excluded_people: Vec::new(),
        policy: 1,
        version,
    }
}

pub fn case(number: u128, version: i64) -> CaseEvent {
    serde_json::from_value(json!({
        "case": case_id(number), "number": format!("TS-{number}"), "pack": "car-dealer-complaints", "kind": "complaint", "unit": UNIT,
        "severity": "normal", "stage": "received", "channel": "phone", "producer": "hotline", "title": "Complaint", "title_zh": "客户投诉",
        "occurred_at": "2026-03-01T00:00:00Z", "received_at": "2026-03-01T01:00:00Z", "registered_at": "2026-03-01T01:00:01Z",
        "policy": 1, "version": version,
    }))
    .context("a case")
    .unwrap()
}
