//! What `duban up` says once all is ready: where to look, who to be, how to send a first report.

use crate::credentials::Manager;
use crate::install::Installation;
use crate::show::Show;
use comfy_table::{ContentArrangement, Table, presets};
use duban_local::Stack;

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
    });
    show.print(&said, |_| {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        let (url, mail) = (&installation.url, stack.mail.page_url());
        for (what, where_) in [
            ("Duban 督办 is ready", String::new()),
            ("", String::new()),
            ("pages 控制台", format!("{url}/    log in as {} with {}", manager.login, manager.password)),
            ("public form 网上受理", format!("{url}/report")),
            ("tracking 进度查询", format!("{url}/track")),
            ("API", format!("{url}/openapi.json")),
            ("mail catcher 邮件", mail),
            ("logs", stack.dir().join("logs").display().to_string()),
        ] {
            table.add_row([what.to_owned(), where_]);
        }
        format!("\n{table}\n\n{}\n\nCtrl-C stops everything in order; nothing is lost.", first_report(&env.display().to_string()))
    })
}

/// How to send a first report, from curl and from this program.
pub fn first_report(env: &str) -> String {
    format!(
        r#"Send a first report, in another terminal:

  source {env}
  curl -sS "$DUBAN_URL/v1/reports" -H "Authorization: Bearer $DUBAN_TOKEN_WEB" \
       -H "Idempotency-Key: my-first-report" -H "Content-Type: application/json" \
       -d '{{"channel":"web","subject":"第一件来件","text":"你好，督办。","reporter":{{"name":"王先生","phone":"19900001234"}}}}'

or   duban report send --subject 第一件来件 --text 你好，督办。 --name 王先生 --phone 19900001234"#
    )
}
