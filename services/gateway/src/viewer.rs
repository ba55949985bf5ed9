//! Who asks: extractors for people, their language, their address, and the forms that they send.

use crate::App;
use crate::web::Refusal;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{ConnectInfo, Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use bytes::Bytes;
use duban_contracts::claim::Asker;
use duban_contracts::{Problem, both};
use duban_policy::directory::Right;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use uuid::Uuid;

/// A person who has shown who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    pub person: String,
    pub name: String,
    pub language: Language,
    /// What forms of this session carry; empty for a token.
    pub csrf: String,
    /// The session's or the token's id: what claims name.
    pub session: Uuid,
    /// Whether he may administer everywhere: people, posts, producers, packs.
    pub administers: bool,
    pub by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Session,
    Token,
}

impl Viewer {
    /// Whether he has a right over any unit at all, as the directory held here says. Only for what pages offer: the owner of the data decides.
    pub fn may_somewhere(&self, app: &App, right: Right) -> bool {
        app.holdings.directory().may_anywhere(&self.person, right, app.platform.clock.now()).is_some()
    }

    /// As claims say it.
    pub fn asker(&self) -> Asker {
        Asker::Person { person: self.person.clone(), session: self.session }
    }

    /// # Errors
    /// 403 for who does not administer.
    pub fn must_administer(&self) -> Result<(), Problem> {
        if self.administers {
            Ok(())
        } else {
            Err(Problem::forbidden(both("需要全局管理权限", "the right 'administer' everywhere is needed")))
        }
    }
}

/// The two languages of everything that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Chinese,
    English,
}

impl Language {
    pub fn code(self) -> &'static str {
        self.pick("zh", "en")
    }

    pub fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }

    /// Reads `zh`, `en`, `zh-CN`, `en-GB` …; None for another language.
    pub fn of_code(code: &str) -> Option<Self> {
        match code.split(['-', '_']).next()?.trim().to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Refusal;

    /// By bearer token, else by session cookie. What changes something by cookie must come from our own pages.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if let Some(token) = bearer(&parts.headers) {
            return Ok(app.access.by_token(token).await?);
        }
        let viewer = by_cookie(parts, app).await?.ok_or_else(Problem::unauthenticated)?;
        if !parts.method.is_safe() {
            same_origin(&parts.headers, app)?;
            let shown = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
            csrf_is_right(shown, &viewer)?;
        }
        Ok(viewer)
    }
}

/// A person with a session, on a page; who has none is sent to log in.
pub struct PageViewer(pub Viewer);

impl FromRequestParts<App> for PageViewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match by_cookie(parts, app).await {
            Ok(Some(viewer)) => Ok(Self(viewer)),
            Ok(None) => {
                let path = if parts.method.is_safe() { parts.uri.path_and_query().map_or("/", |p| p.as_str()) } else { "/" };
                let next: String = url_encoded(path);
                Err(Redirect::to(&format!("/login?next={next}")).into_response())
            }
            Err(problem) => Err(Refusal(problem).into_response()),
        }
    }
}

/// A person if there is one; a public page asks.
pub struct MaybeViewer(pub Option<Viewer>);

impl FromRequestParts<App> for MaybeViewer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(by_cookie(parts, app).await.ok().flatten()))
    }
}

/// The language to answer in: asked for, remembered, the person's own, the browser's, Chinese.
pub struct Speaks(pub Language);

impl FromRequestParts<App> for Speaks {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let asked = parts.uri.query().and_then(|q| q.split('&').find_map(|pair| pair.strip_prefix("lang="))).and_then(Language::of_code);
        let remembered = || CookieJar::from_headers(&parts.headers).get("duban_language").and_then(|c| Language::of_code(c.value()));
        if let Some(language) = asked.or_else(remembered) {
            return Ok(Self(language));
        }
        if let Ok(Some(viewer)) = by_cookie(parts, app).await {
            return Ok(Self(viewer.language));
        }
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self(accepted.split(',').find_map(|part| Language::of_code(part.split(';').next()?)).unwrap_or_default()))
    }
}

