//! What changes for people between two versions of a policy set.

use super::Policy;
use super::describe::{Aspect, Thing, yes};
use crate::Title;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One change. `before` is None for what is new, `after` for what is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The pack, by id and title; empty for calendars and the organisation.
    pub pack: String,
    pub pack_title: Title,
    /// Where it stands: `duty.close`, `kind.complaint.stage.open`, `calendar.cn.2026-10-01`.
    pub place: String,
    pub title: Title,
    pub article: String,
    /// What of it changes, e.g. 'time'; None where the whole thing comes or goes.
    pub aspect: Option<Title>,
    pub before: Option<Title>,
    pub after: Option<Title>,
}

impl Change {
    /// The change in words: what it was and what it becomes.
    pub fn sentence(&self) -> Title {
        let name = self.aspect.as_ref().map(|aspect| (format!("{}：", aspect.zh), format!("{}: ", aspect.en))).unwrap_or_default();
        match (&self.before, &self.after) {
            // Words that change in one language alone are told in the other one too, as they are.
            (Some(before), Some(after)) if before.en == after.en => {
                Title::new(format!("{}{} → {}", name.0, before.zh, after.zh), format!("{}(Chinese) {} → {}", name.1, before.zh, after.zh))
            }
            (Some(before), Some(after)) if before.zh == after.zh => {
                Title::new(format!("{}（英文）{} → {}", name.0, before.en, after.en), format!("{}{} → {}", name.1, before.en, after.en))
            }
            (Some(before), Some(after)) => {
                Title::new(format!("{}{} → {}", name.0, before.zh, after.zh), format!("{}{} → {}", name.1, before.en, after.en))
            }
            (None, Some(after)) => Title::new(format!("新增 {}", after.zh), format!("new {}", after.en)),
            (Some(before), None) => Title::new(format!("取消 {}", before.zh), format!("gone {}", before.en)),
            (None, None) => Title::default(),
        }
    }
}

impl Policy {
    /// The changes from this set to another, pack by pack, in the order of their places. A pack or calendar that comes or goes is one change.
    pub fn changes_to(&self, after: &Policy) -> Vec<Change> {
        let (old, new) = (self.described(), after.described());
        let mut changes = Vec::new();
        let places: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for place in places {
            let whole = |policy: &Policy| place.0.is_empty() || policy.pack(&place.0).is_some();
            // The head speaks for all of a pack that one side does not have; so does a calendar for its days.
            if place.1 != "pack" && !(whole(self) && whole(after)) {
                continue;
            }
            let in_both = |calendar: &str| self.calendar(calendar).is_some() && after.calendar(calendar).is_some();
            if day_of(&place.1).is_some_and(|calendar| !in_both(calendar)) {
                continue;
            }
            let title = after.pack(&place.0).or_else(|| self.pack(&place.0)).map(|pack| pack.title.clone()).unwrap_or_default();
            compare(place, &title, old.get(place), new.get(place), &mut changes);
        }
        changes
    }
}

/// The calendar of which a place is a single day: `calendar.cn.2026-10-01`.
fn day_of(place: &str) -> Option<&str> {
    place.strip_prefix("calendar.")?.rsplit_once('.').map(|(calendar, _)| calendar)
}

fn compare(place: &(String, String), pack_title: &Title, old: Option<&Thing>, new: Option<&Thing>, changes: &mut Vec<Change>) {
    let Some(standing) = new.or(old) else { return };
    let change = |aspect: Option<Title>, before: Option<Title>, after: Option<Title>| Change {
        pack: place.0.clone(),
        pack_title: pack_title.clone(),
        place: place.1.clone(),
        title: standing.title.clone(),
        article: standing.article.clone(),
        aspect,
        before,
        after,
    };
    let (Some(old), Some(new)) = (old, new) else {
        changes.push(change(None, old.map(summary), new.map(summary)));
        return;
    };
    if old.title != new.title && place.1 != "pack" {
        changes.push(change(Some(Title::new("名称", "title")), Some(old.title.clone()), Some(new.title.clone())));
    }
    if old.article != new.article {
        let article = |article: &String| Some(Title::new(article, article));
        changes.push(change(Some(Title::new("条款", "article")), article(&old.article), article(&new.article)));
    }
    let keys: BTreeSet<_> = old.aspects.iter().chain(&new.aspects).map(|aspect| aspect.key).collect();
    for key in keys {
        let (before, after) = (old.aspect(key), new.aspect(key));
        let Some(named) = after.or(before).filter(|_| before != after) else { continue };
        // Of what is said only where it holds, the contrary is 'no'.
        let unsaid = || if named.value == yes(true) { yes(false) } else { Title::new("无", "none") };
        let value = |aspect: Option<&Aspect>| Some(aspect.map_or_else(unsaid, |aspect| aspect.value.clone()));
        changes.push(change(Some(named.name.clone()), value(before), value(after)));
    }
}

/// Everything that holds of a thing, in one line.
fn summary(thing: &Thing) -> Title {
    let (zh, en): (Vec<_>, Vec<_>) = thing
        .aspects
        .iter()
        .map(|aspect| (format!("{}：{}", aspect.name.zh, aspect.value.zh), format!("{}: {}", aspect.name.en, aspect.value.en)))
        .unzip();
    Title::new(zh.join("；"), en.join("; "))
}
