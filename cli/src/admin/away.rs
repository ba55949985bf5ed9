//! `duban admin person away`, `back` and `absences`: who is away from when to when. With a token of his own (`--token`) anybody says so of
//! himself and of those whom he is set over.

use crate::gateway::Gateway;
use crate::show::{Show, instant, table};
use duban_contracts::{Problem, ids};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub enum AwayCommand {
    /// Say that a person is away: what would come to him goes to who acts for him.
    Away {
        id: String,
        /// Absent: now. At most a day back.
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// Absent: until further notice.
        #[arg(long, value_name = "TIME")]
        until: Option<Timestamp>,
        /// Seen by him, by who is set over him and by administrators.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say that a person is back: his absence ends now.
    Back {
        id: String,
        /// Another of his absences than the current one: one that has not begun is withdrawn.
        #[arg(long, value_name = "ABSENCE")]
        absence: Option<Uuid>,
    },
    /// Who is away or will be.
    Absences {
        /// Absent: everybody whose absences you may set.
        id: Option<String>,
        /// Those that are over and those that were withdrawn too.
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Absences {
    absences: Vec<Absence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// As the gateway shows one.
#[derive(Debug, Serialize, Deserialize)]
struct Absence {
    /// None: the organisation file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absence: Option<Uuid>,
    person: String,
    from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    reason: String,
    /// `current`, `upcoming`, `ended`, `withdrawn`.
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
}

pub(super) async fn run(command: AwayCommand, gateway: &Gateway, show: Show) -> anyhow::Result<()> {
    match command {
        AwayCommand::Away { id, from, until, reason } => {
            let body = json!({ "person": id, "from": from, "until": until, "reason": reason });
            let set: Absence = gateway.act_once("/v1/absences", ids::fresh(), &body).await?;
            show.print(&set, told)
        }
        AwayCommand::Back { id, absence } => {
            let absence = match absence {
                Some(absence) => absence,
                None => current(&of(gateway, Some(&id), false).await?.absences, &id)?,
            };
            let ended: Absence = gateway.act_once(&format!("/v1/absences/{absence}/end"), ids::fresh(), &json!({})).await?;
            show.print(&ended, told)
        }
        AwayCommand::Absences { id, all } => show.print(&of(gateway, id.as_deref(), all).await?, listed),
    }
}

/// All absences that are asked for, page after page.
async fn of(gateway: &Gateway, person: Option<&str>, all: bool) -> anyhow::Result<Absences> {
    let mut found: Vec<Absence> = Vec::new();
    let mut before = None;
    loop {
        let query = json!({ "person": person, "state": if all { "all" } else { "open" }, "before": before, "limit": 200 });
        let page: Absences = gateway.get("/v1/absences", &query).await?;
        found.extend(page.absences);
        before = page.next;
        if before.is_none() {
            return Ok(Absences { absences: found, next: None });
        }
    }
}

/// The absence that lasts at this moment.
///
/// # Errors
/// He is there, or the organisation file says that he is away: it is ended there.
fn current(absences: &[Absence], person: &str) -> Result<Uuid, Problem> {
    let Some(current) = absences.iter().find(|absence| absence.person == person && absence.state == "current") else {
        return Err(Problem::refused("not-away", format!("{person} is not away"), format!("{person}目前没有离岗")));
    };
    current.absence.ok_or_else(|| {
        let (en, zh) = ("this absence stands in the organisation file, and is ended there", "该离岗由组织文件规定，请在文件中修改");
        Problem::refused("of-the-organisation", en, zh)
    })
}

fn told(absence: &Absence) -> String {
    let Absence { person, state, .. } = absence;
    let from = instant(absence.from);
    let until = absence.until.map_or_else(|| "until further notice".to_owned(), |until| format!("until {}", instant(until)));
    let which = absence.absence.map(|id| format!("\n  absence  {id}")).unwrap_or_default();
    match state.as_str() {
        "current" => format!("{person} is away from {from} {until}{which}"),
        "upcoming" => format!("{person} will be away from {from} {until}{which}"),
        "withdrawn" => format!("{person} will not be away from {from}{which}"),
        _ => format!("{person} is back, having been away since {from}{which}"),
    }
}

fn listed(list: &Absences) -> String {
    if list.absences.is_empty() {
        return "nobody is away".to_owned();
    }
    let mut rows = table(["person", "from", "until", "state", "set by", "reason", "absence"]);
    for absence in &list.absences {
        rows.add_row([
            absence.person.clone(),
            instant(absence.from),
            absence.until.map_or_else(|| "further notice".to_owned(), instant),
            absence.state.clone(),
            absence.set_by.clone().unwrap_or_else(|| "organisation file".to_owned()),
            absence.reason.clone(),
            absence.absence.map(|id| id.to_string()).unwrap_or_default(),
        ]);
    }
    rows.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absence(id: Option<u128>, person: &str, state: &str) -> Absence {
        Absence {
            absence: id.map(Uuid::from_u128),
            person: person.into(),
            from: "2026-03-02T01:00:00Z".parse().unwrap(),
            until: None,
            reason: String::new(),
            state: state.into(),
            set_by: None,
            set_at: None,
            ended_by: None,
            ended_at: None,
        }
    }

    #[test]
    fn who_is_back_ends_what_lasts_and_nothing_else() {
        let list = [absence(Some(1), "li", "current"), absence(Some(2), "wang", "upcoming"), absence(Some(3), "wang", "current")];
        assert_eq!(current(&list, "wang").unwrap(), Uuid::from_u128(3));
        assert_eq!(current(&list[..2], "wang").unwrap_err().code, "not-away");
        assert_eq!(current(&[absence(None, "wang", "current")], "wang").unwrap_err().code, "of-the-organisation");
    }

    #[test]
    fn an_absence_is_told_by_how_it_stands() {
        assert!(told(&absence(None, "li", "current")).starts_with("li is away from 2026-03-02 09:00 until further notice"));
        assert!(told(&absence(None, "li", "ended")).starts_with("li is back"));
        let list = Absences { absences: vec![absence(None, "li", "current")], next: None };
        assert!(listed(&list).contains("organisation"), "{}", listed(&list));
        assert_eq!(listed(&Absences { absences: Vec::new(), next: None }), "nobody is away");
    }
}
