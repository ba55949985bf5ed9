//! `report.known`: which of these reports are registered, and with which body. The gateway asks it once for each batch that it gathers.

use crate::app::App;
use crate::store::identities;
use duban_contracts::Problem;
use duban_contracts::report::{KnownAnswer, KnownRequest};
use duban_platform::rpc::{Failed, Request};

/// As many as one atomic batch can hold.
const MOST: usize = 1_000;

pub async fn known(app: App, request: Request<KnownRequest>) -> Result<KnownAnswer, Failed> {
    let receipts = &request.body.reports;
    if receipts.len() > MOST {
        return Err(Problem::invalid_field("/reports", format!("{} receipts", receipts.len()), format!("at most {MOST}")).into());
    }
    let hashes = identities::body_hashes(app.platform.db.pool(), receipts).await?;
    Ok(KnownAnswer { known: hashes.into_iter().map(|(receipt, hash)| (receipt, hex::encode(hash))).collect() })
}
