//! Scenarios played against the running services, on a clock that steps from one thing to the next: what they tell is what the simulation told,
//! in the same order, at the same second, with the same stages, due times, posts and people.
//!
//! Six of them in every run; all with `DUBAN_SCENARIOS=all` (`make soak` does it), some with the beginnings of their names in it. What comes
//! round is owed in every unit of the organisation: of that the scenario's own is looked at. That a source is silent or heard again is put into
//! intake's outbox; a scenario of what a service tells itself says that it is simulated alone, and is tested where it arises.

mod told;

use anyhow::Context;
use duban::policy::sources;
use duban_contracts::case::CaseAct;
use duban_contracts::rehearsal::{Made, Rehearsal, RehearsalDetail};
use duban_contracts::report::{Accepted, Report};
use duban_contracts::subjects::{self, event_name, service};
use duban_engine::simulate::{Act, Happens, Line, Reported, Scenario, particulars, play};
use duban_local::process::TemporaryFolder;
use duban_local::{ClockSetting, StackSettings};
use duban_policy::Policy;
use duban_policy::directory::{Delegator, Directory};
use duban_policy::organisation::Organisation;
use duban_policy::policy::trial::Trial;
use duban_tests::world::{self, repository};
use duban_tests::{World, until};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use reqwest::Method;
use serde_json::{Map, Value, json};
use sqlx::AssertSqlSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use told::{Told, in_order, service_of, written};
use uuid::Uuid;

/// Each waits more than it works.
const AT_ONCE: usize = 2;
const LIMIT: Duration = Duration::from_secs(120);
const ALWAYS: [&str; 6] = [
    "basics-source-silent",
    "store-complaints-in-time",
    "store-complaints-away",
    "store-complaints-forgotten",
    "store-complaints-paused",
    "car-dealer-complaints-weekly-report",
];
/// Which duty is meant: of the rule, and of this case, whichever pack it is owed by, or, where none is named, of the scenario's pack in any of its
/// units.
const MEANT: &str = "($1::uuid is null and duty.unit = any ($4) and duty.pack = $3 or duty.case_id = $1) and duty.rule = $2";
/// Told by the services and no line of a timeline: they follow from others that are.
const NO_LINES: [&str; 2] = ["alert.closed", "duty.moved"];

/// Events that intake tells of sources, and escalation takes from it.
const OF_SOURCES: &str = "source.";

/// Which scenarios are played.
enum Wanted {
    Always,
    All,
    /// Those whose names begin with one of these.
    Beginning(Vec<String>),
}

impl Wanted {
    fn said() -> Self {
        match std::env::var("DUBAN_SCENARIOS").as_deref() {
            Err(_) | Ok("") => Self::Always,
            Ok("all") => Self::All,
            Ok(beginnings) => Self::Beginning(beginnings.split(',').map(str::to_owned).collect()),
        }
    }

