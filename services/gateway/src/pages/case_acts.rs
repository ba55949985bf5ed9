//! What may be done to a case besides its pack's steps: notes, answers, references, the handler, corrections, links, who sees it. The forms,
//! and the reading of what they send.

use super::carried;
use super::case::acting;
use super::chosen::{self, Chooser, Shown};
use super::frame::Frame;
use crate::App;
use crate::ask::CaseWhole;
use crate::viewer::Viewer;
use duban_contracts::case::{CaseAct, CaseShowRequest, CaseSummary};
use duban_contracts::report::Attachment;
use duban_contracts::{Problem, both};
use duban_policy::Policy;
use duban_policy::directory::Right;
use maud::{Markup, html};
use std::collections::BTreeSet;
use uuid::Uuid;

/// All of them; `policy` is the set in force, for the kinds and severities to choose from.
pub fn view(frame: &Frame, case: &CaseWhole, policy: Option<&Policy>) -> Markup {
    html! {
        h2 { (frame.t("记录与更正", "Notes and corrections")) }
        (form(frame, case, "note", ("添加记录", "Add a note"), &html! {
            label for="note-text" { (frame.t("内容", "Text")) } textarea #note-text name="text" required {}
        }))
        (form(frame, case, "answer", ("记录给来件人的答复", "Record an answer to the reporter"), &html! {
            label for="answer-by" { (frame.t("方式", "By")) }
            select #answer-by name="by" { option value="phone" { (frame.t("电话", "Telephone")) } option value="letter" { (frame.t("书面", "Letter")) } option value="email" { (frame.t("邮件", "Email")) } }
            label for="answer-text" { (frame.t("答复内容", "Answer")) } textarea #answer-text name="text" required {}
        }))
        (form(frame, case, "refer", ("添加资料引用", "Add a reference"), &html! {
            label for="refer-name" { (frame.t("名称", "Name")) } input #refer-name name="name" required;
            label for="refer-reference" { (frame.t("存放位置或网址", "Where it is kept, or its address")) } input #refer-reference name="reference" required;
        }))
        @if !case.detail.summary.closed { (form(frame, case, "assign", ("指定承办人", "Name the handler"), &handler(frame, case))) }
        (correcting(frame, case, policy))
        (linking(frame, case))
        (carried::forms(frame, case))
        (seeing(frame, case))
    }
}

pub(super) fn form(frame: &Frame, case: &CaseWhole, act: &str, (zh, en): (&str, &str), inputs: &Markup) -> Markup {
    html! {
        details.sheet open[act == "correct" && case.detail.summary.unsorted] {
            summary { (frame.t(zh, en)) }
            form method="post" action={ "/cases/" (case.detail.summary.case) "/act" } {
                (acting(frame, case))
                input type="hidden" name="do" value=(act);
                (inputs)
                p { button type="submit" { (frame.t(zh, en)) } }
            }
        }
    }
}

pub(super) fn reason(frame: &Frame, id: &str) -> Markup {
    html! { label for=(id) { (frame.t("理由", "Reason")) } input id=(id) name="reason" required; }
}

/// Those who may move cases of this unit.
fn handler(frame: &Frame, case: &CaseWhole) -> Markup {
    let summary = &case.detail.summary;
    let able: Vec<Shown> = frame.directory.as_ref().map_or_else(Vec::new, |directory| {
        let mut able: BTreeSet<String> = BTreeSet::new();
        for right in [Right::Move, Right::Take] {
            able.extend(directory.who_can(right, &summary.unit, frame.now).into_iter().map(|permission| permission.person));
        }
        chosen::people(able.iter().filter_map(|person| directory.person(person)))
    });
    let chooser = Chooser { id: "assign-person", name: "person", value: summary.handler.as_deref().unwrap_or_default(), empty: None };
    html! {
        label for="assign-person" { (frame.t("承办人", "Handler")) span.hint { (frame.t("在本单位可受理或办理案件的人员", "those who may take in or move cases of this unit")) } }
        @if able.is_empty() { (chosen::person(frame, &chooser)) } @else { (chosen::select(&chooser, &able)) }
    }
}

