//! Scenario files: what happens, when, and what is to come of it.
//!
//! ```toml
//! title = { zh = "一小时内上报", en = "Told within the hour" }
//! pack = "after-sales"
//! unit = "BJ01"                 # of reports that name none, and of what comes round
//! start = "2026-03-02 09:00"
//! simulated_only = { zh = "…", en = "…" }   # why it is not played against running services; absent: it is
//! recurring = ["weekly_report"] # rules whose rounds are played; without it none comes round
//!
//! [[absent]]                    # besides what the organisation's file says; without until: until further notice
//! person = "wang-wei"
//! from = "2026-03-02 12:00"
//! until = "2026-03-04 09:00"
//!
//! [[delegated]]                 # of a person, or of a post: post = "BJ01/store-manager"
//! person = "li-na"
//! to = "zhao-min"
//! from = "2026-03-02 12:00"
//! until = "2026-03-04 09:00"
//!
//! [[trial]]                     # what runs on trial: rules of the pack (all without), a unit and below (everywhere without)
//! rule = ["file_warning"]
//! unit = "BJ01"
//! from = "2026-03-02 12:00"
//! until = "2026-03-04 09:00"
//!
//! [[event]]
//! at = "2026-03-02 09:05"       # the organisation's wall time, or RFC 3339
//! report = "c1"                 # a name for it in this file
//! kind = "complaint"
//! fields = { loss = "1200" }
//!
//! [[event]]
//! at = "2026-03-02 10:00"
//! case = "c1"
//! step = "accept"
//! by = "wang-wei"
//!
//! [[event]]
//! at = "2026-03-03 10:00"
//! tell = "source.silent"         # what a service tells that is of no case
//! with = { producer = "rexian" }
//!
//! [[event]]
//! at = "2026-03-02 10:10"
//! case = "c1"                   # the master
//! attach = ["c2", "c3"]         # or, of one that is attached: detach = true
//! by = "wang-wei"
//!
//! [[event]]
//! at = "2026-03-04 09:00"
//! end = true                    # nothing but time passes until here
//!
//! [expected]
//! timeline = """…"""
//! ```

use duban_contracts::Timestamp;
use duban_contracts::duty::DutyAct;
use duban_contracts::report::{Report, Reporter};
use duban_policy::Title;
use duban_policy::directory::{Absence, Delegation, Delegator, Directory};
use duban_policy::policy::trial::Trial;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A scenario as written, its times read in the organisation's zone.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub title: Title,
    pub pack: String,
    pub unit: String,
    pub start: Timestamp,
    /// Why it is not played against the running services; None where it is.
    pub simulated_only: Option<Title>,
    /// Rules of the pack whose rounds are played for the unit and those below it.
    pub recurring: Vec<String>,
    /// Who is away besides those of whom the organisation's file says so, and who acts for whom.
    pub absent: Vec<(String, Absence)>,
    pub delegated: Vec<Delegation>,
    /// What runs on trial besides what the organisation's file says.
    pub trials: Vec<Trial>,
    /// In order of time.
    pub events: Vec<Happens>,
    /// The timeline that it is to give; None in a scenario that is only looked at.
    pub expected: Option<String>,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub struct Happens {
    pub at: Timestamp,
    pub act: Act,
}

#[derive(Debug, Clone)]
pub enum Act {
    /// A report comes, and is called so in what follows.
    Report(Box<Reported>),
    /// Somebody makes a step with a case.
    Step { case: String, step: String, by: String, fields: Map<String, Value> },
    /// Somebody attaches cases to a master.
    Attach { master: String, cases: Vec<String>, by: String },
    /// Somebody takes a case from its master.
    Detach { case: String, by: String },
    /// Somebody acknowledges the newest open alert of a rule's duty.
    Acknowledge { case: Option<String>, rule: String, by: String },
    /// Somebody says that a duty is done which no event ends.
    Close { case: Option<String>, rule: String, by: String },
    /// Somebody pauses a duty, extends it, hands it over, urges.
    Do { case: Option<String>, rule: String, by: String, act: DutyAct },
    /// A service tells something that is of no case: a source has gone silent.
    Tell { event: String, with: Map<String, Value> },
    /// Time passes.
    Pass,
}

/// A report.
#[derive(Debug, Clone)]
pub struct Reported {
    pub name: String,
    pub kind: Option<String>,
    pub unit: Option<String>,
    pub channel: String,
    pub fields: Map<String, Value>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub anonymous: bool,
    /// It supplements the report of this name.
    pub follows: Option<String>,
}

impl Reported {
    /// As it is handed in. `unit`: of reports that name none.
    pub fn report(&self, unit: &str) -> Report {
        Report {
            channel: self.channel.clone(),
            kind: self.kind.clone(),
            unit: Some(self.unit.as_deref().unwrap_or(unit).to_owned()),
            occurred_at: None,
            reporter: Reporter { name: None, phone: self.phone.clone(), email: self.email.clone(), anonymous: self.anonymous },
            subject: Some(self.name.clone()),
            text: None,
            fields: self.fields.clone(),
            attachments: Vec::new(),
            follows: self.follows.clone(),
        }
    }
}

