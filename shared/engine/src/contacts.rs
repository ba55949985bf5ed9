//! Finding people of the directory by what a report says of them: address, telephone, name.

use duban_policy::directory::Directory;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An index of one version of the directory.
#[derive(Debug, Default)]
pub struct Contacts {
    version: i64,
    by_email: HashMap<String, Vec<String>>,
    by_phone: HashMap<String, Vec<String>>,
    by_name: HashMap<String, Vec<String>>,
}

impl Contacts {
    pub fn of(directory: &Directory) -> Self {
        let mut contacts = Self { version: directory.version(), ..Self::default() };
        for person in directory.people() {
            let mut note = |index: fn(&mut Self) -> &mut HashMap<String, Vec<String>>, key: String| {
                if !key.is_empty() {
                    index(&mut contacts).entry(key).or_default().push(person.id.clone());
                }
            };
            note(|c| &mut c.by_name, folded(&person.name));
            if !person.disabled {
                note(|c| &mut c.by_email, folded(person.email.as_deref().unwrap_or_default()));
                note(|c| &mut c.by_phone, digits(person.phone.as_deref().unwrap_or_default()));
            }
        }
        contacts
    }

    /// Who reported: the one person of ours with this address or telephone. Where several share it nobody is meant.
    pub fn reporter(&self, email: Option<&str>, phone: Option<&str>) -> Option<&str> {
        let by_email = email.and_then(|email| only(self.by_email.get(&folded(email))));
        by_email.or_else(|| phone.and_then(|phone| only(self.by_phone.get(&digits(phone)))))
    }

    /// Everybody of this name. A person complained about must not see the case: where several have the name, none of them does, until
    /// somebody has said who is meant.
    pub fn named(&self, name: &str) -> &[String] {
        self.by_name.get(&folded(name)).map_or(&[], Vec::as_slice)
    }
}

fn only(found: Option<&Vec<String>>) -> Option<&str> {
    match found.map(Vec::as_slice) {
        Some([person]) => Some(person),
        _ => None,
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The digits of a telephone number without the prefixes by which China is called.
fn digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86").filter(|rest| rest.len() == 11)).unwrap_or(&digits);
    if national.len() < 7 { String::new() } else { national.to_owned() }
}

/// The index of the newest directory asked about.
#[derive(Debug, Default)]
pub struct LatestContacts(Mutex<Option<Arc<Contacts>>>);

impl LatestContacts {
    pub fn of(&self, directory: &Directory) -> Arc<Contacts> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some(contacts) if contacts.version == directory.version() => contacts.clone(),
            _ => latest.insert(Arc::new(Contacts::of(directory))).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_policy::directory::{Language, Person};

    fn person(id: &str, name: &str, email: &str, phone: &str) -> Person {
        Person {
            id: id.to_owned(),
            name: name.to_owned(),
            email: Some(email.to_owned()),
            phone: Some(phone.to_owned()),
            language: Language::Chinese,
            webhook: None,
            absences: Vec::new(),
            disabled: false,
        }
    }

    fn contacts() -> Contacts {
        let people = vec![
            person("p1", "王伟", "Wang@example.cn", "+86 138-0000-0001"),
            person("p2", "王伟", "wang2@example.cn", "13800000002"),
            person("p3", "李娜", "li@example.cn", "13800000002"),
        ];
        Contacts::of(&Directory::new(1, Vec::new(), Vec::new(), people, None))
    }

    #[test]
    fn a_reporter_is_known_by_an_address_or_number_of_his_own() {
        assert_eq!(contacts().reporter(Some("wang@EXAMPLE.cn"), None), Some("p1"));
        assert_eq!(contacts().reporter(None, Some("13800000001")), Some("p1"));
        assert_eq!(contacts().reporter(None, Some("13800000002")), None, "shared by two");
        assert_eq!(contacts().reporter(Some(""), Some("")), None);
    }

    #[test]
    fn everybody_of_the_name_is_kept_out() {
        assert_eq!(contacts().named(" 王伟"), ["p1", "p2"]);
        assert!(contacts().named("赵六").is_empty());
    }
}
