//! Fills an installation that has just been started: the first administrator, packs and organisation, demonstration producers and logins.
//! `duban up` and `duban demo` use it, `duban install` does it beside containers, and so do the end-to-end tests. Done again on data that
//! is there, it makes only what is missing, and brings policies whose files have changed.

use crate::admin;
use crate::connection::Operator;
use crate::credentials::{self, Manager};
use crate::dead::Broker;
use crate::gateway::Gateway;
use crate::policy::applied::{Applied, is_organisation};
use crate::policy::bring::{self, News};
use crate::policy::sources;
use anyhow::{Context, bail};
use duban_contracts::policy::PolicySource;
use duban_contracts::{Problem, ids};
use duban_local::Stack;
use duban_policy::directory::{Directory, Person, Right};
use duban_policy::organisation::Organisation;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Whose tokens for the API are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TokensOf {
    #[default]
    Nobody,
    These(Vec<String>),
    Everybody,
}

/// What to install.
#[derive(Debug, Clone)]
pub struct InstallSettings {
    /// Folder of packs, calendars and the organisation.
    pub policies: PathBuf,
    /// People that get tokens (for acting as them) besides the administrator.
    pub tokens: TokensOf,
    /// What an earlier installation of this folder gave out: kept while it is still good.
    pub known: Installation,
    /// An administrator's token that was given at the command line: tried before what is kept.
    pub offered: Option<String>,
    /// Where secrets are kept as soon as they are made; None for who keeps none.
    pub keep_in: Option<PathBuf>,
    /// Which policies it was given; empty where nothing is known.
    pub applied: Applied,
}

impl Default for InstallSettings {
    fn default() -> Self {
        Self {
            policies: PathBuf::from("policies"),
            tokens: TokensOf::Nobody,
            known: Installation::default(),
            offered: None,
            keep_in: None,
            applied: Applied::default(),
        }
    }
}

/// An installation as those see it who may do everything with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// The gateway's address.
    pub url: String,
    /// The broker's, without credentials.
    pub broker_url: String,
    pub admin_token: String,
    /// Login name and password of the administrator; empty where they are not known.
    pub admin_login: (String, String),
    /// A person who sees the whole organisation: whose login is shown to newcomers.
    pub manager: String,
    /// About which a first report may be.
    pub unit: String,
    /// How he comes in, once that was made.
    pub shown: Manager,
    /// Tokens by producer: `hotline` and `web`.
    pub producers: BTreeMap<String, String>,
    /// Tokens by person, as [`InstallSettings::tokens`] asked for.
    pub people: BTreeMap<String, String>,
    /// Which policies it has been given, for the next time.
    pub applied: Applied,
    /// What was given now, and what is not in force yet.
    pub news: News,
}

/// The producers of a demonstration, and what they stand for.
pub const PRODUCERS: [(&str, &str); 2] = [("hotline", "客服热线 Hotline"), ("web", "网上受理 Web form")];

/// A store whose pack makes a case of a first report.
const DEMONSTRATION_UNIT: &str = "MD01";

/// The first administrator's login.
const FIRST: &str = "admin";
/// What his token is called that takes the place of the first.
const OF_THE_ADMINISTRATOR: &str = "administrator of this installation";

/// How long the gateway may take to answer its first request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fills a stack of this machine.
///
/// # Errors
/// What the gateway refuses, or that it does not answer.
pub async fn install(stack: &Stack, settings: &InstallSettings) -> anyhow::Result<Installation> {
    install_at(&operator(stack)?, &stack.url("gateway", 0), settings).await
}

/// Fills an installation that is reached through its gateway and, as the operator, through its broker.
///
/// # Errors
/// What the gateway refuses, or that it does not answer.
pub async fn install_at(operator: &Operator, url: &str, settings: &InstallSettings) -> anyhow::Result<Installation> {
    let mut installation = Installation { url: url.to_owned(), broker_url: operator.nats_url.clone(), ..settings.known.clone() };
    // Read first: what cannot be read makes nobody an administrator.
    let sources = sources::read(std::slice::from_ref(&settings.policies))?;
    let gateway = administrator(operator, url, settings, &mut installation).await?;
    let directory = organisation_and_packs(&gateway, settings, &sources, &mut installation).await?;
    installation.manager = manager(&directory).unwrap_or_default();
    installation.unit = first_unit(&directory);
    producers(&gateway, &directory, settings, &mut installation).await?;
    let wanted: Vec<String> = match &settings.tokens {
        TokensOf::Nobody => Vec::new(),
        TokensOf::These(people) => people.clone(),
        TokensOf::Everybody => directory.people().map(|person| person.id.clone()).collect(),
    };
    for person in wanted {
        let token = new_token(&gateway, &person, "demonstration").await?;
        installation.people.insert(person, token);
    }
    Ok(installation)
}