/// What is wrong with a scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    title: Title,
    pack: String,
    unit: String,
    start: String,
    #[serde(default)]
    simulated_only: Option<Title>,
    #[serde(default)]
    recurring: Vec<String>,
    #[serde(default)]
    absent: Vec<AbsentText>,
    #[serde(default)]
    delegated: Vec<DelegatedText>,
    #[serde(default)]
    trial: Vec<TrialText>,
    #[serde(default)]
    event: Vec<EventText>,
    expected: Option<ExpectedText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsentText {
    person: String,
    from: String,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DelegatedText {
    person: Option<String>,
    post: Option<String>,
    to: String,
    from: String,
    until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrialText {
    #[serde(default)]
    rule: Vec<String>,
    unit: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedText {
    timeline: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventText {
    at: String,
    report: Option<String>,
    step: Option<String>,
    attach: Option<Vec<String>>,
    #[serde(default)]
    detach: bool,
    acknowledge: Option<String>,
    close: Option<String>,
    pause: Option<String>,
    resume: Option<String>,
    extend: Option<String>,
    hand_over: Option<String>,
    urge: Option<String>,
    until: Option<String>,
    waits_for: Option<String>,
    to: Option<String>,
    reason: Option<String>,
    tell: Option<String>,
    #[serde(default)]
    with: Map<String, Value>,
    #[serde(default)]
    end: bool,
    case: Option<String>,
    by: Option<String>,
    kind: Option<String>,
    unit: Option<String>,
    channel: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    #[serde(default)]
    anonymous: bool,
    follows: Option<String>,
    #[serde(default)]
    fields: Map<String, Value>,
}

impl Scenario {
    /// Reads a file. Times without a zone are wall times in `zone`.
    ///
    /// # Errors
    /// What is wrong with it, by the number of the event.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, Fault> {
        let file: FileText = toml::from_str(text).map_err(|error| Fault(error.to_string()))?;
        let start = instant(&file.start, zone).map_err(|wrong| Fault(format!("start: {wrong}")))?;
        let absent = file.absent.into_iter().map(|text| text.absence(zone)).collect::<Result<_, _>>().map_err(Fault)?;
        let delegated = file.delegated.into_iter().map(|text| text.delegation(zone)).collect::<Result<_, _>>().map_err(Fault)?;
        let trials: Vec<Vec<Trial>> =
            file.trial.into_iter().map(|text| text.trials(&file.pack, zone)).collect::<Result<_, _>>().map_err(Fault)?;
        let trials = trials.into_iter().flatten().collect();
        let mut events = Vec::new();
        let mut before = start;
        for (nth, text) in file.event.into_iter().enumerate() {
            let wrong = |wrong: String| Fault(format!("event {}: {wrong}", nth + 1));
            let at = instant(&text.at, zone).map_err(wrong)?;
            if at < before {
                return Err(wrong(format!("{} is before what stands above it", text.at)));
            }
            before = at;
            events.push(Happens { at, act: text.act(zone).map_err(wrong)? });
        }
        let expected = file.expected.map(|expected| expected.timeline);
        let FileText { title, pack, unit, recurring, simulated_only, .. } = file;
        Ok(Self { title, pack, unit, start, simulated_only, recurring, absent, delegated, trials, events, expected })
    }

    /// The organisation as it is in the scenario: with those who are away in it.
    pub fn organisation(&self, directory: &Directory) -> Directory {
        let delegations = directory.delegations().iter().chain(&self.delegated).cloned().collect();
        directory.clone().with_absences(self.absent.iter().cloned()).with_delegations(delegations)
    }
}

impl TrialText {
    fn trials(self, pack: &str, zone: &TimeZone) -> Result<Vec<Trial>, String> {
        let at =
            |text: &Option<String>| text.as_deref().map(|text| instant(text, zone)).transpose().map_err(|wrong| format!("trial: {wrong}"));
        let (from, until) = (at(&self.from)?, at(&self.until)?);
        let rules: Vec<Option<String>> = if self.rule.is_empty() { vec![None] } else { self.rule.into_iter().map(Some).collect() };
        let trial = |rule| Trial { pack: Some(pack.to_owned()), rule, unit: self.unit.clone(), from, until };
        Ok(rules.into_iter().map(trial).collect())
    }
}

impl AbsentText {
    fn absence(self, zone: &TimeZone) -> Result<(String, Absence), String> {
        let wrong = |wrong: String| format!("absent '{}': {wrong}", self.person);
        let until = self.until.as_deref().map(|until| instant(until, zone)).transpose().map_err(wrong)?;
        let absence = Absence { from: instant(&self.from, zone).map_err(wrong)?, until };
        Ok((self.person, absence))
    }
}

impl DelegatedText {
    fn delegation(self, zone: &TimeZone) -> Result<Delegation, String> {
        let of = match (self.person, self.post) {
            (Some(person), None) => Delegator::Person(person),
            (None, Some(post)) => Delegator::Post(post),
            _ => return Err(format!("delegated to '{}': say one of person, post", self.to)),
        };
        let wrong = |wrong: String| format!("delegated to '{}': {wrong}", self.to);
        let (from, until) = (instant(&self.from, zone).map_err(wrong)?, instant(&self.until, zone).map_err(wrong)?);
        Ok(Delegation { of, to: self.to, from, until })
    }
}

impl EventText {
    fn act(mut self, zone: &TimeZone) -> Result<Act, String> {
        let by = self.by.clone();
        let by = |what: &str| by.ok_or_else(|| format!("'{what}' needs by = \"a person's id\""));
        if let Some(act) = self.done_with_a_master()? {
            return Ok(act);
        }
        if let Some((rule, act)) = self.done_with_a_duty(zone)? {
            return Ok(Act::Do { case: self.case, rule, by: by("it")?, act });
        }
        if let Some(event) = self.tell.take() {
            let is_alone = [&self.report, &self.step, &self.acknowledge, &self.close].iter().all(|other| other.is_none()) && !self.end;
            let known = event.split_once('.').is_some_and(|(of, _)| of != "case");
            return match (is_alone, known) {
                (true, true) => Ok(Act::Tell { event, with: self.with }),
                (true, false) => Err(format!("'{event}' is no event that is of no case, such as source.silent")),
                (false, _) => Err("'tell' stands alone".to_owned()),
            };
        }
        match (self.report, self.step, self.acknowledge, self.close, self.end) {
            (Some(name), None, None, None, false) => Ok(Act::Report(Box::new(Reported {
                name,
                kind: self.kind,
                unit: self.unit,
                channel: self.channel.unwrap_or_else(|| "phone".to_owned()),
                fields: self.fields,
                phone: self.phone,
                email: self.email,
                anonymous: self.anonymous,
                follows: self.follows,
            }))),
            (None, Some(step), None, None, false) => {
                let case = self.case.ok_or("'step' needs case = \"the name of a report above\"")?;
                Ok(Act::Step { case, step, by: by("step")?, fields: self.fields })
            }
            (None, None, Some(rule), None, false) => Ok(Act::Acknowledge { case: self.case, rule, by: by("acknowledge")? }),
            (None, None, None, Some(rule), false) => Ok(Act::Close { case: self.case, rule, by: by("close")? }),
            (None, None, None, None, true) => Ok(Act::Pass),
            _ => Err("say one of: report, step, attach, detach, acknowledge, close, pause, resume, extend, hand_over, urge, tell, end"
                .to_owned()),
        }
    }

    /// Attaching and detaching; nothing else may be said beside it.
    fn done_with_a_master(&mut self) -> Result<Option<Act>, String> {
        let (attach, detach) = (self.attach.take(), self.detach);
        if attach.is_none() && !detach {
            return Ok(None);
        }
        let wrong = || "'attach' and 'detach' need case = \"the name of a report above\" and by = \"a person's id\"".to_owned();
        let (case, by) = self.case.take().zip(self.by.take()).ok_or_else(wrong)?;
        match attach {
            Some(cases) if !detach => Ok(Some(Act::Attach { master: case, cases, by })),
            None => Ok(Some(Act::Detach { case, by })),
            Some(_) => Err("say one of: attach, detach".to_owned()),
        }
    }

    /// The rule of a duty, and what is done with it.
    fn done_with_a_duty(&mut self, zone: &TimeZone) -> Result<Option<(String, DutyAct)>, String> {
        let until = |what: &str, text: Option<String>| {
            text.ok_or_else(|| format!("'{what}' needs until = \"a time\"")).and_then(|text| instant(&text, zone))
        };
        let reason = self.reason.take().unwrap_or_default();
        let done = [self.pause.take(), self.resume.take(), self.extend.take(), self.hand_over.take(), self.urge.take()];
        Ok(match done {
            [Some(rule), None, None, None, None] => {
                let until = until("pause", self.until.take())?;
                Some((rule, DutyAct::Pause { reason, until, waits_for: self.waits_for.take() }))
            }
            [None, Some(rule), None, None, None] => Some((rule, DutyAct::Resume { note: reason })),
            [None, None, Some(rule), None, None] => Some((rule, DutyAct::Extend { reason, until: until("extend", self.until.take())? })),
            [None, None, None, Some(rule), None] => {
                let to = self.to.take().ok_or("'hand_over' needs to = \"a person's id\"")?;
                Some((rule, DutyAct::HandOver { to, reason }))
            }
            [None, None, None, None, Some(rule)] => Some((rule, DutyAct::Urge { note: reason })),
            [None, None, None, None, None] => None,
            _ => return Err("say one of: pause, resume, extend, hand_over, urge".to_owned()),
        })
    }
}

fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let expected = || format!("'{text}' is neither RFC 3339 nor a wall time such as 2026-03-06 18:40");
    let wall: DateTime = text.parse().map_err(|_| expected())?;
    zone.to_ambiguous_timestamp(wall).compatible().map_err(|_| expected())
}
