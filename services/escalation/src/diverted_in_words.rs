//! That a duty or an alert goes to others in somebody's place, in both languages.

use duban_contracts::Timestamp;
use duban_contracts::alert::MeantFor;
use duban_contracts::case::Reason;
use duban_contracts::duty::Diverted;
use duban_engine::alert::Alert;
use duban_policy::Title;
use duban_policy::directory::Directory;
use jiff::tz::TimeZone;

/// To whom a duty goes now, as a step of its 'why'.
pub fn now(diverted: &Diverted, directory: &Directory, zone: &TimeZone) -> Reason {
    let instead = directory.instead_of(&diverted.meant_for, &|at| wall(at, zone));
    let people = directory.names(&diverted.people);
    let (text, text_zh) = if diverted.people.is_empty() {
        (format!("It goes to nobody now {}.", instead.en), format!("{}，目前无人可办理。", instead.zh))
    } else {
        (format!("It goes to {} now {}.", people.en, instead.en), format!("{}，现由{}办理。", instead.zh, people.zh))
    };
    Reason { text, text_zh, article: None }
}

/// To be put behind what is said of an alert; empty if it went to who was meant.
pub fn of_alert(alert: &Alert, directory: &Directory, zone: &TimeZone) -> Title {
    let mut meant: Vec<MeantFor> = Vec::new();
    for each in alert.recipients.iter().flat_map(|told| &told.meant_for) {
        if !meant.iter().any(|known| known.person == each.person) {
            meant.push(each.clone());
        }
    }
    if meant.is_empty() {
        return Title::new("", "");
    }
    let instead = directory.instead_of(&meant, &|at| wall(at, zone));
    let people: Vec<String> = alert.recipients.iter().filter(|told| !told.meant_for.is_empty()).map(|told| told.person.clone()).collect();
    let people = directory.names(&people);
    Title::new(format!("（{}，转给{}）", instead.zh, people.zh), format!(" (to {} {})", people.en, instead.en))
}

fn wall(at: Timestamp, zone: &TimeZone) -> Title {
    let written = zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    Title::new(written.clone(), written)
}