fn correcting(frame: &Frame, case: &CaseWhole, policy: Option<&Policy>) -> Markup {
    let summary = &case.detail.summary;
    let unchanged = frame.t("不变", "leave as it is");
    let here = policy.map(|policy| policy.kinds_of(&summary.unit, summary.received_at)).unwrap_or_default();
    let known: BTreeSet<&str> = here.iter().map(|kind| kind.id.as_str()).collect();
    // A case that came to the wrong unit gets unit and kind in one correction: the kinds of other units are offered below those of its own.
    let elsewhere = policy.into_iter().flat_map(|policy| policy.packs().flat_map(|pack| &pack.kinds));
    let elsewhere = elsewhere.filter(|kind| !kind.unsorted && !known.contains(kind.id.as_str()));
    let (here, elsewhere) = (chosen::kinds(frame, here.iter().copied()), chosen::kinds(frame, elsewhere));
    let severities: Vec<Shown> = policy
        .and_then(|policy| policy.kind(&summary.pack, &summary.kind))
        .map(|kind| kind.severities.iter().map(|known| (known.id.clone(), frame.t(&known.title.zh, &known.title.en).to_owned())).collect())
        .unwrap_or_default();
    let inputs = html! {
        label for="correct-kind" { (frame.t("类别", "Kind")) }
        select #correct-kind name="kind" {
            option value="" { (unchanged) }
            optgroup label=(frame.t("本单位适用", "Of this unit")) { @for (value, shown) in &here { option value=(value) { (shown) } } }
            @if !elsewhere.is_empty() {
                optgroup label=(frame.t("其他单位适用（请同时更正单位）", "Of other units (correct the unit too)")) {
                    @for (value, shown) in &elsewhere { option value=(value) { (shown) } }
                }
            }
        }
        label for="correct-unit" { (frame.t("单位", "Unit")) }
        (chosen::unit(frame, &Chooser { id: "correct-unit", name: "unit", value: "", empty: Some(unchanged) }))
        label for="correct-severity" { (frame.t("严重程度", "Severity")) }
        (chosen::select(&Chooser { id: "correct-severity", name: "severity", value: "", empty: Some(unchanged) }, &severities))
        label for="correct-about" { (frame.t("被投诉人", "Person complained about")) }
        (chosen::person(frame, &Chooser { id: "correct-about", name: "about_person", value: "", empty: Some(unchanged) }))
        (reason(frame, "correct-reason"))
    };
    form(frame, case, "correct", ("更正类别、单位或严重程度", "Correct kind, unit or severity"), &inputs)
}

/// Undoing a link to a repeated matter; making this case part of another.
fn linking(frame: &Frame, case: &CaseWhole) -> Markup {
    let undoable = case.detail.links.iter().filter(|link| !link.sort.starts_with("merged"));
    let undoable: Vec<Shown> = undoable.map(|link| (link.other.to_string(), link.number.clone())).collect();
    html! {
        @if !undoable.is_empty() {
            (form(frame, case, "unlink", ("解除关联", "Undo a link"), &html! {
                label for="unlink-other" { (frame.t("关联案件", "Linked case")) }
                (chosen::select(&Chooser { id: "unlink-other", name: "other", value: "", empty: None }, &undoable))
                (reason(frame, "unlink-reason"))
            }))
        }
        @if !case.detail.summary.closed && case.detail.summary.carries == 0 && case.detail.summary.carried_by.is_none() {
            (form(frame, case, "merge", ("并入另一案件", "Merge into another case"), &html! {
                label for="merge-into" { (frame.t("并入的案件编号", "Number of the case that it becomes part of")) span.hint { (frame.t("本案随即办结，今后在该案中处理", "this one is closed and dealt with there")) } }
                input #merge-into name="into" list="linked" autocomplete="off" required;
                datalist #linked { @for (_, number) in &undoable { option value=(number) {} } }
                (reason(frame, "merge-reason"))
            }))
        }
    }
}

/// Who sees the case by name.
fn seeing(frame: &Frame, case: &CaseWhole) -> Markup {
    let added: Vec<Shown> = case.detail.people_added.iter().map(|person| (person.clone(), frame.name(person))).collect();
    html! {
        (form(frame, case, "add_person", ("允许某人查看本案", "Let a person see the case"), &html! {
            label for="add-person" { (frame.t("人员", "Person")) }
            (chosen::person(frame, &Chooser { id: "add-person", name: "person", value: "", empty: None }))
            (reason(frame, "add-reason"))
        }))
        @if !added.is_empty() {
            (form(frame, case, "remove_person", ("取消某人的查看权限", "No longer let a person see it"), &html! {
                label for="remove-person" { (frame.t("人员", "Person")) }
                (chosen::select(&Chooser { id: "remove-person", name: "person", value: "", empty: None }, &added))
                (reason(frame, "remove-reason"))
            }))
        }
    }
}

/// What a form of the page asks for.
#[derive(Debug)]
pub struct Acting {
    pub request: Uuid,
    pub version: Option<i64>,
    pub act: CaseAct,
    /// Another case on which it is done: the master of one that is attached.
    pub on: Option<Uuid>,
}

/// A form as it was sent.
pub struct Form<'a>(pub &'a [(String, String)]);

