//! The parts of a declaration in words, with the figures of a unit.

use super::super::duty::{TermSource, Trigger};
use super::super::kind::{Actor, Field};
use super::super::recurring::Every;
use super::super::{Pack, Policy};
use super::{Channel, DeclarationSort, Figure, Handling, Held, Occasion, Phrase, Rhythm, Subject};
use crate::Title;
use crate::condition::Condition;
use serde_json::json;

/// Where words are looked up: the set, the pack that speaks, the unit whose figures count.
pub(in crate::policy) struct Words<'a> {
    pub policy: &'a Policy,
    pub pack: &'a Pack,
    pub unit: &'a str,
}

impl Words<'_> {
    pub fn people(&self, actors: &[Actor]) -> Title {
        self.listed(actors.iter().map(|actor| self.actor(actor)))
    }

    /// People about a decision, where `superior` is that of who asks.
    pub fn decided_by(&self, actors: &[Actor]) -> Title {
        self.listed(actors.iter().map(|actor| self.signer(actor)))
    }

    pub fn any_of(&self, actors: &[Actor]) -> Title {
        joined(actors.iter().map(|actor| self.signer(actor)), "或", " or ")
    }

    /// All of them sign.
    pub fn together(&self, actors: &[Actor]) -> Title {
        let all = joined(actors.iter().map(|actor| self.signer(actor)), "、", " and ");
        if actors.len() > 1 { Title::new(format!("{}会签", all.zh), all.en) } else { all }
    }

    /// Who is told, and whether everybody may read it.
    pub fn told(&self, actors: &[Actor], public: bool) -> Title {
        let everybody = public.then(|| Title::new("所有人（公布）", "everybody, as it is posted up"));
        let told = |actor: &Actor| match actor {
            Actor::Reporter => Title::new("来件人", "whoever reported it"),
            actor => self.actor(actor),
        };
        self.listed(actors.iter().map(told).chain(everybody))
    }

    fn actor(&self, actor: &Actor) -> Title {
        let Actor::Field(id) = actor else { return self.policy.actor_words(&self.pack.id, actor) };
        let declared = self.pack.declarations.all().into_iter().flat_map(|declaration| declaration.fields().iter());
        let mut fields = self.pack.kinds.iter().flat_map(|kind| &kind.fields).chain(declared);
        fields.find(|field| field.id == *id).map_or_else(|| Title::new(id, id), |field| field.title.clone())
    }

    fn signer(&self, actor: &Actor) -> Title {
        match actor {
            Actor::Superior => Title::new("申请人的直接上级", "the direct superior of who asks"),
            actor => self.actor(actor),
        }
    }

    pub fn listed(&self, parts: impl Iterator<Item = Title>) -> Title {
        joined(parts, "、", ", ")
    }

    pub fn fields(&self, fields: &[Field]) -> Title {
        self.listed(fields.iter().map(|field| field.title.clone()))
    }

    pub fn condition(&self, condition: Option<&Condition>) -> Title {
        condition.map(|when| when.words(&|name: &str| self.policy.figure(&self.pack.id, name, self.unit))).unwrap_or_default()
    }

    pub fn term(&self, term: Option<&TermSource>) -> Title {
        self.term_after(term, None)
    }

    /// A term that counts from the end of a period, where there is one.
    pub fn term_after(&self, term: Option<&TermSource>, rhythm: Option<&Rhythm>) -> Title {
        let every = rhythm.and_then(|rhythm| self.policy.every_in(self.pack, rhythm, self.unit));
        let term = term.map(|source| self.policy.term(self.pack, source, self.unit));
        let words = term.map(|term| match every {
            Some(every) => term.after_a_period(every.ends_month()),
            None => Title::new(term.zh(), term.en()),
        });
        words.unwrap_or_default()
    }

    pub fn events(&self, triggers: &[Trigger]) -> Title {
        self.policy.trigger_words(self.pack, triggers, self.unit)
    }

    pub fn occasion(&self, occasion: &Occasion) -> Title {
        let events = self.events(&occasion.events);
        let both = [events, self.phrase(occasion.otherwise.as_ref())];
        joined(both.into_iter().filter(|title| !title.zh.is_empty()), "，或", ", or ")
    }

    pub fn channels(&self, channels: &[Channel]) -> Title {
        joined(channels.iter().map(|channel| channel.title()), "或", " or ")
    }

    pub fn rhythm(&self, rhythm: Option<&Rhythm>) -> Title {
        match rhythm {
            None => Title::default(),
            Some(Rhythm::Fixed(every)) => every.words(),
            Some(Rhythm::Parameter(name)) => self.parameter(name, |value| Every::read(value).map(Every::words)),
        }
    }

    pub fn figure(&self, figure: Option<&Figure>) -> Title {
        match figure {
            None => Title::default(),
            Some(Figure::Fixed(figure)) => Title::new(figure, figure),
            Some(Figure::Parameter(name)) => self.parameter(name, |_| None),
        }
    }

    /// A parameter's figure in this unit, as it is read; else as it is written.
    pub fn parameter(&self, name: &str, read: impl Fn(&str) -> Option<Title>) -> Title {
        let Some(value) = self.policy.figure(&self.pack.id, name, self.unit) else { return Title::new(name, name) };
        read(&value).unwrap_or_else(|| Title::new(&value, &value))
    }

    /// Words, those of a parameter as they are in this unit.
    pub fn phrase(&self, phrase: Option<&Phrase>) -> Title {
        phrase.map(|phrase| self.policy.phrase(self.pack, phrase, self.unit)).unwrap_or_default()
    }

    pub fn phrases(&self, phrases: &[Phrase]) -> Title {
        self.listed(phrases.iter().map(|phrase| self.phrase(Some(phrase))))
    }

    pub fn referred(&self, sort: DeclarationSort, id: Option<&String>) -> Title {
        let Some(id) = id else { return Title::default() };
        let title = self.pack.declarations.title(sort, id).cloned().unwrap_or_else(|| Title::new(id, id));
        Title::new(format!("“{}”", title.zh), format!("'{}'", title.en))
    }

    pub fn kind(&self, id: Option<&String>) -> Title {
        let found = id.and_then(|id| self.pack.kinds.iter().find(|kind| kind.id == *id));
        found.map(|kind| Title::new(format!("“{}”", kind.title.zh), format!("'{}'", kind.title.en))).unwrap_or_default()
    }

    pub fn subject(&self, subject: Option<&Subject>) -> Title {
        match subject {
            None => Title::default(),
            Some(Subject::Kind(id)) => self.kind(Some(id)),
            Some(Subject::Form(id)) => self.referred(DeclarationSort::Form, Some(id)),
        }
    }

    pub fn held(&self, held: &[Held]) -> Title {
        self.listed(held.iter().map(|held| match held {
            Held::Kind(id) => {
                let kind = self.kind(Some(id));
                Title::new(format!("办结的{}", kind.zh), format!("closed cases of {}", kind.en))
            }
            Held::Form(id) => self.referred(DeclarationSort::Form, Some(id)),
            Held::Report(id) => self.referred(DeclarationSort::Report, Some(id)),
            Held::Survey(id) => self.referred(DeclarationSort::Survey, Some(id)),
        }))
    }

    /// A duty by what it is called, with dots where an event would fill a place.
    pub fn duty(&self, id: Option<&String>) -> Title {
        let Some(id) = id else { return Title::default() };
        let recurring = self.pack.recurring.iter().map(|recurring| &recurring.rule);
        let found = self.pack.duties.iter().chain(recurring).find(|duty| duty.id == *id);
        let title = found.map_or_else(
            || Title::new(id, id),
            |duty| {
                let facts = json!({ "number": "…", "period": "…", "title": "…", "title_zh": "…" });
                Title::new(duty.title_zh.fill(&facts), duty.title_en.fill(&facts))
            },
        );
        Title::new(format!("“{}”", title.zh), format!("'{}'", title.en))
    }

    pub fn handling(&self, handling: &Handling) -> Title {
        if handling.never {
            let more = handling
                .says
                .as_ref()
                .map(|says| self.phrase(Some(says)))
                .map(|says| (format!("（{}）", says.zh), format!(" ({})", says.en)));
            let more = more.unwrap_or_default();
            return Title::new(format!("禁止{}", more.0), format!("never{}", more.1));
        }
        let mut parts = Vec::new();
        if !handling.by.is_empty() {
            let by = self.people(&handling.by);
            parts.push(if handling.decision.is_some() {
                Title::new(format!("由{}申请", by.zh), format!("asked for by {}", by.en))
            } else {
                Title::new(format!("限{}", by.zh), format!("by {} alone", by.en))
            });
        }
        if handling.decision.is_some() {
            let decision = self.referred(DeclarationSort::Decision, handling.decision.as_ref());
            parts.push(Title::new(format!("须经{}", decision.zh), format!("after {}", decision.en)));
        }
        if let Some(span) = handling.span.as_ref().and_then(|span| self.policy.amount(self.pack, span, self.unit)) {
            parts.push(Title::new(format!("至多{}", span.zh()), format!("for {} at most", span.en())));
        }
        parts.extend(handling.says.as_ref().map(|says| self.phrase(Some(says))));
        joined(parts.into_iter(), "，", ", ")
    }
}

fn joined(parts: impl Iterator<Item = Title>, zh: &str, en: &str) -> Title {
    let (chinese, english): (Vec<_>, Vec<_>) = parts.map(|title| (title.zh, title.en)).unzip();
    Title::new(chinese.join(zh), english.join(en))
}
