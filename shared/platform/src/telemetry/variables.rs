//! The variables of OpenTelemetry's specification that the SDK would pass over with no more than a warning: here they stop the start.

use anyhow::{Context, bail, ensure};
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{SpanExporter, WithTonicConfig};
use tracing_subscriber::EnvFilter;

const SAMPLERS: [&str; 6] =
    ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];
const LEVELS: &str = "info,async_nats=warn,sqlx=warn,opentelemetry=warn";

/// Which log lines are wanted: `RUST_LOG`.
///
/// # Errors
/// What is no filter.
pub fn log_filter() -> anyhow::Result<EnvFilter> {
    let wanted = given("RUST_LOG")?;
    let wanted = wanted.as_deref().unwrap_or(LEVELS);
    EnvFilter::try_new(wanted).with_context(|| format!("RUST_LOG is {wanted:?}: expected levels such as info or info,duban=debug"))
}

pub fn is_disabled() -> anyhow::Result<bool> {
    Ok(given("OTEL_SDK_DISABLED")?.is_some_and(|value| value.eq_ignore_ascii_case("true")))
}

/// What the SDK will read of `OTEL_TRACES_SAMPLER`.
///
/// # Errors
/// A sampler that is not known, a ratio that is none.
pub fn check_sampler() -> anyhow::Result<()> {
    let Some(sampler) = given("OTEL_TRACES_SAMPLER")? else { return Ok(()) };
    ensure!(SAMPLERS.contains(&sampler.as_str()), "OTEL_TRACES_SAMPLER is {sampler:?}: expected one of {}", SAMPLERS.join(", "));
    if !sampler.ends_with("traceidratio") {
        return Ok(());
    }
    let Some(ratio) = given("OTEL_TRACES_SAMPLER_ARG")? else { return Ok(()) };
    let is_one = ratio.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio));
    ensure!(is_one, "OTEL_TRACES_SAMPLER_ARG is {ratio:?}: {sampler} expects a number from 0 to 1");
    Ok(())
}

/// What sends spans away, by OTLP over gRPC; None where no endpoint is named.
///
/// # Errors
/// Another exporter or protocol than these, an endpoint that is none, an authority that cannot be read.
pub fn exporter() -> anyhow::Result<Option<SpanExporter>> {
    let kind = given("OTEL_TRACES_EXPORTER")?.unwrap_or_else(|| "otlp".to_owned());
    if kind.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    ensure!(kind == "otlp", "OTEL_TRACES_EXPORTER is {kind:?}: expected otlp or none");
    let Some((_, endpoint)) = of_traces("ENDPOINT")? else { return Ok(None) };
    if let Some((name, protocol)) = of_traces("PROTOCOL")? {
        ensure!(protocol == "grpc", "{name} is {protocol:?}: expected grpc, the only protocol that traces are sent by");
    }
    if let Some((name, compression)) = of_traces("COMPRESSION")? {
        ensure!(["gzip", "none"].contains(&compression.as_str()), "{name} is {compression:?}: expected gzip or none");
    }
    let mut builder = SpanExporter::builder().with_tonic();
    if is_under_tls(&endpoint)? {
        builder = builder.with_tls_config(trusted()?);
    }
    let of_system =
        "OTLP exporter; where its endpoint is https:// and no OTEL_EXPORTER_OTLP_CERTIFICATE is set, the system's authorities are needed";
    Ok(Some(builder.build().context(of_system)?))
}

/// As the exporter itself sees it: TLS unless the address, or where it says nothing of it a variable, has it otherwise.
fn is_under_tls(endpoint: &str) -> anyhow::Result<bool> {
    match endpoint.split_once("://") {
        Some((scheme, _)) => Ok(scheme.eq_ignore_ascii_case("https")),
        None => Ok(!of_traces("INSECURE")?.is_some_and(|(_, value)| value.eq_ignore_ascii_case("true"))),
    }
}

/// Whom to believe that the collector is the collector: the one authority that is named, or those of the system.
fn trusted() -> anyhow::Result<ClientTlsConfig> {
    let Some((name, path)) = of_traces("CERTIFICATE")? else { return Ok(ClientTlsConfig::new().with_native_roots()) };
    let authority = std::fs::read_to_string(&path).with_context(|| format!("{name}: reading {path}"))?;
    if !authority.contains("-----BEGIN CERTIFICATE-----") {
        bail!("{name}: no certificate in {path}, expected PEM");
    }
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)))
}

/// A variable of the exporter's and its name: the one for traces comes before the one for everything.
fn of_traces(what: &str) -> anyhow::Result<Option<(String, String)>> {
    for name in [format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")] {
        if let Some(value) = given(&name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

/// What the service is to be called, if not as it calls itself.
pub(super) fn service_name() -> anyhow::Result<Option<String>> {
    given("OTEL_SERVICE_NAME")
}

/// An empty one counts as not set, as the specification has it.
fn given(name: &str) -> anyhow::Result<Option<String>> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let value = value.to_str().with_context(|| format!("{name} is not text in UTF-8"))?.trim();
    Ok((!value.is_empty()).then(|| value.to_owned()))
}