impl Form<'_> {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn needed(&self, name: &str) -> Result<String, Problem> {
        self.text(name)
            .ok_or_else(|| Problem::invalid_field(&format!("/{name}"), both("未填写", "it is empty"), both("请填写内容", "a text")))
    }

    pub(super) fn id(&self, name: &str) -> Result<Uuid, Problem> {
        self.needed(name)?.parse().map_err(|_| Problem::malformed(both(format!("{name} 不是有效编号"), format!("{name} is not an id"))))
    }

    /// Everything that says itself what is meant; a merger names a case by its number.
    fn act(&self, into: Option<Uuid>) -> Result<CaseAct, Problem> {
        let fields = || chosen::given(self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let (person, reason) = (|| self.needed("person"), || self.needed("reason"));
        Ok(match self.text("do").as_deref() {
            Some("step") => CaseAct::Step { name: self.needed("name")?, fields: fields(), note: self.text("note") },
            Some("assign") => CaseAct::Assign { person: person()? },
            Some("note") => CaseAct::Note { text: self.needed("text")? },
            Some("answer") => CaseAct::Answer { text: self.needed("text")?, by: self.needed("by")? },
            Some("refer") => CaseAct::Refer {
                attachment: Attachment { name: self.needed("name")?, reference: self.needed("reference")?, media_type: None },
            },
            Some("correct") => CaseAct::Correct {
                kind: self.text("kind"),
                unit: self.text("unit"),
                severity: self.text("severity"),
                about_person: self.text("about_person"),
                reason: reason()?,
            },
            Some("unlink") => CaseAct::Unlink { other: self.id("other")?, reason: reason()? },
            Some("merge") => CaseAct::Merge { into: into.ok_or_else(Problem::not_found)?, reason: reason()? },
            Some("attach") => CaseAct::Attach { cases: Vec::new(), numbers: carried::numbers(&self.needed("numbers")?), reason: reason()? },
            Some("detach") => CaseAct::Detach { reason: reason()? },
            Some("add_person") => CaseAct::AddPerson { person: person()?, reason: reason()? },
            Some("remove_person") => CaseAct::RemovePerson { person: person()?, reason: reason()? },
            _ => return Err(Problem::malformed(both("本页没有此项操作", "do names no act of this page"))),
        })
    }
}

/// # Errors
/// 422 for an empty field, or a number of no case that the viewer may see; 400 for what no form of ours sends.
pub async fn read_form(app: &App, viewer: &Viewer, form: &Form<'_>) -> Result<Acting, Problem> {
    if form.text("do").as_deref() == Some("attach_to") {
        return carried::to_master(app, viewer, form).await;
    }
    let into = match form.text("do").as_deref() {
        Some("merge") => Some(case_numbered(app, viewer, "into", form.needed("into")?).await?.case),
        _ => None,
    };
    let version = form.text("version").and_then(|version| version.parse().ok());
    Ok(Acting { request: form.id("request")?, version, act: form.act(into)?, on: None })
}

pub(super) async fn case_numbered(app: &App, viewer: &Viewer, member: &str, number: String) -> Result<CaseSummary, Problem> {
    let request = CaseShowRequest { case: None, number: Some(number) };
    match app.services.case_show(viewer, &request).await {
        Ok(found) => Ok(found.summary),
        Err(why) if why.status == 404 => Err(Problem::invalid_field(
            &format!("/{member}"),
            both("没有此编号的案件，或您无权查看", "there is no case of this number that you may see"),
            both("请填写案件编号", "the number of a case"),
        )),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn act(members: &[(&str, &str)]) -> Result<CaseAct, Problem> {
        let pairs: Vec<(String, String)> = members.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Form(&pairs).act(None)
    }

    #[test]
    fn a_step_takes_its_fields_and_leaves_the_empty_ones() {
        let act = act(&[("do", "step"), ("name", "close"), ("field.cause", " 交付 "), ("field.loss", "")]).unwrap();
        let CaseAct::Step { name, fields, note } = act else { panic!("not a step") };
        assert_eq!((name.as_str(), note), ("close", None));
        assert_eq!(Value::Object(fields), json!({ "cause": "交付" }));
    }

    #[test]
    fn an_empty_note_names_its_field() {
        let why = act(&[("do", "note"), ("text", " ")]).unwrap_err();
        assert_eq!(why.errors[0].field, "/text");
    }

    #[test]
    fn every_act_of_a_person_has_a_form() {
        let id = Uuid::from_u128(7);
        let given = [
            ("person", "wang"),
            ("reason", "x"),
            ("numbers", "TS-1，TS-2\n TS-3"),
            ("name", "录音"),
            ("reference", "/r/1"),
            ("text", "x"),
            ("by", "phone"),
        ];
        let read = |what: &str| {
            let other = id.to_string();
            let members: Vec<(&str, &str)> = given.into_iter().chain([("do", what), ("other", other.as_str())]).collect();
            act(&members).unwrap()
        };
        let attachment = Attachment { name: "录音".into(), reference: "/r/1".into(), media_type: None };
        assert_eq!(read("refer"), CaseAct::Refer { attachment });
        assert_eq!(read("unlink"), CaseAct::Unlink { other: id, reason: "x".into() });
        let numbers = vec!["TS-1".into(), "TS-2".into(), "TS-3".into()];
        assert_eq!(read("attach"), CaseAct::Attach { cases: Vec::new(), numbers, reason: "x".into() });
        assert_eq!(read("detach"), CaseAct::Detach { reason: "x".into() });
        assert_eq!(read("add_person"), CaseAct::AddPerson { person: "wang".into(), reason: "x".into() });
        assert_eq!(read("remove_person"), CaseAct::RemovePerson { person: "wang".into(), reason: "x".into() });
        assert_eq!(read("assign"), CaseAct::Assign { person: "wang".into() });
    }
}