    fn includes(&self, name: &str) -> bool {
        match self {
            Self::Always => ALWAYS.contains(&name),
            Self::All => true,
            Self::Beginning(beginnings) => beginnings.iter().any(|beginning| name.starts_with(beginning)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_services_do_is_what_the_simulation_says() -> anyhow::Result<()> {
    let wanted = Wanted::said();
    let (policy, directory) = shipped()?;
    let (left_out, all): (Vec<_>, Vec<_>) = scenarios(&policy)?.into_iter().partition(|(_, scenario)| scenario.simulated_only.is_some());
    // None is left out but for what cannot be told from outside.
    let is_told_by_itself = |happens: &Happens| matches!(&happens.act, Act::Tell { event, .. } if !event.starts_with(OF_SOURCES));
    for (name, scenario) in &left_out {
        anyhow::ensure!(scenario.events.iter().any(is_told_by_itself), "{name} could be played");
        println!("{name}: simulated alone, {}", scenario.simulated_only.as_ref().map(|why| why.en.as_str()).unwrap_or_default());
    }
    let played: Vec<(String, Scenario)> = all.into_iter().filter(|(name, _)| wanted.includes(name)).collect();
    anyhow::ensure!(!played.is_empty(), "no scenario is called so");
    let wrong: Vec<String> = stream::iter(&played)
        .map(|(name, scenario)| {
            let (policy, directory) = (&policy, &directory);
            async move {
                let began = Instant::now();
                let found = differs(policy, directory, scenario).await.unwrap_or_else(|error| Some(format!("{error:#}")));
                println!("{name}: {} in {:.1?}", found.as_deref().unwrap_or("equal"), began.elapsed());
                found.map(|difference| format!("{name}, {difference}"))
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    println!("{} scenarios were played", played.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The first line at which the services do otherwise than the simulation, if any.
async fn differs(policy: &Policy, directory: &Directory, scenario: &Scenario) -> anyhow::Result<Option<String>> {
    let mut lines = play(policy, directory, scenario)?;
    // What is put in does not come out.
    lines.retain(|line| !line.event.starts_with(OF_SOURCES));
    let came = Playing::start(scenario, policy.zone(), directory, &lines).await?.through(&lines).await?;
    let expected = written(&lines);
    let is_other = |n: &usize| match (came.get(*n), expected.get(*n)) {
        (Some(came), Some(expected)) => !came.is(expected),
        _ => true,
    };
    let other = (0..came.len().max(expected.len())).find(is_other);
    Ok(other.map(|n| format!("line {}: simulated {:?}, came {:?}", n + 1, expected.get(n), came.get(n))))
}

/// A scenario under way on an installation of its own.
struct Playing<'a> {
    scenario: &'a Scenario,
    zone: TimeZone,
    /// Within which recurring duties are its own.
    units: Vec<String>,
    /// Rules whose duties are of no case: what comes round, and what is owed when something is told of no case.
    of_no_case: Vec<String>,
    world: World,
    /// Cases by the scenario's name of the report.
    cases: BTreeMap<String, Uuid>,
    refused: Vec<Told>,
}

impl<'a> Playing<'a> {
    async fn start(scenario: &'a Scenario, zone: &TimeZone, directory: &Directory, lines: &[Line]) -> anyhow::Result<Self> {
        let clock = Some(ClockSetting::Stepped { start: scenario.start.to_string() });
        let settings = StackSettings { clock, ..StackSettings::test() };
        let folder = TemporaryFolder::new()?;
        let trials = scenario.trials.iter().map(|trial| written_trial(trial, zone)).collect::<anyhow::Result<Vec<_>>>()?.concat();
        let policies = world::edited_policies(folder.path(), |organisation| format!("{organisation}\n{trials}"))?;
        let world = World::with_policies(settings, &policies).await?;
        let within = directory.units().filter(|unit| directory.is_within(&unit.code, &scenario.unit));
        let units = within.map(|unit| unit.code.clone()).collect();
        let of_unit = |line: &&Line| line.event.starts_with("duty.") && directory.unit(&line.about).is_some();
        let of_no_case: BTreeSet<String> = lines.iter().filter(of_unit).map(|line| line.what.clone()).collect();
        let of_no_case = of_no_case.into_iter().collect();
        let playing = Self { scenario, zone: zone.clone(), units, of_no_case, world, cases: BTreeMap::new(), refused: Vec::new() };
        // What comes round is opened from when escalation first looked, which must be before the clock is stepped over it.
        until("escalation to have looked at what comes round", LIMIT, || async {
            let looked = playing.world.count("select count(*) from escalation.recurrence").await?;
            anyhow::ensure!(looked == 1, "it has not");
            anyhow::Ok(())
        })
        .await?;
        playing.set_away().await?;
        Ok(playing)
    }

    /// Who is away and who acts for whom, set as an administrator does, and known to who raises.
    async fn set_away(&self) -> anyhow::Result<()> {
        let administrator = self.world.installation.administrator()?;
        for (person, absence) in &self.scenario.absent {
            let new = json!({ "person": person, "from": absence.from, "until": absence.until });
            administrator.act_once::<Value>("/v1/absences", Uuid::now_v7(), &new).await?;
        }
        for delegation in &self.scenario.delegated {
            let mut new = json!({ "to": delegation.to, "from": delegation.from, "until": delegation.until });
            match &delegation.of {
                Delegator::Person(person) => new["person"] = person.as_str().into(),
                Delegator::Post(post) => new["post"] = post.as_str().into(),
            }
            administrator.act_once::<Value>("/v1/delegations", Uuid::now_v7(), &new).await?;
        }
        until("escalation to know who is away", LIMIT, || async {
            let behind = "select count(*) from identity.directory_version told
                where not exists (select from escalation.directory_copy kept where kept.version >= told.version)";
            anyhow::ensure!(self.world.count(behind).await? == 0, "its directory is older");
            anyhow::Ok(())
        })
        .await
    }

    /// Steps to every instant at which something is to happen, lets it happen, and waits until as much was told as is to be.
    async fn through(mut self, lines: &[Line]) -> anyhow::Result<Vec<Told>> {
        let second = |at: Timestamp| at.as_second();
        let mut instants: BTreeSet<i64> = lines.iter().map(|line| second(line.at)).collect();
        instants.extend(self.scenario.events.iter().map(|happens| second(happens.at)));
        let scenario = self.scenario;
        // A little later within its second than what came before within its own: what hangs on that is due by then, the last of what the whole
        // organisation is told at one instant, too.
        let apart = 999 / i64::try_from(instants.len().max(1))?;
        for (nth, instant) in (1..).zip(instants) {
            let at = Timestamp::from_millisecond(instant * 1000 + nth * apart.min(20))?;
            self.world.step(&at.to_string()).await?;
            for happens in scenario.events.iter().filter(|happens| second(happens.at) == instant) {
                // As in the simulation, what is due is raised before anything is done.
                self.world.raised().await?;
                self.act(happens).await?;
                // What is done next at this instant builds on it.
                self.wait_for_cases(lines, instant).await?;
            }
            let expected = lines.iter().filter(|line| second(line.at) <= instant && line.event != "refused").count();
            until("as much to be told as was simulated", LIMIT, || async {
                let told = self.told().await?.len();
                anyhow::ensure!(told >= expected, "{told} of {expected} at {}", Timestamp::from_second(instant)?);
                anyhow::Ok(())
            })
            .await?;
        }
        // Nor is more told than was simulated.
        self.world.raised().await?;
        self.rehearsed().await?;
        let mut told = self.told().await?;
        told.append(&mut self.refused);
        self.world.stack.stop().await;
        Ok(in_order(told))
    }

    /// The set in force, rehearsed over what has happened, makes again the duties and breaches that were made, for every post, what comes round
    /// included. What falls due while the clock steps over it the services see later; of repetitions that it stepped over they raise none.
    async fn rehearsed(&self) -> anyhow::Result<()> {
        if !self.scenario.trials.is_empty() {
            return Ok(());
        }
        let administrator = self.world.installation.administrator()?;
        // A second on, so that what was done last lies before the end of it.
        let now = self.world.count("select floor(extract(epoch from domain_start))::bigint from clock.setting").await?;
        self.world.step(&Timestamp::from_second(now + 1)?.to_string()).await?;
        self.world.raised().await?;
        let new = json!({ "version": 1, "since": self.scenario.start.to_string() });
        let begun: Rehearsal = administrator.send(Method::POST, "/v1/rehearsals", &new).await?;
        let done = until("the rehearsal to be done", LIMIT, || async {
            let path = format!("/v1/rehearsals/{}", begun.id);
            let detail: RehearsalDetail = administrator.get(&path, &json!({ "limit": 200 })).await?;
            anyhow::ensure!(detail.rehearsal.state == "done", "{:?}", detail.rehearsal);
            anyhow::Ok(detail)
        })
        .await?;
        let differs = |made: &Made| (made.draft.duties, made.draft.breaches) != (made.real.duties, made.real.breaches);
        let other = done.rows.iter().find(|row| differs(&row.made));
        let made = done.rehearsal.made;
        anyhow::ensure!(!differs(&made) && other.is_none(), "{made:?}; first {other:?}");
        anyhow::ensure!(made.real.duties > 0 && made.draft.alerts >= made.real.alerts, "{made:?}");
        Ok(())
    }

    async fn wait_for_cases(&self, lines: &[Line], instant: i64) -> anyhow::Result<()> {
        let known = |line: &&Line| line.event.starts_with("case.") && self.cases.contains_key(&line.about);
        let earlier = lines.iter().filter(known).filter(|line| line.at.as_second() < instant).count();
        until("what was done to be told", LIMIT, || async {
            let told = self.told().await?.into_iter().filter(|told| told.service == "intake").count();
            anyhow::ensure!(told >= earlier, "{told} of {earlier}");
            anyhow::Ok(())
        })
        .await
    }

    async fn act(&mut self, happens: &Happens) -> anyhow::Result<()> {
        let at = happens.at.as_second();
        let (about, what, outcome) = match &happens.act {
            Act::Pass => return Ok(()),
            Act::Tell { event, with } => return self.tell(event, with).await,
            Act::Report(reported) => return self.report(reported).await,
            Act::Step { case, step, by, fields } => {
                let act = CaseAct::Step { name: step.clone(), fields: fields.clone(), note: None };
                (case.clone(), step.clone(), self.act_on(case, by, &act).await?)
            }
            Act::Attach { master, cases, by } => {
                let attached = cases.iter().map(|case| self.case(case)).collect::<anyhow::Result<Vec<Uuid>>>()?;
                let act = CaseAct::Attach { cases: attached, numbers: Vec::new(), reason: "同一事件".into() };
                (master.clone(), "attach".to_owned(), self.act_on(master, by, &act).await?)
            }
            Act::Detach { case, by } => {
                let act = CaseAct::Detach { reason: "另有原因".into() };
                (case.clone(), "detach".to_owned(), self.act_on(case, by, &act).await?)
            }
            Act::Acknowledge { case, rule, by } => {
                let alert: Option<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
                    "select alert.id from escalation.alert join escalation.duty on duty.id = alert.duty
                     where {MEANT} and alert.state = 'open' order by alert.raised_at desc limit 1"
                )))
                .bind(self.case_of(case)?)
                .bind(rule)
                .bind(&self.scenario.pack)
                .bind(&self.units)
                .fetch_optional(&self.world.database)
                .await?;
                let outcome = match alert {
                    Some(alert) => self.world.installation.person(by).await?.acknowledge(alert, Uuid::now_v7()).await.map(|_| ()),
                    None => Err(anyhow::anyhow!("no alert is open")),
                };
                (case.clone().unwrap_or_default(), rule.clone(), outcome)
            }
            Act::Do { case, rule, by, act } => {
                let outcome = match self.duty(case, rule).await? {
                    Some(duty) => self.world.installation.person(by).await?.act_on_duty(duty, Uuid::now_v7(), act).await.map(|_| ()),
                    None => Err(anyhow::anyhow!("there is no duty")),
                };
                (case.clone().unwrap_or_default(), rule.clone(), outcome)
            }
            Act::Close { case, rule, by } => {
                let outcome = match self.duty(case, rule).await? {
                    Some(duty) => {
                        let person = self.world.installation.person(by).await?;
                        let path = format!("/v1/duties/{duty}/close");
                        person.act_once::<Value>(&path, Uuid::now_v7(), &json!({ "note": "已办" })).await.map(|_| ())
                    }
                    None => Err(anyhow::anyhow!("there is no duty")),
                };
                (case.clone().unwrap_or_default(), rule.clone(), outcome)
            }
        };
        if outcome.is_err() {
            let (event, says) = ("refused".to_owned(), String::new());
            self.refused.push(Told { second: at, service: "gateway", about, rule: what, event, says });
        }
        Ok(())
    }

    /// What intake would tell of a source: as if it had found so itself, from its outbox on.
    async fn tell(&self, event: &str, with: &Map<String, Value>) -> anyhow::Result<()> {
        let mut body = with.clone();
        body.insert("unit".to_owned(), self.scenario.unit.as_str().into());
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into intake.outbox (id, subject, time, about, version, policy, body)
             select $1, $2, domain_start, $3, 1 + count(outbox.id), 1, $4 from clock.setting left join intake.outbox on outbox.about = $3
             group by domain_start",
        )
        .bind(id)
        .bind(subjects::event(service::INTAKE, event))
        .bind(format!("source/{}", with.values().map(Value::to_string).collect::<String>()))
        .bind(Value::Object(body).to_string())
        .execute(&self.world.database)
        .await?;
        until("it to be published", LIMIT, || async {
            let waiting = "select count(*) from intake.outbox where published_at is null";
            anyhow::ensure!(self.world.count(waiting).await? == 0, "it is not");
            anyhow::Ok(())
        })
        .await
    }

    /// Does something to a case as it stands. Outer error: it cannot be asked; inner: it is refused.
    async fn act_on(&self, case: &str, by: &str, act: &CaseAct) -> anyhow::Result<anyhow::Result<()>> {
        let id = self.case(case)?;
        let version: i64 =
            sqlx::query_scalar("select version from intake.cases where id = $1").bind(id).fetch_one(&self.world.database).await?;
        Ok(self.world.installation.person(by).await?.act(id, Uuid::now_v7(), version, act).await.map(|_| ()))
    }

    /// As in the simulation: an open one before the others, of these the one that was opened last.
    async fn duty(&self, case: &Option<String>, rule: &str) -> anyhow::Result<Option<Uuid>> {
        let query = format!("select id from escalation.duty where {MEANT} and not shadowed order by open desc, opened_at desc limit 1");
        let found = sqlx::query_scalar(AssertSqlSafe(query))
            .bind(self.case_of(case)?)
            .bind(rule)
            .bind(&self.scenario.pack)
            .bind(&self.units)
            .fetch_optional(&self.world.database);
        Ok(found.await?)
    }

    fn case_of(&self, name: &Option<String>) -> anyhow::Result<Option<Uuid>> {
        name.as_deref().map(|name| self.case(name)).transpose()
    }

    fn case(&self, name: &str) -> anyhow::Result<Uuid> {
        self.cases.get(name).copied().with_context(|| format!("{name} is no case"))
    }

    async fn report(&mut self, reported: &Reported) -> anyhow::Result<()> {
        let report = Report { follows: reported.follows.as_deref().map(key), ..reported.report(&self.scenario.unit) };
        let answer = reqwest::Client::new()
            .post(format!("{}/v1/reports", self.world.installation.url))
            .bearer_auth(&self.world.installation.producers["web"])
            .header("Idempotency-Key", key(&reported.name))
            .json(&report)
            .send()
            .await?;
        anyhow::ensure!(answer.status() == reqwest::StatusCode::ACCEPTED, "{}: {}", answer.status(), answer.text().await?);
        let accepted: Accepted = answer.json().await?;
        let database = &self.world.database;
        let settled = until("the report to be a case, or to have joined one", LIMIT, || async {
            let case: Option<Uuid> = sqlx::query_scalar("select case_id from intake.identity where receipt = $1")
                .bind(accepted.receipt)
                .fetch_optional(database)
                .await?
                .flatten();
            case.context("not registered yet")
        })
        .await?;
        if !self.cases.values().any(|case| *case == settled) {
            self.cases.insert(reported.name.clone(), settled);
        }
        Ok(())
    }

    /// What intake and escalation have told of the scenario's cases and of what came round in its units, each service's in its order.
    async fn told(&self) -> anyhow::Result<Vec<Told>> {
        let ids: Vec<Uuid> = self.cases.values().copied().collect();
        let rows: Vec<(String, Option<Uuid>, String, String)> = sqlx::query_as(
            "select subject, case_id, to_char(floor(extract(epoch from time)), 'FM99999999999'), body
             from (select subject, case_id, time, body, seq, 1 as service from intake.outbox where case_id = any ($1)
                   union all select subject, case_id, time, body, seq, 2 from escalation.outbox
                   where case_id = any ($1) or (case_id is null and cardinality($2::text[]) > 0 and body::jsonb ->> 'rule' = any ($2)
                       and body::jsonb ->> 'pack' = $3 and body::jsonb ->> 'unit' = any ($4))) as told
             order by service, seq",
        )
        .bind(&ids)
        .bind(&self.of_no_case)
        .bind(&self.scenario.pack)
        .bind(&self.units)
        .fetch_all(&self.world.database)
        .await?;
        let mut told = Vec::new();
        for (subject, case, second, body) in rows {
            let event = event_name(&subject).unwrap_or_default().to_owned();
            if NO_LINES.contains(&event.as_str()) {
                continue;
            }
            let body: Value = serde_json::from_str(&body)?;
            let said = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
            let of_case = case.and_then(|case| self.cases.iter().find(|(_, id)| **id == case)).map(|(name, _)| name.clone());
            told.push(Told {
                second: second.parse()?,
                service: service_of(&event),
                about: of_case.unwrap_or_else(|| said("unit")),
                rule: said("rule"),
                says: particulars(&event, &body, &self.zone),
                event,
            });
        }
        Ok(told)
    }
}

/// A trial as the organisation file says it, where it ends with a day.
fn written_trial(trial: &Trial, zone: &TimeZone) -> anyhow::Result<String> {
    let mut written = "[[trial]]\n".to_owned();
    let names = [("pack", &trial.pack), ("rule", &trial.rule), ("unit", &trial.unit)];
    for (key, name) in names.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?))) {
        written.push_str(&format!("{key} = [\"{name}\"]\n"));
    }
    let day = |at: Timestamp| zone.to_datetime(at);
    if let Some(from) = trial.from {
        anyhow::ensure!(day(from).time() == Time::midnight(), "the trial begins within a day");
        written.push_str(&format!("from = \"{}\"\n", day(from).date()));
    }
    if let Some(until) = trial.until {
        anyhow::ensure!(day(until).time() == Time::midnight(), "the trial ends within a day");
        written.push_str(&format!("until = \"{}\"\n", day(until).date().yesterday()?));
    }
    Ok(written)
}

/// Keys are visible ASCII; names in scenarios are Chinese.
fn key(name: &str) -> String {
    name.chars().map(|c| format!("{:x}", u32::from(c))).collect::<Vec<_>>().join("-")
}

fn shipped() -> anyhow::Result<(Policy, Directory)> {
    let sources = sources::read(&[repository().join("policies")])?;
    let policy = Policy::compile(&sources).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    let organisation = sources.iter().find(|source| source.name == "organisation.toml").context("no organisation")?;
    let organisation = Organisation::parse(organisation).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
    Ok((policy, organisation.directory(1)))
}

fn scenarios(policy: &Policy) -> anyhow::Result<BTreeMap<String, Scenario>> {
    sources::read(&[repository().join("scenarios")])?
        .into_iter()
        .map(|file| Ok((file.name.trim_end_matches(".toml").to_owned(), Scenario::parse(&file.text, policy.zone()).context(file.name)?)))
        .collect()
}
