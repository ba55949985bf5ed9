//! `webhook.show`: the secret that signs what is sent to a person's webhook, for himself and for administrators.

use crate::channels::endpoint;
use crate::signature::WebhookSecret;
use crate::tell::Channel;
use crate::{App, mask, rights};
use duban_contracts::delivery::{Webhook, WebhookShowRequest};
use duban_contracts::{Problem, both};
use duban_platform::rpc::{Failed, Request};

pub async fn show(app: App, request: Request<WebhookShowRequest>) -> Result<Webhook, Failed> {
    let asker = request.person()?;
    let directory = app.platform.directory.current()?;
    let person = request.body.person.as_deref().unwrap_or(asker);
    if person != asker && !rights::may_administer(&directory, asker, app.platform.clock.now()) {
        return Err(Problem::forbidden(both(
            "他人网络回调的密钥仅限管理员查看",
            "Only an administrator may see the secret of another's webhook.",
        ))
        .into());
    }
    let found = directory.person(person).ok_or_else(Problem::not_found)?;
    let url = Channel::Webhook.address(found).ok_or_else(Problem::not_found)?;
    let secret = WebhookSecret::derived(&app.settings.links.key, &endpoint(person, url));
    Ok(Webhook { person: person.to_owned(), address: mask::webhook(url), secret: secret.text() })
}
