//! Request `directory.snapshot`: the directory for the other services, in pages that fit the broker's messages.

use crate::App;
use duban_contracts::Problem;
use duban_contracts::directory::{Snapshot, SnapshotRequest};
use duban_platform::rpc::{Failed, Request};
use duban_policy::directory::{Directory, Person, Post, Unit, Watched};

/// Entities on a page at most: units and posts have a few hundred bytes each.
const ON_A_PAGE: usize = 1_000;

/// Bytes of the people on a page: one who is often away has more to him than others. The broker takes a megabyte.
const BYTES: usize = 512 * 1024;

/// # Errors
/// 409 `changed` when another version has come between the pages; 404 for a page beyond the last; 503 before the first load.
pub async fn snapshot(app: App, request: Request<SnapshotRequest>) -> Result<Snapshot, Failed> {
    let directory = app.directory()?;
    let version = directory.version();
    if request.body.version.is_some_and(|asked| asked != version) {
        return Err(Problem::refused("changed", "The directory has changed; begin again", "目录已变更，请重新读取").into());
    }
    let pages = pages(&directory);
    let page = pages.get(request.body.page as usize).ok_or_else(Problem::not_found)?;
    let directory = serde_json::to_value(page).map_err(anyhow::Error::from)?;
    Ok(Snapshot { version, page: request.body.page, pages: u32::try_from(pages.len()).unwrap_or(u32::MAX), directory })
}

fn pages(directory: &Directory) -> Vec<Directory> {
    let version = directory.version();
    let fallback = directory.fallback().map(str::to_owned);
    let units: Vec<Unit> = directory.units().cloned().collect();
    let posts: Vec<Post> = directory.posts().cloned().collect();
    let people: Vec<Person> = directory.people().cloned().collect();
    // The first page always stands, also of an empty directory.
    let mut pages = vec![Directory::new(version, Vec::new(), Vec::new(), Vec::new(), fallback)];
    pages.extend(units.chunks(ON_A_PAGE).map(|part| Directory::new(version, part.to_vec(), Vec::new(), Vec::new(), None)));
    pages.extend(posts.chunks(ON_A_PAGE).map(|part| Directory::new(version, Vec::new(), part.to_vec(), Vec::new(), None)));
    pages.extend(by_size(people).into_iter().map(|part| Directory::new(version, Vec::new(), Vec::new(), part, None)));
    let delegations = directory.delegations().chunks(ON_A_PAGE);
    let none = || Directory::new(version, Vec::new(), Vec::new(), Vec::new(), None);
    pages.extend(delegations.map(|part| none().with_delegations(part.to_vec())));
    let watched: Vec<Watched> = directory.watched().values().cloned().collect();
    pages.extend(watched.chunks(ON_A_PAGE).map(|part| none().with_watched(part.to_vec())));
    pages
}

fn by_size(people: Vec<Person>) -> Vec<Vec<Person>> {
    let mut parts: Vec<Vec<Person>> = Vec::new();
    let mut bytes = 0;
    for person in people {
        let size = serde_json::to_vec(&person).map_or(0, |json| json.len());
        match parts.last_mut() {
            Some(part) if bytes + size <= BYTES && part.len() < ON_A_PAGE => part.push(person),
            _ => {
                parts.push(vec![person]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_policy::directory::{Absence, Delegation, Delegator};

    #[test]
    fn one_who_is_often_away_makes_no_page_too_large() {
        let away = |n: usize| Absence { from: duban_contracts::Timestamp::from_second(n as i64).unwrap(), until: None };
        let person = |n: usize| Person {
            id: format!("p{n}"),
            name: "x".into(),
            email: None,
            phone: None,
            language: Default::default(),
            webhook: None,
            absences: (0..60).map(away).collect(),
            disabled: false,
        };
        let pages = pages(&Directory::new(7, Vec::new(), Vec::new(), (0..1_000).map(person).collect(), None));
        assert!(pages.iter().all(|page| serde_json::to_vec(page).unwrap().len() < 900 * 1024));
        assert_eq!(pages.iter().map(|page| page.people().count()).sum::<usize>(), 1_000);
    }

    #[test]
    fn pages_merge_into_the_whole() {
        let person = |n: usize| Person {
            id: format!("p{n}"),
            name: "x".into(),
            email: None,
            phone: None,
            language: Default::default(),
            webhook: None,
            absences: Vec::new(),
            disabled: false,
        };
        let unit = super::super::installation_unit();
        let post = super::super::administrator_post(&["p1".into()]);
        let from: duban_contracts::Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        let away = (0..100).map(|_| ("p7".to_owned(), Absence { from, until: Some(from) }));
        let act = |n: usize| Delegation { of: Delegator::Person(format!("p{n}")), to: "p0".into(), from, until: from };
        let whole = Directory::new(7, vec![unit], vec![post], (0..2_500).map(person).collect(), Some("installation/administrator".into()))
            .with_absences(away)
            .with_delegations((1..1_500).map(act).collect())
            .with_watched([Watched { producer: "web".into(), unit: "HQ".into(), silent_after: "4wh".parse().unwrap() }]);
        let pages = pages(&whole);
        assert_eq!(pages.len(), 9);
        assert!(pages.iter().all(|page| serde_json::to_vec(page).unwrap().len() < 900 * 1024));
        let mut merged = Directory::default();
        pages.into_iter().for_each(|page| merged.merge(page));
        assert_eq!(serde_json::to_value(&merged).unwrap(), serde_json::to_value(&whole).unwrap());
    }
}
