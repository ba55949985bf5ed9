//! What could not be handled, kept sealed until somebody has looked.

use crate::Platform;
use crate::rpc::Rpc;
use duban_contracts::claim::Claim;

impl Platform {
    /// Serves `dead.list`, `dead.show` and `dead.replay`. `may` tells whether the asker may; requests without a claim come from the
    /// operator, who is the only one whom the broker lets send here besides the gateway.
    pub async fn serve_dead_letters(
        &self,
        _rpc: &Rpc,
        _may: impl Fn(&Claim) -> bool + Clone + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        todo!()
    }
}
