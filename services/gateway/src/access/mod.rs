//! Logging in, sessions, tokens of people. Sessions and tokens end by real time, whatever the clock of domain time says.

pub mod passwords;
mod store;

use crate::holdings::Holdings;
use crate::limits::AddressLimits;
use crate::token;
use crate::viewer::{By, Language, Viewer};
use crate::web::of_database;
use axum_extra::extract::cookie::{Cookie, SameSite};
use duban_contracts::{Problem, ids};
use duban_platform::Database;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Who may come in. Cheap to clone.
#[derive(Clone)]
pub struct Access(Arc<Parts>);

struct Parts {
    db: Database,
    holdings: Holdings,
    limits: AddressLimits,
    rules: Rules,
}

/// How long sessions last and where they are good.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub idle_minutes: u32,
    pub hours: u32,
    /// Cookies go over TLS only.
    pub secure: bool,
    /// Demonstration credentials are good here.
    pub demonstration: bool,
}

/// `POST /v1/session`.
#[derive(Clone, Deserialize, schemars::JsonSchema)]
pub struct LoginRequest {
    /// The person's id or email address.
    pub name: String,
    pub password: String,
}

/// A new session.
pub struct LoggedIn {
    pub person: String,
    pub name: String,
    pub csrf: String,
    pub cookie: Cookie<'static>,
}

impl Access {
    pub fn new(db: Database, holdings: Holdings, limits: AddressLimits, rules: Rules) -> Self {
        Self(Arc::new(Parts { db, holdings, limits, rules }))
    }

    /// `__Host-` binds a cookie to this very host and to TLS; browsers refuse it without.
    pub fn cookie_name(&self) -> &'static str {
        if self.0.rules.secure { "__Host-duban_session" } else { "duban_session" }
    }

    /// Begins a session.
    ///
    /// # Errors
    /// 401 for an unknown name or a wrong password (not told apart), 429 too often, 503 without the database.
    pub async fn login(&self, request: &LoginRequest, address: IpAddr) -> Result<LoggedIn, Problem> {
        // Found first: whoever is tried, under whichever of his names, is one and the same to the limit.
        let person = self.person_named(&request.name);
        self.0.limits.login(address, person.as_deref(), &request.name)?;
        let kept = match &person {
            Some(person) => {
                store::password_hash(self.0.db.pool(), person, self.0.rules.demonstration).await.map_err(|e| of_database(&e))?
            }
            None => None,
        };
        let right = passwords::is_right(&request.password, kept).await?;
        let (true, Some(person)) = (right, person) else {
            return Err(Problem::new(401, "unauthenticated", "Name or password is wrong", "账号或密码不正确"));
        };
        let (secret, csrf) = (token::fresh(""), token::fresh(""));
        let Rules { demonstration, hours, .. } = self.0.rules;
        let token_hash = token::hash(&secret);
        let session = store::NewSession { id: ids::fresh(), person: &person, token_hash: &token_hash, csrf: &csrf, demonstration, hours };
        store::begin_session(self.0.db.pool(), session).await.map_err(|e| of_database(&e))?;
        tracing::info!(person, "logged in");
        let name = self.0.holdings.name_of(&person);
        Ok(LoggedIn { cookie: self.cookie(secret), name, person, csrf })
    }

    /// Ends the session and gives the cookie that removes its cookie.
    ///
    /// # Errors
    /// 503 without the database: the session would live on.
    pub async fn logout(&self, viewer: &Viewer) -> Result<Cookie<'static>, Problem> {
        store::end_session(self.0.db.pool(), viewer.session).await.map_err(|e| of_database(&e))?;
        let mut cookie = self.cookie(String::new());
        cookie.make_removal();
        Ok(cookie)
    }

    /// The person of a session; None when it has ended.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn by_session(&self, secret: &str) -> Result<Option<Viewer>, Problem> {
        let rules = self.0.rules;
        let found = store::session(self.0.db.pool(), &token::hash(secret), rules.idle_minutes, rules.demonstration)
            .await
            .map_err(|e| of_database(&e))?;
        Ok(found.map(|session| self.viewer(session.person, session.id, session.csrf, By::Session)))
    }

    /// The person of a token.
    ///
    /// # Errors
    /// 401 unknown, revoked or run out; 503 without the database.
    pub async fn by_token(&self, secret: &str) -> Result<Viewer, Problem> {
        // A producer's token, or anything else that is none of a person's, needs no look-up.
        if !secret.starts_with(token::PERSON) {
            return Err(Problem::unauthenticated());
        }
        let found = store::api_token(self.0.db.pool(), &token::hash(secret), self.0.rules.demonstration).await;
        let (person, id) = found.map_err(|e| of_database(&e))?.ok_or_else(Problem::unauthenticated)?;
        Ok(self.viewer(person, id, String::new(), By::Token))
    }

    /// Somebody who came in a while ago and is still there, as he is now; None when his session or token has ended since.
    ///
    /// # Errors
    /// 503 without the database.
    pub async fn again(&self, viewer: &Viewer) -> Result<Option<Viewer>, Problem> {
        let (pool, rules) = (self.0.db.pool(), self.0.rules);
        let lives = match viewer.by {
            By::Session => store::session_lives(pool, viewer.session, rules.idle_minutes, rules.demonstration).await,
            By::Token => store::api_token_lives(pool, viewer.session, rules.demonstration).await,
        };
        let lives = lives.map_err(|e| of_database(&e))?;
        Ok(lives.then(|| self.viewer(viewer.person.clone(), viewer.session, viewer.csrf.clone(), viewer.by)))
    }

    /// Sessions that have ended are deleted. Called now and then.
    ///
    /// # Errors
    /// The database's.
    pub async fn tidy(&self) -> Result<u64, sqlx::Error> {
        store::delete_ended_sessions(self.0.db.pool(), self.0.rules.idle_minutes).await
    }

    fn viewer(&self, person: String, session: Uuid, csrf: String, by: By) -> Viewer {
        let holdings = &self.0.holdings;
        let language = holdings.language_of(&person).as_deref().and_then(Language::of_code).unwrap_or_default();
        Viewer { name: holdings.name_of(&person), administers: holdings.administers(&person), language, csrf, session, by, person }
    }

    fn person_named(&self, name: &str) -> Option<String> {
        self.0.holdings.person_named(name.trim())
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build((self.cookie_name(), value)).path("/").http_only(true).same_site(SameSite::Lax).secure(self.0.rules.secure).build()
    }
}

/// `GET /v1/me`, and the answer to a login by API.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Me {
    pub person: String,
    pub name: String,
    /// `zh` or `en`.
    pub language: String,
    pub administers: bool,
    /// To be sent as `X-CSRF-Token` with every change by cookie; absent for a token.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub csrf: String,
}

impl From<&Viewer> for Me {
    fn from(viewer: &Viewer) -> Self {
        Self {
            person: viewer.person.clone(),
            name: viewer.name.clone(),
            language: viewer.language.code().to_owned(),
            administers: viewer.administers,
            csrf: viewer.csrf.clone(),
        }
    }
}