impl Installation {
    /// The gateway, asked as the administrator.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn administrator(&self) -> anyhow::Result<Gateway> {
        Gateway::new(&self.url, &self.admin_token)
    }

    /// The gateway, asked as a person with a fresh token, beside those that he has.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn person(&self, person: &str) -> anyhow::Result<Gateway> {
        let administrator = self.administrator()?;
        let token = match self.people.get(person) {
            Some(token) => token.clone(),
            None => new_token(&administrator, person, &ids::fresh().to_string()).await?,
        };
        Ok(administrator.with_token(token))
    }

    /// The gateway, asked as a producer.
    ///
    /// # Errors
    /// When there is no such producer.
    pub fn producer(&self, producer: &str) -> anyhow::Result<Gateway> {
        let token = self.producers.get(producer).with_context(|| format!("no token of producer {producer}"))?;
        Gateway::new(&self.url, token)
    }

    /// The broker's URL with a producer's credentials.
    ///
    /// # Errors
    /// When there is no such producer.
    pub fn nats_url(&self, producer: &str) -> anyhow::Result<String> {
        let token = self.producers.get(producer).with_context(|| format!("no token of producer {producer}"))?;
        let mut url = reqwest::Url::parse(&self.broker_url)?;
        if url.set_username(producer).and_then(|()| url.set_password(Some(token))).is_err() {
            bail!("the broker's URL takes no credentials: {url}");
        }
        Ok(url.to_string())
    }
}

/// The operator's ways into a stack of this machine.
///
/// # Errors
/// When the secrets cannot be read.
pub fn operator(stack: &Stack) -> anyhow::Result<Operator> {
    Ok(Operator {
        nats_url: stack.ground.nats_url().to_owned(),
        password: stack.ground.secrets().nats_password("operator")?,
        superuser_url: Some(stack.ground.superuser_url().to_owned()),
    })
}

/// The administrator's way to the gateway: the token that was offered or is kept, if it is good; else a new one, by the login that is kept; else
/// that of a first administrator made now.
async fn administrator(
    operator: &Operator,
    url: &str,
    settings: &InstallSettings,
    installation: &mut Installation,
) -> anyhow::Result<Gateway> {
    let gateway = Gateway::new(url, "")?;
    let tokens = settings.offered.iter().chain([&installation.admin_token]).filter(|token| !token.is_empty());
    for token in tokens.cloned().collect::<Vec<_>>() {
        let asked = gateway.with_token(&token);
        if who(&asked).await?.is_some_and(|me| me["administers"] == true) {
            installation.admin_token = token;
            return Ok(asked);
        }
    }
    let is_new = installation.admin_login.1.is_empty();
    if is_new {
        // Kept before it is used: should the answer be lost, there is a way in all the same.
        installation.admin_login = (FIRST.to_owned(), admin::fresh_password());
        keep(settings, installation)?;
    }
    let (login, password) = installation.admin_login.clone();
    let broker = Broker::connect(operator).await?;
    let deadline = Instant::now() + PATIENCE;
    let token = loop {
        match admin::create(&broker, &login, "系统管理员", "admin@duban.example", Some(&password)).await {
            Ok(made) => break made.token,
            // The gateway is still starting, or migrating.
            Err(error) if crate::exit::code(&error) == crate::exit::UNAVAILABLE && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) if error.downcast_ref::<Problem>().is_some_and(|p| p.code == "administrator-exists") => {
                who(&gateway).await?;
                match gateway.token_by_login(&login, &password, OF_THE_ADMINISTRATOR).await {
                    Ok(token) => break token,
                    Err(refused) if refused.downcast_ref::<Problem>().is_some_and(|p| matches!(p.status, 401 | 403)) => {
                        if is_new {
                            // It is nobody's.
                            installation.admin_login = Default::default();
                            keep(settings, installation)?;
                        }
                        bail!(
                            "this installation has an administrator whose token and password are not known here: give his token with --token, \
                             or begin anew with `duban clean`"
                        );
                    }
                    Err(error) => return Err(error.context("logging in as the administrator")),
                }
            }
            Err(error) => return Err(error.context("making the first administrator")),
        }
    };
    installation.admin_token.clone_from(&token);
    keep(settings, installation)?;
    Ok(gateway.with_token(token))
}

