//! A collector of traces that throws them away: what the services pay for telling of themselves is measured with them, what is done with it
//! elsewhere is not.

use super::sheet::Sheet;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::post;
use http_body_util::{BodyExt, Full};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one export is called in OTLP over gRPC.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// An empty answer in gRPC's framing: not compressed, no bytes.
const NOTHING: [u8; 5] = [0; 5];

/// What came.
#[derive(Debug, Default)]
struct Came {
    exports: AtomicU64,
    bytes: AtomicU64,
}

/// Takes OTLP over gRPC on a free port of this machine, until the process ends.
#[derive(Debug)]
pub struct Collector {
    came: Arc<Came>,
    address: SocketAddr,
}

impl Collector {
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let came = Arc::new(Came::default());
        let collector = Self { came: came.clone(), address: listener.local_addr()? };
        let router = axum::Router::new().route(EXPORT, post(take)).with_state(came);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(collector)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How much came, as a table.
    pub fn tell(&self, sheet: &mut Sheet) {
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let row = vec![told(&self.came.exports).to_string(), format!("{:.1}", told(&self.came.bytes) as f64 / 1e6)];
        sheet.table("Traces that came to the collector", &["exports".into(), "MB".into()], &[row]);
    }
}

async fn take(State(came): State<Arc<Came>>, body: Bytes) -> Response<Body> {
    came.exports.fetch_add(1, Ordering::Relaxed);
    came.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    let mut taken = HeaderMap::new();
    taken.insert("grpc-status", HeaderValue::from_static("0"));
    let answer = Full::from(Bytes::from_static(&NOTHING)).with_trailers(async move { Some(Ok(taken)) });
    let mut response = Response::new(Body::new(answer));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}