/// Address of who asks: the connection's, or what a trusted proxy says.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        Ok(Self(client_address(peer, &parts.headers, |address| {
            app.settings.trusted_proxies.iter().any(|network| network.contains(address))
        })))
    }
}

/// The last address that no trusted proxy has: each proxy appends whom it saw, and what stands before may be made up.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let mut seen = lines.iter().flat_map(|line| line.split(',')).rev();
    while trusted(address) {
        match seen.next().and_then(|text| text.trim().parse::<IpAddr>().ok()) {
            Some(before) => address = before.to_canonical(),
            None => break,
        }
    }
    address
}

/// A form of a person with a session.
pub struct SignedForm<T>(pub T);

#[derive(Deserialize)]
struct Csrf {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<App> for SignedForm<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        same_origin(request.headers(), app)?;
        let (mut parts, body) = request.into_parts();
        let viewer = by_cookie(&mut parts, app).await?.ok_or_else(Problem::unauthenticated)?;
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), app).await.map_err(unreadable)?;
        let read = |bytes: Bytes| Request::from_parts(parts.clone(), bytes.into());
        let Form(shown) = Form::<Csrf>::from_request(read(bytes.clone()), app).await.map_err(unreadable)?;
        csrf_is_right(&shown.csrf, &viewer)?;
        let Form(form) = Form::<T>::from_request(read(without_csrf(&bytes)), app).await.map_err(unreadable)?;
        Ok(Self(form))
    }
}

/// A form of a person with a session that brings files.
#[derive(Debug, Default)]
pub struct SignedUpload {
    /// Members by name, as they come; the token is none.
    pub members: Vec<(String, String)>,
    /// Files by the names that they have on the person's machine.
    pub files: Vec<(String, String)>,
}

impl FromRequest<App> for SignedUpload {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        same_origin(request.headers(), app)?;
        let (mut parts, body) = request.into_parts();
        let viewer = by_cookie(&mut parts, app).await?.ok_or_else(Problem::unauthenticated)?;
        let mut form = Multipart::from_request(Request::from_parts(parts, body), app).await.map_err(unreadable)?;
        let (mut upload, mut shown) = (Self::default(), String::new());
        while let Some(part) = form.next_field().await.map_err(|error| uploaded(&error))? {
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|error| uploaded(&error))?;
            let wrong = || {
                Problem::invalid_field(
                    &format!("/{}", file.as_deref().unwrap_or(&name)),
                    both("不是文本", "it is not text"),
                    both("UTF-8 编码的文本文件", "a text file in UTF-8"),
                )
            };
            let text = String::from_utf8(bytes.to_vec()).map_err(|_| wrong())?;
            match file {
                // A field in which no file was chosen comes as a file without a name.
                Some(file) if file.is_empty() => {}
                Some(file) => upload.files.push((file, text)),
                None if name == "csrf" => shown = text,
                None => upload.members.push((name, text)),
            }
        }
        csrf_is_right(&shown, &viewer)?;
        Ok(upload)
    }
}

/// Why an upload cannot be taken: too large, or no form at all.
fn uploaded(error: &MultipartError) -> Problem {
    match error.status().as_u16() {
        413 => Problem::new(413, "too-large", "The request is too large", "请求内容过大"),
        _ => unreadable(error.body_text()),
    }
}

/// A form's body without its token, which is no member of what the form says: structs that refuse unknown members refuse it too.
fn without_csrf(body: &[u8]) -> Bytes {
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| *pair != b"csrf" && !pair.starts_with(b"csrf="));
    pairs.collect::<Vec<_>>().join(&b'&').into()
}

/// A form of the public: no session to protect, but it must come from our own page.
pub struct OpenForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for OpenForm<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        same_origin(request.headers(), app)?;
        let Form(form) = Form::<T>::from_request(request, app).await.map_err(unreadable)?;
        Ok(Self(form))
    }
}

