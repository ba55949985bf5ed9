//! A mail relay as organisations have it: it wants TLS and a user with a password, and shows a certificate that an authority of its own has
//! signed. It keeps what was said to it, in the clear and under TLS.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The only user that it lets in; the password has what a URL must write otherwise.
pub const USER: &str = "duban";
pub const PASSWORD: &str = "p@ss:w/rd";

/// When a conversation goes over to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From its first byte: `smtps`.
    AtOnce,
    /// When the client asks for it: `STARTTLS`.
    WhenAsked,
}

pub struct Relay {
    port: u16,
    tls: Tls,
    /// The authority's certificate, for who is to trust it.
    pub authority: PathBuf,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Commands that came without TLS.
    pub in_the_clear: Vec<String>,
    /// Commands under TLS, without credentials.
    pub under_tls: Vec<String>,
    /// Messages of who had shown the right password under TLS.
    pub messages: Vec<String>,
}

impl Relay {
    /// Its certificate is for `localhost` and for nothing else.
    pub async fn start(tls: Tls, folder: &Path) -> Result<Relay> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "an authority of one's own");
        let authority = authority.self_signed(&authority_key)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority, &authority_key)?;

        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let path = folder.join(format!("authority-{port}.pem"));
        std::fs::write(&path, pem(authority.der()))?;
        let relay = Relay { port, tls, authority: path, kept: Arc::default() };
        let (acceptor, kept) = (TlsAcceptor::from(Arc::new(config)), relay.kept.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, kept) = (acceptor.clone(), kept.clone());
                // A client that trusts nobody breaks off: that is no fault of the relay's.
                tokio::spawn(async move { serve(stream, tls, acceptor, &kept).await.ok() });
            }
        });
        Ok(relay)
    }

    /// For `DUBAN_SMTP_URL`.
    pub fn url(&self, host: &str, password: &str) -> String {
        let password = password.replace('@', "%40").replace(':', "%3A").replace('/', "%2F");
        match self.tls {
            Tls::AtOnce => format!("smtps://{USER}:{password}@{host}:{}", self.port),
            Tls::WhenAsked => format!("smtp://{USER}:{password}@{host}:{}?tls=required", self.port),
        }
    }

    pub fn kept(&self) -> Kept {
        self.kept.lock().unwrap().clone()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

async fn serve(stream: TcpStream, tls: Tls, acceptor: TlsAcceptor, kept: &Mutex<Kept>) -> Result<()> {
    let stream = match tls {
        Tls::AtOnce => stream,
        Tls::WhenAsked => {
            let mut plain = BufReader::new(stream);
            say(&mut plain, "220 localhost").await?;
            in_the_clear(&mut plain, kept).await?;
            plain.into_inner()
        }
    };
    let mut secure = BufReader::new(acceptor.accept(stream).await?);
    if tls == Tls::AtOnce {
        say(&mut secure, "220 localhost").await?;
    }
    under_tls(&mut secure, kept).await
}

/// Until the client asks for TLS; nothing else is taken.
async fn in_the_clear<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, kept: &Mutex<Kept>) -> Result<()> {
    loop {
        let command = line(stream).await?;
        kept.lock().unwrap().in_the_clear.push(command.clone());
        match command.split(' ').next() {
            Some("EHLO") => say(stream, "250-localhost\r\n250-8BITMIME\r\n250 STARTTLS").await?,
            Some("STARTTLS") => return say(stream, "220 go on").await,
            _ => say(stream, "530 first STARTTLS").await?,
        }
    }
}

async fn under_tls<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, kept: &Mutex<Kept>) -> Result<()> {
    let mut is_known = false;
    loop {
        let command = line(stream).await?;
        let mut words = command.split(' ');
        let verb = words.next().unwrap_or_default().to_owned();
        kept.lock().unwrap().under_tls.push(verb.clone());
        match verb.as_str() {
            "EHLO" => say(stream, "250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN").await?,
            "AUTH" => {
                let shown = words.nth(1).and_then(|shown| STANDARD.decode(shown).ok()).context("AUTH PLAIN with credentials")?;
                is_known = shown == format!("\0{USER}\0{PASSWORD}").into_bytes();
                say(stream, if is_known { "235 welcome" } else { "535 not you" }).await?;
            }
            "QUIT" => return say(stream, "221 bye").await,
            "NOOP" | "RSET" => say(stream, "250 well").await?,
            _ if !is_known => say(stream, "530 who are you").await?,
            "DATA" => {
                say(stream, "354 go on").await?;
                let message = message(stream).await?;
                kept.lock().unwrap().messages.push(message);
                say(stream, "250 taken").await?;
            }
            _ => say(stream, "250 well").await?,
        }
    }
}

async fn message<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Result<String> {
    let mut text = String::new();
    loop {
        match line(stream).await? {
            end if end == "." => return Ok(text),
            next => text.push_str(&format!("{next}\n")),
        }
    }
}

/// A line without its end.
async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Result<String> {
    let mut line = Vec::new();
    let read = stream.take(64 * 1024).read_until(b'\n', &mut line).await?;
    anyhow::ensure!(read > 0, "the client went away");
    Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, text: &str) -> Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    Ok(stream.flush().await?)
}
