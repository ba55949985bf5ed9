//! The owners of the parts of a case's file, and how they are asked.

use crate::{App, case_file};
use duban_contracts::Problem;
use duban_contracts::case::{Dossier, DossierRequest};
use duban_contracts::subjects::service;
use duban_platform::rpc::Call;
use uuid::Uuid;

/// In the order in which they are asked. Escalation first: it is what a later edition waits for (a duty that is still open), and its 'not yet'
/// is cheap, where intake's answer is the whole file.
const OWNERS: [&str; 3] = [service::ESCALATION, service::NOTIFICATIONS, service::INTAKE];

/// Why the file cannot be had now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Withheld {
    #[error("{0} has not handled the close yet")]
    NotYet(&'static str),
    #[error("{0} does not answer")]
    Unavailable(&'static str),
    #[error("{owner} refuses: {problem}")]
    Refused { owner: &'static str, problem: Box<Problem> },
}

impl Withheld {
    /// As counted.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotYet(_) => "not_yet",
            Self::Unavailable(_) => "unavailable",
            Self::Refused { .. } => "failed",
        }
    }
}

/// Asks every owner for its part of the case's file as of the closing event; if `settled`, only once no duty of the case is open.
///
/// # Errors
/// The first owner that cannot give it now.
pub async fn dossiers(app: &App, case: Uuid, after: Uuid, settled: bool) -> Result<Vec<Dossier>, Withheld> {
    let mut parts = Vec::with_capacity(OWNERS.len());
    for owner in OWNERS {
        // Escalation comes first: what it tells of must have been told to people before they can be asked what became of it.
        let alert = parts.iter().find_map(|part: &Dossier| part.alert);
        parts.push(whole(app, owner, DossierRequest { case, after, settled, alert, from: None }).await?);
    }
    Ok(parts)
}

/// All pages of an owner's part, put together.
async fn whole(app: &App, owner: &'static str, mut request: DossierRequest) -> Result<Dossier, Withheld> {
    let mut whole = ask(app, owner, &request).await?;
    while let Some(next) = whole.next.take() {
        if request.from.as_ref() == Some(&next) {
            let problem = Problem::malformed("A page of the dossier ends where the one before ended.");
            return Err(Withheld::Refused { owner, problem: Box::new(problem) });
        }
        request.from = Some(next);
        let page = ask(app, owner, &request).await?;
        case_file::append(&mut whole.content, page.content);
        whole.next = page.next;
    }
    Ok(whole)
}

async fn ask(app: &App, owner: &'static str, request: &DossierRequest) -> Result<Dossier, Withheld> {
    let refused = |problem: Problem| match (problem.status, problem.code.as_str()) {
        (409, "not-yet") => Withheld::NotYet(owner),
        (503, _) => Withheld::Unavailable(owner),
        _ => Withheld::Refused { owner, problem: Box::new(problem) },
    };
    let call = Call::new(owner, "case.dossier").body(request).map_err(refused)?.timeout(app.settings.dossier_timeout);
    let dossier: Dossier = app.platform.bus.call(call).await.map_err(refused)?;
    if dossier.case != request.case || dossier.service != owner {
        let problem = Problem::malformed("The dossier is of another case or service.");
        return Err(Withheld::Refused { owner, problem: Box::new(problem) });
    }
    Ok(dossier)
}
