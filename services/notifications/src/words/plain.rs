use super::Paragraphs;

/// The message as plain text, `text/plain; charset=utf-8`.
pub fn plain(message: &Paragraphs) -> String {
    let colon = message.language.pick("：", ": ");
    let link = |(words, url): &(String, String)| format!("{words}{colon}\n{url}");
    [
        message.wanted.clone(),
        message.reason.clone(),
        message.story.join("\n"),
        message.next.clone(),
        link(&message.acknowledge),
        link(&message.page),
        message.footer.clone(),
    ]
    .join("\n\n")
        + "\n"
}
