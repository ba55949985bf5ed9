//! What the fields of forms and filters are called, for faults that name them by JSON pointer.

use super::frame::Frame;

/// Last part of the pointer, Chinese, English: as the forms have it.
const LABELS: [(&str, &str, &str); 39] = [
    ("about_person", "被投诉人", "Person complained about"),
    ("by", "方式", "By"),
    ("channel", "渠道", "Channel"),
    ("code", "查询码", "Tracking code"),
    ("corrects", "更正未了结事项", "Corrects open matters"),
    ("do", "操作", "What is to be done"),
    ("email", "邮箱", "Email"),
    ("file", "文件", "Files"),
    ("follows", "查询码", "Tracking code"),
    ("from", "开始时间", "From"),
    ("id", "代码", "Id"),
    ("into", "并入的案件编号", "Number of the case that it becomes part of"),
    ("kind", "类别", "Kind"),
    ("language", "语言", "Language"),
    ("limit", "条数", "How many"),
    ("name", "名称", "Name"),
    ("note", "说明", "Note"),
    ("occurred_at", "发生时间", "When it happened"),
    ("other", "关联案件", "Linked case"),
    ("password", "密码", "Password"),
    ("person", "人员", "Person"),
    ("phone", "电话", "Telephone"),
    ("post", "岗位", "Post"),
    ("producer", "接入方", "Producer"),
    ("reason", "理由", "Reason"),
    ("reference", "存放位置或网址", "Where it is kept, or its address"),
    ("severity", "严重程度", "Severity"),
    ("stage", "环节", "Stage"),
    ("state", "状态", "State"),
    ("subject", "主题", "Subject"),
    ("text", "内容", "Text"),
    ("to", "接办人", "To"),
    ("unit", "单位", "Unit"),
    ("until", "截止时间", "Until"),
    ("version", "版本", "Version"),
    ("waits_for", "等待何人", "Who is waited for"),
    ("webhook", "Webhook 地址", "Webhook"),
    ("what", "变更类别", "Changes of"),
    ("which", "变更对象", "What was changed"),
];

/// Empty for a whole form, and for a field that a pack declares: its fault says itself what it is called. What no form has keeps its pointer.
pub fn of<'a>(frame: &Frame, pointer: &'a str) -> &'a str {
    if pointer.is_empty() || pointer.starts_with("/fields/") {
        return "";
    }
    let name = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or(pointer);
    LABELS.iter().find(|known| known.0 == name).map_or(pointer, |(_, zh, en)| frame.t(zh, en))
}