fn keep(settings: &InstallSettings, installation: &Installation) -> anyhow::Result<()> {
    settings.keep_in.as_deref().map_or(Ok(()), |dir| credentials::keep(dir, installation))
}

/// Whose token it is; None if the gateway does not take it. Waits for the gateway while it starts.
pub(crate) async fn who(gateway: &Gateway) -> anyhow::Result<Option<Value>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match gateway.get::<Value>("/v1/me", &()).await {
            Ok(me) => return Ok(Some(me)),
            Err(error) if error.downcast_ref::<Problem>().is_some_and(|p| matches!(p.status, 401 | 403)) => return Ok(None),
            Err(error) if Instant::now() > deadline => return Err(error.context("waiting for the gateway")),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Gives the gateway organisation and packs where they differ from what it was given before.
async fn organisation_and_packs(
    gateway: &Gateway,
    settings: &InstallSettings,
    sources: &[PolicySource],
    installation: &mut Installation,
) -> anyhow::Result<Directory> {
    let organisation = sources.iter().find(|source| is_organisation(source)).context("no organisation file among the packs")?;
    let parsed = Organisation::parse(organisation)
        .map_err(|errors| anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    let directory = parsed.directory(0);
    installation.news = bring::bring(gateway, sources, &settings.applied).await?;
    installation.applied = Applied::of(sources);
    Ok(directory)
}

/// A store of the demonstration; of another organisation a unit that has none below it.
fn first_unit(directory: &Directory) -> String {
    let is_last = |code: &str| directory.unit_and_below(code).len() == 1;
    let of_demonstration = directory.unit(DEMONSTRATION_UNIT);
    let unit = of_demonstration
        .or_else(|| directory.units().find(|unit| !unit.department && is_last(&unit.code)))
        .or_else(|| directory.units().next());
    unit.map(|unit| unit.code.clone()).unwrap_or_default()
}

/// Who sees everything and decides most: the first of those, by id.
fn manager(directory: &Directory) -> Option<String> {
    let now = jiff::Timestamp::now();
    let sees = |person: &&Person| directory.sees_everywhere(&person.id, Right::See, now);
    let decides = |person: &Person| directory.sees_everywhere(&person.id, Right::Decide, now);
    let mut people: Vec<&Person> = directory.people().filter(sees).collect();
    people.sort_by_key(|person| (!decides(person), person.id.clone()));
    people.first().map(|person| person.id.clone())
}

/// Makes the demonstration's producers, or gives them new tokens where the old ones are lost.
async fn producers(
    gateway: &Gateway,
    directory: &Directory,
    settings: &InstallSettings,
    installation: &mut Installation,
) -> anyhow::Result<()> {
    let root = directory
        .units()
        .find(|unit| unit.parent.is_none())
        .map(|unit| unit.code.clone())
        .context("the organisation has no unit at the top")?;
    for (id, name) in PRODUCERS {
        if installation.producers.contains_key(id) {
            continue;
        }
        let made = gateway.send::<ProducerToken>(Method::POST, "/v1/producers", &json!({ "id": id, "name": name, "unit": root })).await;
        let token = match made {
            Ok(made) => made.token,
            Err(error) if error.downcast_ref::<Problem>().is_some_and(|p| p.code == "taken") => {
                gateway.send::<ProducerToken>(Method::POST, &format!("/v1/producers/{id}/token"), &json!({})).await?.token
            }
            Err(error) => return Err(error.context(format!("making producer {id}"))),
        };
        installation.producers.insert(id.to_owned(), token);
        keep(settings, installation)?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct ProducerToken {
    token: String,
}

/// A token of a person, called what it is for, which is what it takes the place of.
pub(crate) async fn new_token(gateway: &Gateway, person: &str, name: &str) -> anyhow::Result<String> {
    let made: ProducerToken = gateway
        .send(Method::POST, &format!("/v1/people/{person}/token"), &json!({ "name": name }))
        .await
        .with_context(|| format!("making a token for {person}"))?;
    Ok(made.token)
}
