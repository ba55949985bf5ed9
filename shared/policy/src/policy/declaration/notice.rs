//! Notices (通知) and their words (文案).

use super::super::describe::Thing;
use super::super::duty::{TermSource, Trigger};
use super::super::kind::Actor;
use super::super::template::Template;
use super::{Declaration, DeclarationSort, Phrase, Stated, Words};
use crate::Title;

/// A notice, compiled.
#[derive(Debug, Clone)]
pub struct Notice {
    pub stated: Stated,
    pub on: Occasion,
    pub to: Vec<Actor>,
    /// Posted up for everybody.
    pub public: bool,
    /// Any of them; empty: whichever reaches him.
    pub by: Vec<Channel>,
    pub within: Option<TermSource>,
    /// Proof of receipt is wanted.
    pub receipt: bool,
    pub message: Option<String>,
}

/// What something is sent on: events, or an occasion of which no event tells yet.
#[derive(Debug, Clone)]
pub struct Occasion {
    pub events: Vec<Trigger>,
    pub otherwise: Option<Phrase>,
}

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Email,
    Sms,
    Letter,
    Telephone,
    Chat,
    InPerson,
    Posted,
    Webhook,
}

/// Words with places for what an event tells.
#[derive(Debug, Clone)]
pub struct Message {
    pub stated: Stated,
    /// Chinese and English.
    pub subject: Option<(Template, Template)>,
    pub body: (Template, Template),
}

impl Channel {
    pub(in crate::policy) const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Email, "email", "电子邮件"),
        (Self::Sms, "sms", "短信"),
        (Self::Letter, "letter", "信函"),
        (Self::Telephone, "telephone", "电话"),
        (Self::Chat, "chat", "即时通讯"),
        (Self::InPerson, "in person", "当面"),
        (Self::Posted, "posted", "张贴公布"),
        (Self::Webhook, "webhook", "系统接口"),
    ];

    /// Reads its word, in either language.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, en, zh)| *en == word || *zh == word).map(|(channel, _, _)| channel)
    }

    pub fn title(self) -> Title {
        Self::ALL.iter().find(|(channel, _, _)| *channel == self).map(|(_, en, zh)| Title::new(*zh, *en)).unwrap_or_default()
    }
}

impl Declaration for Notice {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, words: &Words<'_>) -> Thing {
        let receipt = if self.receipt { Title::new("须有签收凭证", "proof of it is wanted") } else { Title::default() };
        thing
            .says("on", "时机", "sent on", words.occasion(&self.on))
            .says("to", "通知对象", "told", words.told(&self.to, self.public))
            .says("by", "方式", "by", words.channels(&self.by))
            .says("within", "时限", "time", words.term(self.within.as_ref()))
            .says("receipt", "签收", "receipt", receipt)
            .says("message", "文案", "in the words of", words.referred(DeclarationSort::Message, self.message.as_ref()))
    }

    fn actors(&self) -> Vec<&Actor> {
        self.to.iter().collect()
    }
}

impl Declaration for Message {
    fn stated(&self) -> &Stated {
        &self.stated
    }

    fn describe(&self, thing: Thing, _: &Words<'_>) -> Thing {
        let words = |(zh, en): &(Template, Template)| Title::new(zh.written(), en.written());
        thing.says("subject", "标题", "subject", self.subject.as_ref().map(words).unwrap_or_default()).says(
            "body",
            "正文",
            "body",
            words(&self.body),
        )
    }
}
