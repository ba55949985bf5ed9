//! What may be done with a duty besides doing it: the forms, and the reading of what they send. Only what the duty's owner offers is shown.

use super::chosen::{self, Chooser};
use super::frame::Frame;
use duban_contracts::duty::{DutyAct, WhyAnswer};
use duban_contracts::{Problem, Timestamp, both, ids};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

/// What a form sends; fields that a form does not have are empty.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Sent {
    pub request: Uuid,
    /// The version that the reader saw.
    pub version: Option<i64>,
    #[serde(rename = "do")]
    act: String,
    #[serde(default)]
    reason: String,
    /// Wall time of the organisation, as browsers send it: `2026-03-05T18:00`.
    #[serde(default)]
    until: String,
    #[serde(default)]
    waits_for: String,
    #[serde(default)]
    to: String,
}

impl Sent {
    /// # Errors
    /// The time cannot be read; nothing of this name can be done.
    pub fn act(&self, zone: &TimeZone) -> Result<DutyAct, Problem> {
        let (reason, note) = (self.reason.trim().to_owned(), self.reason.trim().to_owned());
        Ok(match self.act.as_str() {
            "paused" => {
                let waits_for = Some(self.waits_for.trim().to_owned()).filter(|named| !named.is_empty());
                DutyAct::Pause { reason, until: self.until(zone)?, waits_for }
            }
            "resumed" => DutyAct::Resume { note },
            "extended" => DutyAct::Extend { reason, until: self.until(zone)? },
            "handed_over" => DutyAct::HandOver { to: self.to.trim().to_owned(), reason },
            "urged" => DutyAct::Urge { note },
            _ => {
                return Err(Problem::invalid_field(
                    "/do",
                    both("没有此项操作", "nothing of this name can be done"),
                    both("请使用本页的表单", "one of the forms of the page"),
                ));
            }
        })
    }

    fn until(&self, zone: &TimeZone) -> Result<Timestamp, Problem> {
        chosen::wall_time(&self.until, zone, "/until")
    }
}

/// The forms; after a refusal with what was typed.
pub fn view(frame: &Frame, answer: &WhyAnswer, sent: Option<&Sent>) -> Markup {
    html! {
        @for act in &answer.offered {
            @match act.as_str() {
                "paused" => { (form(frame, answer, act, ("暂停计时", "Stop the clock"), sent, &html! {
                    p.soft { (frame.t("等待客户或他人时停止计时；到期自动恢复，截止时间顺延暂停的时间。",
                        "While a customer or somebody else is waited for. It goes on by itself at that time, and the due time moves by what was paused.")) }
                    (until(frame, act, ("最迟恢复时间", "Goes on at the latest"), sent))
                    label for="paused-waits" { (frame.t("等待何人", "Who is waited for")) span.hint { (frame.t("本组织人员每个工作日会收到提醒；等待客户时留空", "people of the organisation are reminded every working day; leave it empty for a customer")) } }
                    (chosen::person(frame, &Chooser { id: "paused-waits", name: "waits_for", value: typed(sent, act, |sent| &sent.waits_for), empty: Some(frame.t("客户或外部人员", "a customer, or somebody outside")) }))
                    (reason(frame, act, sent))
                })) }
                "resumed" => { (form(frame, answer, act, ("恢复计时", "Let the clock go on"), sent, &html! {})) }
                "extended" => { (form(frame, answer, act, ("准予延期", "Grant more time"), sent, &html! {
                    (until(frame, act, ("新的截止时间", "New due time"), sent))
                    (reason(frame, act, sent))
                })) }
                "handed_over" => { (form(frame, answer, act, ("移交他人", "Hand over"), sent, &html! {
                    label for="handed_over-to" { (frame.t("移交给", "To")) }
                    (chosen::person(frame, &Chooser { id: "handed_over-to", name: "to", value: typed(sent, act, |sent| &sent.to), empty: None }))
                    (reason(frame, act, sent))
                })) }
                "urged" => { (form(frame, answer, act, ("催办", "Urge"), sent, &html! {
                    p.soft { (frame.t("立即通知责任人，一小时内只能催办一次。", "Who owes it is told at once; once within an hour.")) }
                })) }
                _ => {}
            }
        }
    }
}

fn form(frame: &Frame, answer: &WhyAnswer, act: &str, (zh, en): (&str, &str), sent: Option<&Sent>, inputs: &Markup) -> Markup {
    html! {
        details open[sent.is_some_and(|sent| sent.act == act)] {
            summary { (frame.t(zh, en)) }
            form.sheet method="post" action={ "/duties/" (answer.duty.duty) "/act" } {
                (frame.csrf())
                input type="hidden" name="request" value=(ids::fresh());
                input type="hidden" name="version" value=(answer.duty.version);
                input type="hidden" name="do" value=(act);
                (inputs)
                p { button type="submit" { (frame.t(zh, en)) } }
            }
        }
    }
}

fn until(frame: &Frame, act: &str, (zh, en): (&str, &str), sent: Option<&Sent>) -> Markup {
    let id = format!("{act}-until");
    html! {
        label for=(id) { (frame.t(zh, en)) }
        input id=(id) name="until" type="datetime-local" required value=(typed(sent, act, |sent| &sent.until));
    }
}

fn reason(frame: &Frame, act: &str, sent: Option<&Sent>) -> Markup {
    let id = format!("{act}-reason");
    html! {
        label for=(id) { (frame.t("理由", "Reason")) span.hint { (frame.t("请勿填写个人信息", "no personal text, please")) } }
        input id=(id) name="reason" maxlength="2000" required value=(typed(sent, act, |sent| &sent.reason));
    }
}

/// What was typed into this form before.
fn typed<'a>(sent: Option<&'a Sent>, act: &str, of: impl Fn(&'a Sent) -> &'a String) -> &'a str {
    sent.filter(|sent| sent.act == act).map_or("", |sent| of(sent).as_str())
}
