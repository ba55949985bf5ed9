//! What `duban up` says once all is ready: where to look, who to be, how to send a first report.

use crate::credentials::Manager;
use crate::install::Installation;
use crate::show::Show;
use comfy_table::{ContentArrangement, Table, presets};
use duban_local::Stack;

const SUBJECT: &str = "空调不制冷";
const TEXT: &str = "新装的空调不制冷，要求退货。";

/// # Errors
/// When it cannot be written as JSON.
pub fn print(stack: &Stack, installation: &Installation, manager: &Manager, show: Show) -> anyhow::Result<()> {
    let env = stack.dir().join("env");
    let said = serde_json::json!({
        "ready": true,
        "url": installation.url,
        "mail": stack.mail.page_url(),
        "env": env,
        "login": manager.login,
        "policies": installation.news,
    });
    show.print(&said, |_| {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        let (url, mail) = (&installation.url, stack.mail.page_url());
        for (what, where_) in [
            ("Duban 督办 is ready", String::new()),
            ("", String::new()),
            ("pages 控制台", format!("{url}/    log in as {} with {}", manager.login, manager.password)),
            ("", format!("the administrator's login stands in {}", env.display())),
            ("public form 网上受理", format!("{url}/report")),
            ("tracking 进度查询", format!("{url}/track")),
            ("API", format!("{url}/openapi.json")),
            ("mail catcher 邮件", mail),
            ("logs", stack.dir().join("logs").display().to_string()),
        ] {
            table.add_row([what.to_owned(), where_]);
        }
        let (first, policies) = (first_report(&env.display().to_string(), &installation.unit), policies(installation));
        format!("\n{table}\n{policies}\n{first}\n\nCtrl-C stops everything in order; nothing is lost.")
    })
}

/// What is to be said about policies, as a paragraph of its own; empty if nothing is.
pub fn policies(installation: &Installation) -> String {
    if installation.news.is_empty() { String::new() } else { format!("\n{}\n", installation.news.told(&installation.url)) }
}

/// How to send a first report, from curl and from this program.
pub fn first_report(env: &str, unit: &str) -> String {
    format!(
        r#"Send a first report, in another terminal:

  source {env}
  curl -sS -w '\n' "$DUBAN_URL/v1/reports" -H "Authorization: Bearer $DUBAN_TOKEN_WEB" \
       -H "Idempotency-Key: my-first-report" -H "Content-Type: application/json" \
       -d '{{"channel":"web","unit":"{unit}","subject":"{SUBJECT}","text":"{TEXT}","reporter":{{"name":"王先生","phone":"19900001234"}}}}'

or

  {}"#,
        first_report_by_program(unit)
    )
}

/// The same with this program, called by its whole name, since it hardly stands in the shell's path.
pub fn first_report_by_program(unit: &str) -> String {
    format!("{} report send --unit {unit} --subject {SUBJECT} --text {TEXT} --name 王先生 --phone 19900001234", program())
}

/// How this program is called: as whoever wraps it says, else by where it lies.
fn program() -> String {
    let said = std::env::var("DUBAN_PROGRAM").ok().filter(|said| !said.is_empty());
    said.unwrap_or_else(|| std::env::current_exe().map_or_else(|_| "duban".to_owned(), |path| path.display().to_string()))
}
