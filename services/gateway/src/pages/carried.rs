//! A master case (主案) on its page and on the pages of what is attached to it: what stands there, the forms, and the reading of what they send.

use super::case_acts::{Acting, Form, case_numbered, form, reason};
use super::frame::Frame;
use crate::App;
use crate::ask::CaseWhole;
use crate::viewer::Viewer;
use duban_contracts::Problem;
use duban_contracts::case::{CaseAct, CaseLink};
use maud::{Markup, html};

/// Of a master, what is attached to it; of what is attached, that it is dealt with in its master.
pub fn facts(frame: &Frame, case: &CaseWhole) -> Markup {
    let summary = &case.detail.summary;
    let carries: Vec<&CaseLink> = case.detail.links.iter().filter(|link| link.sort == "carries").collect();
    let are_more = usize::try_from(summary.carries).is_ok_and(|all| carries.len() < all);
    html! {
        @if summary.carried_by.is_some() {
            dt { (frame.t("办理方式", "How it is handled")) } dd { (frame.t("已挂入主案，随主案统一答复和办结", "with its master case: answered and closed together")) }
        }
        @if summary.carries > 0 {
            dt { (frame.t("附案", "Attached")) }
            dd { details {
                summary { (summary.carries) (frame.t(" 件", if summary.carries == 1 { " case" } else { " cases" })) }
                ul.small { @for link in &carries { li { a href={ "/cases/" (link.other) } { (link.number) } } } }
                @if are_more {
                    p.small.soft { (frame.t("其余见案件列表“已挂入主案”。", "The list of cases has the others you may see, under 'attached'.")) }
                }
            } }
        }
    }
}

pub fn forms(frame: &Frame, case: &CaseWhole) -> Markup {
    let summary = &case.detail.summary;
    html! {
        @if summary.carried_by.is_some() {
            (form(frame, case, "detach", ("移出主案", "Detach from its master case"), &html! {
                p.hint { (frame.t("本案随即自行办理，挂入时未办的责任事项自此重新起算。", "it stands for itself again; what it owed when it was attached is owed anew, from now on")) }
                (reason(frame, "detach-reason"))
            }))
        } @else if !summary.closed {
            (form(frame, case, "attach", ("挂入附案（本案作主案）", "Attach cases to this one as their master"), &html! {
                label for="attach-numbers" { (frame.t("附案编号", "Numbers of the cases")) span.hint { (frame.t("每行一个，一次最多200个；它们各自保留编号，随本案统一答复和办结", "one a line, 200 at most; each keeps its number, and is answered and closed with this one")) } }
                textarea #attach-numbers name="numbers" rows="4" required {}
                (reason(frame, "attach-reason"))
            }))
            @if summary.carries == 0 {
                (form(frame, case, "attach_to", ("挂入主案", "Attach to a master case"), &html! {
                    label for="attach-to" { (frame.t("主案编号", "Number of the master case")) span.hint { (frame.t("同一事件由主案统一答复和办结", "reports of one incident are answered and closed there")) } }
                    input #attach-to name="master" autocomplete="off" required;
                    (reason(frame, "attach-to-reason"))
                }))
            }
        }
    }
}

/// Numbers as people write them below or beside one another.
pub fn numbers(text: &str) -> Vec<String> {
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、');
    text.split(separators).filter(|number| !number.is_empty()).map(str::to_owned).collect()
}

/// From the page of the case that is to be attached: the act is done on the master, as it now stands.
///
/// # Errors
/// 422 for an empty field, or a number of no case that the viewer may see.
pub async fn to_master(app: &App, viewer: &Viewer, sent: &Form<'_>) -> Result<Acting, Problem> {
    let master = case_numbered(app, viewer, "master", sent.needed("master")?).await?;
    let act = CaseAct::Attach { cases: vec![sent.id("case")?], numbers: Vec::new(), reason: sent.needed("reason")? };
    Ok(Acting { request: sent.id("request")?, version: Some(master.version), act, on: Some(master.case) })
}