fn unreadable(error: impl std::fmt::Display) -> Problem {
    Problem::malformed(both("表单内容不完整或格式有误，请刷新页面后重试", error.to_string()))
}

/// Browsers name the page that a form or script comes from. Who names none is no browser and holds no cookie by accident.
fn same_origin(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    let refused = || Err(Problem::forbidden(both("请求来自其他网站的页面", "the request comes from another site's page")));
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return refused();
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    // The address that the browser itself used counts beside the configured one: the same page may be reached by a local name.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let by_host = origin.split_once("://").is_some_and(|(_, authority)| authority == host);
    if origin == app.settings.public_base() || by_host { Ok(()) } else { refused() }
}

/// Checks the token that a form of this session carries.
///
/// # Errors
/// 403.
pub fn csrf_is_right(shown: &str, viewer: &Viewer) -> Result<(), Problem> {
    use subtle::ConstantTimeEq;
    let right = !viewer.csrf.is_empty() && bool::from(shown.as_bytes().ct_eq(viewer.csrf.as_bytes()));
    if right {
        Ok(())
    } else {
        Err(Problem::forbidden(both(
            "表单已失效，请刷新页面后重试",
            "the form's token is missing or not this session's; load the page again",
        )))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    bearer_of(headers.get(header::AUTHORIZATION)?.as_bytes())
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer_of(value: &[u8]) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| std::str::from_utf8(token).ok().map(str::trim)).flatten()
}

/// The session's person; looked up once a request, however many extractors ask.
async fn by_cookie(parts: &mut Parts, app: &App) -> Result<Option<Viewer>, Problem> {
    if let Some(known) = parts.extensions.get::<Option<Viewer>>() {
        return Ok(known.clone());
    }
    let viewer = match CookieJar::from_headers(&parts.headers).get(app.access.cookie_name()) {
        Some(cookie) => app.access.by_session(cookie.value()).await?,
        None => None,
    };
    parts.extensions.insert(viewer.clone());
    Ok(viewer)
}

/// A text as it stands in a query.
pub fn url_encoded(path: &str) -> String {
    path.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.5, 198.51.100.7, 10.0.0.2".parse().unwrap());
        let ask = |peer: &str, trusted: &[&str]| {
            client_address(peer.parse().unwrap(), &headers, |a| trusted.iter().any(|t| t.parse::<IpAddr>().unwrap() == a)).to_string()
        };
        assert_eq!(ask("10.0.0.1", &["10.0.0.1", "10.0.0.2"]), "198.51.100.7");
        assert_eq!(ask("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ask("192.0.2.9", &["10.0.0.1"]), "192.0.2.9");
        assert_eq!(client_address(proxy, &HeaderMap::new(), |_| true), proxy);
    }

    #[test]
    fn languages_are_read_as_browsers_write_them() {
        assert_eq!(Language::of_code("zh-CN"), Some(Language::Chinese));
        assert_eq!(Language::of_code("en_GB"), Some(Language::English));
        assert_eq!(Language::of_code("fr"), None);
    }

    #[test]
    fn a_forms_token_is_no_part_of_what_it_says() {
        assert_eq!(without_csrf(b"csrf=abc&id=x&csrfx=1"), "id=x&csrfx=1");
        assert_eq!(without_csrf(b"id=x&csrf=abc"), "id=x");
        assert_eq!(without_csrf(b"csrf="), "");
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_of_its_scheme() {
        assert_eq!(bearer_of(b"Bearer abc"), Some("abc"));
        assert_eq!(bearer_of(b"bearer  abc "), Some("abc"));
        assert_eq!(bearer_of(b"Basic abc"), None);
        assert_eq!(bearer_of(b""), None);
    }

    #[test]
    fn a_path_survives_the_way_through_a_query() {
        assert_eq!(url_encoded("/cases?state=open&q=督"), "/cases%3Fstate%3Dopen%26q%3D%E7%9D%A3");
    }
}
