//! In whose place something comes to somebody, in words: one source for pages, messages and the answers of services.

use super::Directory;
use crate::Title;
use duban_contracts::Timestamp;
use duban_contracts::alert::MeantFor;

impl Directory {
    /// '王伟离岗至…' and 'instead of Wang Wei, who is away until …'. `wall` writes a time in both languages.
    pub fn instead_of(&self, meant_for: &[MeantFor], wall: &dyn Fn(Timestamp) -> Title) -> Title {
        let (zh, en): (Vec<String>, Vec<String>) = meant_for.iter().map(|meant| self.passed_over(meant, wall)).unzip();
        Title::new(zh.join("，"), format!("instead of {}", en.join(" and of ")))
    }

    /// Names of people, joined in both languages.
    pub fn names(&self, people: &[String]) -> Title {
        let names: Vec<&str> = people.iter().map(|id| self.person(id).map_or(id.as_str(), |person| person.name.as_str())).collect();
        Title::new(names.join("、"), names.join(", "))
    }

    fn passed_over(&self, meant: &MeantFor, wall: &dyn Fn(Timestamp) -> Title) -> (String, String) {
        let name = self.names(std::slice::from_ref(&meant.person)).zh;
        let until = meant.until.map(wall);
        match (meant.why.as_str(), until) {
            ("delegated", Some(until)) => {
                (format!("{name}已委托他人代办，至{}止", until.zh), format!("{name}, who has delegated it until {}", until.en))
            }
            ("delegated", None) => (format!("{name}已委托他人代办"), format!("{name}, who has delegated it")),
            (_, Some(until)) => (format!("{name}离岗至{}", until.zh), format!("{name}, who is away until {}", until.en)),
            (_, None) => (format!("{name}离岗（返岗时间未定）"), format!("{name}, who is away until further notice")),
        }
    }
}
