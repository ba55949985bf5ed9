//! On the page of a set: the open cases that a corrected kind reaches.

use super::frame::Frame;
use crate::policies::reaching::ReachedCases;
use crate::viewer::url_encoded;
use duban_contracts::Problem;
use maud::{Markup, html};

pub fn view(frame: &Frame, reached: &Result<Vec<ReachedCases>, Problem>) -> Markup {
    let reached = match reached {
        Ok(reached) => reached,
        Err(why) => return frame.wrong(frame.t("无法列出适用更正的案件", "The cases that it reaches cannot be listed"), why),
    };
    html! { @for kind in reached { (of_kind(frame, kind)) } }
}

fn of_kind(frame: &Frame, ReachedCases { of, total, cases }: &ReachedCases) -> Markup {
    let (pack, kind) = of.split_once("/kind.").unwrap_or_default();
    html! {
        section {
            h2 { (frame.t("适用更正的未结案件：", "Open cases that follow: ")) (of) }
            @if cases.is_empty() { p.soft { (frame.t("没有您有权查看的未结案件。", "There is no open case that you may see.")) } }
            @else {
                p { (frame.t("自生效之时起，下列案件从现有环节继续，按新的步骤和字段办理；环节本身不变。",
                    "From when it is in force these go on by the new steps and fields, each from the stage in which it stands; no stage changes.")) }
                table {
                    caption {
                        (frame.counted(*total, "件", "case", "cases"))
                        @if usize::try_from(*total).is_ok_and(|total| total > cases.len()) {
                            " " a href={ "/cases?state=open&pack=" (url_encoded(pack)) "&kind=" (url_encoded(kind)) } { (frame.t("查看全部", "Show all")) }
                        }
                    }
                    thead { tr { th { (frame.t("编号", "Number")) } th { (frame.t("环节", "Stage")) } th { (frame.t("案件", "Case")) } } }
                    tbody { @for case in cases { tr data-row {
                        td.whole data-label=(frame.t("编号", "Number")) { a href={ "/cases/" (case.case) } { (case.number) } }
                        td data-label=(frame.t("环节", "Stage")) { (frame.t(&case.stage_title_zh, &case.stage_title)) }
                        td data-label=(frame.t("案件", "Case")) { (frame.t(&case.title_zh, &case.title)) }
                    } } }
                }
            }
        }
    }
}
