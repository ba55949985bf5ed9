//! Kinds, with their fields and steps, in words.

use super::super::explain::joined as listed;
use super::super::kind::{Field, FollowsClosed, Kind, Limit, Step, StepSort, outcomes};
use super::super::{Pack, Policy};
use super::{Thing, joined, only, value_words, within, yes};
use crate::Title;

impl Policy {
    pub(in super::super) fn describe_kind(&self, pack: &Pack, kind: &Kind, put: &mut impl FnMut(String, Thing)) {
        let base = format!("kind.{}", kind.id);
        let repeats = kind.repeats.as_ref().map(|repeats| self.amount_words(pack, &repeats.within)).unwrap_or_default();
        let cited = kind.repeats.as_ref().map(|repeats| Title::new(&repeats.article, &repeats.article)).unwrap_or_default();
        let begins = kind.stages.first().map(|stage| stage.title.clone()).unwrap_or_default();
        let thing = Thing::new(kind.title.clone(), &kind.article)
            .says("public", "公开表单可选", "on the public form", yes(kind.public))
            .says("default", "未写类别时归入", "takes what names no kind", yes(kind.default))
            .says("unsorted", "收纳无法分拣的来件", "takes what cannot be sorted", only(kind.unsorted))
            .says("aliases", "来件中也称", "reports also call it", joined(kind.aliases.iter().map(|alias| Title::new(alias, alias))))
            .says("number", "编号", "numbered", Title::new(kind.number.written(), kind.number.written()))
            .says("begins", "起始环节", "begins at", begins)
            .says(
                "graver",
                "严重程度（由重到轻）",
                "severities, gravest first",
                joined(kind.severities.iter().map(|severity| severity.title.clone())),
            )
            .says("follows_closed", "结案后又来件", "what follows a closed case", follows_closed(kind))
            .says("about_unit_sees", "被投诉单位可见", "the unit complained about sees it", yes(kind.about_unit_sees))
            .says("repeats", "同一事项的期间", "counts as a repeat within", repeats)
            .says("repeats_by", "同一事项的认定", "is the same matter by", sameness(kind))
            .says("repeats_article", "同一事项所依条款", "article on repeats", cited);
        put(base.clone(), thing);
        for field in &kind.fields {
            put(format!("{base}.field.{}", field.id), self.describe_field(pack, &kind.title, field));
        }
        for severity in &kind.severities {
            let thing = Thing::new(within(&kind.title, &severity.title), &severity.article)
                .says("when", "条件", "if", self.condition(pack, severity.when.as_ref()))
                .says("major", "重大", "major", yes(severity.major));
            put(format!("{base}.severity.{}", severity.id), thing);
        }
        for stage in &kind.stages {
            let thing = Thing::new(within(&kind.title, &stage.title), &stage.article).says(
                "terminal",
                "终结",
                "closes the case",
                yes(stage.terminal),
            );
            put(format!("{base}.stage.{}", stage.id), thing);
        }
        for step in &kind.steps {
            put(format!("{base}.{}.{}", step.sort.as_str(), step.id), self.describe_step(pack, kind, step));
        }
    }

    pub(in super::super) fn describe_field(&self, pack: &Pack, owner: &Title, field: &Field) -> Thing {
        let required = self.condition(pack, field.required_when.as_ref());
        let choices = joined(field.choices.iter().map(|choice| choice.title.clone()));
        let always = field.required_when.is_some() && required.zh.is_empty();
        Thing::new(within(owner, &field.title), &field.article)
            .says("type", "类型", "type", field.sort.words())
            .says("choices", "选项", "choices", choices)
            .says("required", "必填", "required", if always { yes(true) } else { required })
            .says("public", "公开表单上填写", "asked for on the public form", only(field.public))
            .says("personal", "个人信息", "personal", yes(field.personal))
    }

    pub(in super::super) fn describe_step(&self, pack: &Pack, kind: &Kind, step: &Step) -> Thing {
        let stage = |id: &String| kind.stage(id).map_or_else(|| Title::new(id, id), |stage| stage.title.clone());
        let field = |id: &String| kind.field(id).map_or_else(|| Title::new(id, id), |field| field.title.clone());
        let to = match (&step.to, step.sort) {
            (None, StepSort::Return) => Title::new("退回分拣", "back to whoever sorts"),
            (to, _) => to.as_ref().map(stage).unwrap_or_default(),
        };
        let returning = step.returning.as_ref();
        let limit = returning.map(|returning| match &returning.limit {
            Limit::Fixed(limit) => Title::new(limit.to_string(), limit.to_string()),
            Limit::Parameter(name) => self.parameter(&pack.id, name, &self.root).map(value_words).unwrap_or_default(),
        });
        let decided_by = returning.map(|returning| self.people(pack, &returning.decided_by));
        let known = outcomes(std::slice::from_ref(kind));
        let outcome = step.outcome.as_ref().and_then(|outcome| known.into_iter().find(|(word, _)| word == outcome));
        let clears = returning.map(|returning| joined(returning.clears.iter().map(field)));
        Thing::new(within(&kind.title, &step.title), &step.article)
            .says("from", "适用环节", "from", joined(step.from.iter().map(stage)))
            .says("to", "转入环节", "to", to)
            .says("by", "由谁办理", "by", self.people(pack, &step.by))
            .says("requires", "必须填写", "requires", joined(step.requires.iter().map(field)))
            .says("asks", "可以填写", "may be given", joined(step.asks.iter().map(field)))
            .says("clears", "清空", "empties", clears.unwrap_or_default())
            .says("limit", "最多退回次数", "returned at most, times", limit.unwrap_or_default())
            .says("decided_by", "达到次数后由谁裁定", "then decided by", decided_by.unwrap_or_default())
            .says("when", "条件", "if", self.condition(pack, step.when.as_ref()))
            .says("once", "只能办理一次", "done only once", only(step.once))
            .says("outcome", "办理结果记为", "outcome", outcome.map(|(_, title)| title).unwrap_or_default())
            .says("event", "告知为", "told as", Title::new(format!("case.{}", step.event), format!("case.{}", step.event)))
    }
}

fn follows_closed(kind: &Kind) -> Title {
    match &kind.follows_closed {
        FollowsClosed::NewCase => Title::new("另立新案并关联", "a case of its own, linked"),
        FollowsClosed::Join => Title::new("并入原案，不重新受理", "joins the case, which stays closed"),
        FollowsClosed::Reopen { step } => {
            let step = kind.step(step).map_or_else(|| Title::new(step, step), |step| step.title.clone());
            Title::new(format!("以“{}”重新受理", step.zh), format!("reopens it by '{}'", step.en))
        }
    }
}

/// By what two reports are known to be of one matter: `电话 + 类别，或车牌号 + 类别`.
fn sameness(kind: &Kind) -> Title {
    let part = |part: &String| match part.as_str() {
        "phone" => Title::new("电话", "phone"),
        "email" => Title::new("电子邮件", "email"),
        "unit" => Title::new("单位", "unit"),
        "kind" => Title::new("类别", "kind"),
        other => kind.field(other).map_or_else(|| Title::new(other, other), |field| field.title.clone()),
    };
    let ways = kind.repeats.iter().flat_map(|repeats| &repeats.keys);
    listed(ways.map(|way| listed(way.iter().map(part), " + ", " + ")), "，或", ", or ")
}
