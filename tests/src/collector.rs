//! A collector of traces: takes OTLP over gRPC and keeps every span, so that a test can follow one from service to service.

use base64::Engine;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

/// A span as far as a chain is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub trace: String,
    pub span: String,
    pub parent: String,
    /// Trace ids of the links.
    pub links: Vec<String>,
}

/// Keeps what was exported to it.
#[derive(Debug, Clone)]
pub struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    address: SocketAddr,
    /// How many exports came compressed.
    compressed: Arc<AtomicUsize>,
    /// Headers of the exports, and attributes of who sent them.
    told: Arc<Mutex<BTreeSet<(String, String)>>>,
    tls: Option<UnderTls>,
}

#[derive(Debug, Clone)]
struct UnderTls {
    /// The certificate of the authority that signed the collector's own.
    authority: PathBuf,
    /// Conversations that ended before they were under TLS.
    refused: Arc<AtomicUsize>,
}

impl Collector {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let collector =
            Self { spans: Arc::default(), address: listener.local_addr()?, compressed: Arc::default(), told: Arc::default(), tls: None };
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(tonic::transport::Server::builder().add_service(collector.service()).serve_with_incoming(incoming));
        Ok(collector)
    }

    /// Under TLS, with a certificate for `localhost` that an authority of its own has signed; the authority's lies in `folder`.
    ///
    /// # Errors
    /// When no port can be had, or the folder cannot be written to.
    pub async fn start_under_tls(folder: &Path) -> anyhow::Result<Self> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "an authority of the collector's");
        let authority = authority.self_signed(&authority_key)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority, &authority_key)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
        config.alpn_protocols.push(b"h2".to_vec());
        let tls = UnderTls { authority: folder.join("collectors-authority.pem"), refused: Arc::default() };
        std::fs::write(&tls.authority, pem(authority.der()))?;

        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, refused) = (listener.local_addr()?, tls.refused.clone());
        let collector = Self { spans: Arc::default(), address, compressed: Arc::default(), told: Arc::default(), tls: Some(tls) };
        let (sender, incoming) = futures::channel::mpsc::unbounded();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match acceptor.accept(stream).await {
                    Ok(stream) => drop(sender.unbounded_send(Ok::<_, std::io::Error>(stream))),
                    Err(_) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                }
            }
        });
        tokio::spawn(tonic::transport::Server::builder().add_service(collector.service()).serve_with_incoming(incoming));
        Ok(collector)
    }

    fn service(&self) -> TraceServiceServer<Self> {
        TraceServiceServer::new(self.clone()).accept_compressed(CompressionEncoding::Gzip)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        match self.tls {
            Some(_) => format!("https://localhost:{}", self.address.port()),
            None => format!("http://{}", self.address),
        }
    }

    /// For `OTEL_EXPORTER_OTLP_CERTIFICATE`; None without TLS.
    pub fn authority(&self) -> Option<&Path> {
        self.tls.as_ref().map(|tls| tls.authority.as_path())
    }

    /// How often somebody would not speak TLS with it.
    pub fn refused(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.refused.load(Ordering::Relaxed))
    }

    /// How many exports came compressed.
    pub fn compressed(&self) -> usize {
        self.compressed.load(Ordering::Relaxed)
    }

    /// Every header of an export and every attribute of a sender that came: name and value.
    pub fn told(&self) -> BTreeSet<(String, String)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The services that have a span in this very trace.
    pub fn services_in(&self, trace: &str) -> BTreeSet<String> {
        self.spans().into_iter().filter(|span| span.trace == trace).map(|span| span.service).collect()
    }

    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        if request.metadata().get("grpc-encoding").is_some_and(|encoding| encoding == "gzip") {
            self.compressed.fetch_add(1, Ordering::Relaxed);
        }
        let headers = request.metadata().clone().into_headers();
        let mut told: BTreeSet<(String, String)> =
            headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect();
        let mut kept = Vec::new();
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|r| r.attributes).unwrap_or_default();
            let texts = attributes.into_iter().filter_map(|a| match a.value?.value? {
                Value::StringValue(text) => Some((a.key, text)),
                _ => None,
            });
            let texts: Vec<(String, String)> = texts.collect();
            let service = texts.iter().find(|(name, _)| name == "service.name").map(|(_, name)| name.clone()).unwrap_or_default();
            told.extend(texts);
            for span in resource.scope_spans.into_iter().flat_map(|s| s.spans) {
                kept.push(Span {
                    service: service.clone(),
                    name: span.name,
                    trace: hex(&span.trace_id),
                    span: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    links: span.links.iter().map(|l| hex(&l.trace_id)).collect(),
                });
            }
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}

fn pem(certificate: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
