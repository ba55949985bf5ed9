//! What every request and journey of intake stands on.

use crate::measures::Measures;
use crate::settings::Settings;
use crate::visibility::Sight;
use duban_contracts::identity::IdentityKeys;
use duban_contracts::{Problem, both};
use duban_engine::contacts::LatestContacts;
use duban_platform::Platform;
use duban_platform::rpc::Failed;
use duban_policy::Policy;
use duban_policy::directory::Directory;
use sqlx::PgPool;
use std::ops::Deref;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many batches of a copy take numbers at the same moment.
const NUMBERING: u32 = 2;

/// Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub platform: Platform,
    pub keys: IdentityKeys,
    pub settings: Settings,
    pub measures: Measures,
    pub contacts: LatestContacts,
    /// Connections that only numbers are taken over: whoever takes them holds a connection already, and must not wait for another of the
    /// same pool.
    pub numbering: PgPool,
    /// Told when reports may have ceased to wait for others.
    pub followers: Notify,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub fn new(platform: &Platform, keys: IdentityKeys, settings: Settings) -> Self {
        let measures = Measures::register(&platform.metrics);
        let pool = platform.db.pool();
        let numbering = pool.options().clone().max_connections(NUMBERING).connect_lazy_with((*pool.connect_options()).clone());
        Self(Arc::new(Parts {
            platform: platform.clone(),
            keys,
            settings,
            measures,
            contacts: LatestContacts::default(),
            numbering,
            followers: Notify::new(),
        }))
    }

    /// The directory, and what a person may see by it now.
    pub async fn sight(&self, person: &str) -> Result<(Arc<Directory>, Sight), Failed> {
        let directory = self.directory()?;
        let named = crate::store::list::by_name(self.platform.db.pool(), person).await?;
        let sight = Sight::of(&directory, person, self.platform.clock.now(), named);
        Ok((directory, sight))
    }

    /// The policy that a case is under.
    pub fn policy(&self, version: i64) -> Result<Arc<Policy>, Problem> {
        self.platform
            .policies
            .get(version)
            .ok_or_else(|| Problem::unavailable(both("本案所依据的制度正在载入", "the policy of this case is still being fetched")))
    }

    pub fn directory(&self) -> Result<Arc<Directory>, Problem> {
        self.platform.directory.current()
    }
}
