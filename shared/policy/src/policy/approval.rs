//! Who signs before a set comes into force: as the organisation names it for making, changing and ending each pack.
//!
//! What holds is what the set in force says, never what the submitted one says: else who submits a set would choose who approves it.

use super::Policy;
use super::extent::{Extent, Touched};
use crate::Title;
use crate::directory::{Directory, Right};
use crate::source::organisation::ApprovalText;
use duban_contracts::Timestamp;
use std::collections::BTreeSet;

/// As written: any second person who administers.
pub const SECOND_PERSON: &str = "second person";
/// As written: nobody besides who submits it.
pub const SUBMITTER: &str = "submitter";

/// Somebody who signs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// Nobody besides who submits it.
    Submitter,
    /// Anybody else who administers.
    SecondPerson,
    /// Whoever holds this post or stands in for it, who submitted it excepted.
    Post(String),
}

/// What the organisation says of the approval of some packs, or of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Empty: all that have none of their own, calendars, and the organisation itself.
    pub packs: Vec<String>,
    pub by: Signer,
    /// Of a change of wording alone.
    pub wording: Signer,
    /// Of a change of one parameter alone.
    pub parameter: Signer,
}

impl Signer {
    /// Reads a word that was checked.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            SECOND_PERSON => Self::SecondPerson,
            SUBMITTER => Self::Submitter,
            post => Self::Post(post.to_owned()),
        }
    }

    /// As the organisation file writes it: what signatures are kept under.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Submitter => SUBMITTER,
            Self::SecondPerson => SECOND_PERSON,
            Self::Post(post) => post,
        }
    }
}

impl Approval {
    pub(super) fn of(text: &ApprovalText) -> Self {
        let by = Signer::of(&text.by);
        let or_by = |lighter: &Option<crate::source::Placed<String>>| lighter.as_ref().map_or_else(|| by.clone(), |word| Signer::of(word));
        Self {
            packs: text.pack.iter().map(|pack| pack.value.clone()).collect(),
            wording: or_by(&text.wording),
            parameter: or_by(&text.parameter),
            by,
        }
    }

    /// Who signs for a change that goes so far.
    pub fn signer(&self, extent: &Extent) -> &Signer {
        match extent {
            Extent::Wording => &self.wording,
            Extent::Parameter(_) => &self.parameter,
            Extent::Rules => &self.by,
        }
    }
}

impl Policy {
    /// The approval that holds for a pack; of no pack (`""`): for calendars and the organisation. A second person unless it is said otherwise.
    pub fn approval_of(&self, pack: &str) -> Approval {
        self.own_approval(pack).or_else(|| self.approvals.iter().find(|approval| approval.packs.is_empty())).cloned().unwrap_or(Approval {
            packs: Vec::new(),
            by: Signer::SecondPerson,
            wording: Signer::SecondPerson,
            parameter: Signer::SecondPerson,
        })
    }

    /// Everybody who must sign before `after` takes this set's place; nobody where it is enough that somebody submits it. Of a pack that is
    /// new also the one whom `after` names for it signs, since nothing in force could name him. What one pack's post signs for is not another's: where several packs change, each has its signature.
    pub fn signers(&self, after: &Policy, touched: &[Touched]) -> BTreeSet<Signer> {
        let mut signers: BTreeSet<Signer> = BTreeSet::new();
        for Touched { pack, extent } in touched {
            signers.insert(self.approval_of(pack).signer(extent).clone());
            if self.pack(pack).is_none() {
                signers.extend(after.own_approval(pack).map(|approval| approval.by.clone()));
            }
        }
        if touched.is_empty() {
            signers.insert(self.approval_of("").wording);
        }
        signers.remove(&Signer::Submitter);
        signers
    }

    /// A signer in words.
    pub fn signer_words(&self, signer: &Signer) -> Title {
        match signer {
            Signer::Submitter => Title::new("提交人即可", "who submits it"),
            Signer::SecondPerson => Title::new("另一名有管理权限的人", "a second person who administers"),
            Signer::Post(post) => {
                self.tree.find_post(post, &self.root).map_or_else(|| Title::new(post, post), |found| self.tree.post_title(found))
            }
        }
    }

    fn own_approval(&self, pack: &str) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.packs.iter().any(|named| named == pack))
    }
}

impl Signer {
    /// Everybody who may sign at this time for what somebody has submitted: never he himself. A post is signed for by whoever holds it or stands
    /// in for it, as everywhere: its deputies, else the same role further up, else the heads of the units above.
    pub fn people(&self, directory: &Directory, submitted_by: &str, at: Timestamp) -> BTreeSet<String> {
        let found: Vec<String> = match self {
            Self::Submitter => Vec::new(),
            Self::SecondPerson => {
                let people = directory.people().filter(|person| directory.sees_everywhere(&person.id, Right::Administer, at));
                people.map(|person| person.id.clone()).collect()
            }
            Self::Post(post) => {
                let unit = post.split('/').next().unwrap_or_default();
                let holders = directory.find_post(post, unit).map(|found| directory.holders(found, at)).unwrap_or_default();
                let acting = directory.resolve_post(post, unit, at, &[submitted_by.to_owned()]).people;
                holders.into_iter().map(|person| person.id.clone()).chain(acting).collect()
            }
        };
        found.into_iter().filter(|person| person != submitted_by).collect()
    }
}
