use super::{Language, Paragraphs, Urgency};
use maud::{DOCTYPE, Markup, html as markup};

/// The message as HTML: the same sentences. One column, no picture, no outside request, readable in the dark and on a phone.
pub fn html(message: &Paragraphs, subject: &str, urgency: Urgency) -> String {
    let button =
        "display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;text-decoration:none;font-weight:600";
    // Red means overdue and nothing else; the word stands beside the colour.
    let edge = match urgency {
        Urgency::OnTime => "#5a6b7b",
        Urgency::DueSoon => "#b26a00",
        Urgency::Overdue => "#b3261e",
        Urgency::Escalated | Urgency::Urged => "#6a3fb5",
    };
    let wanted = format!("margin:0 0 16px;padding:4px 0 4px 12px;border-left:4px solid {edge};font-size:18px;font-weight:600");
    let content = markup! {
        p style=(wanted) { (message.wanted) }
        p { (message.reason) }
        p { @for (i, line) in message.story.iter().enumerate() { @if i > 0 { br; } (line) } }
        p { (message.next) }
        p { a href=(message.acknowledge.1) style=(button) { (message.acknowledge.0) } }
        p { a href=(message.page.1) { (message.page.0) } }
        p style="font-size:13px;opacity:.75" { (message.footer) @if message.language == Language::English { " " } br; (message.acknowledge.1) }
    };
    page(message.language, subject, &content)
}

/// A message that lists what waits: what is wanted, the list, and the link to the rest.
pub(super) fn listing(language: Language, subject: &str, wanted: &str, lines: &[Markup], (rest, url): (&str, &str)) -> String {
    let content = markup! {
        p style="margin:0 0 16px;font-size:18px;font-weight:600" { (wanted) }
        ol { @for line in lines { li style="margin:0 0 8px" { (line) } } }
        p { a href=(url) { (rest) } }
    };
    page(language, subject, &content)
}

/// The page that every message is.
fn page(language: Language, subject: &str, content: &Markup) -> String {
    // Mail programs drop style sheets, so the few styles stand at their elements.
    let style = "margin:0 auto;max-width:36em;padding:16px;line-height:1.7;\
                 font-family:'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',system-ui,sans-serif;font-size:16px";
    markup! {
        (DOCTYPE)
        html lang=(language.pick("zh-CN", "en")) {
            head { meta charset="utf-8"; meta name="viewport" content="width=device-width, initial-scale=1"; meta name="color-scheme" content="light dark"; title { (subject) } }
            body style=(style) { (content) }
        }
    }
    .into_string()
}
