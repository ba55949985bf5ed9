//! A setting that cannot be used stops the start and is named, with what is expected, wherever it stands; nothing secret is repeated.

use anyhow::{Context, ensure};
use duban_contracts::subjects::service;
use duban_local::process::{Process, Signal, TemporaryFolder};
use duban_local::{Port, Secrets, ground};
use duban_tests::collector::Collector;
use duban_tests::until;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What no complaint may repeat.
const SECRET: &str = "s3cret-horse";
const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn a_bad_setting_is_named_wherever_it_stands() -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    for name in service::ALL {
        let start = Start::of(name, &folder)?;
        start.refused(&["--no-such-setting", "1"], &[], &["--no-such-setting"])?;
        let connections = ["--database-connections", "DUBAN_DATABASE_CONNECTIONS", "Most connections", "many"];
        start.refused(&["--database-connections", "many"], &[], &connections)?;
        start.refused(&[], &[("DUBAN_DATABASE_CONNECTIONS", "many")], &connections)?;
        for (file, expected) in [
            ("database_connections = \"many\"", &connections[..]),
            ("database_conections = 5", &["database_conections", "no setting"]),
            ("bind = { host = \"x\" }", &["bind", "neither text, number nor list"]),
            ("bind = ", &["settings file"]),
        ] {
            start.refused(&["--config", &written(&folder, "settings.toml", file)?], &[], expected)?;
        }
        start.refused(&[], &[("DUBAN_CONFIG", "/nowhere/settings.toml")], &["/nowhere/settings.toml"])?;
        start.refused(&[], &[("DUBAN_DEMONSTRATION", "perhaps")], &["DUBAN_DEMONSTRATION", "true", "false"])?;
        start.refused(&[], &[("DUBAN_DATABASE_URL", "")], &["DUBAN_DATABASE_URL", "postgres://"])?;
        start.refused(&[], &[("DUBAN_DATABASE_URL", &format!("mysql://u:{SECRET}@x"))], &["DUBAN_DATABASE_URL", "postgres://"])?;

        // Secrets from files of their own.
        start.refused(&[], &[("DUBAN_SEAL_KEY_FILE", "/nowhere/key")], &["DUBAN_SEAL_KEY_FILE", "/nowhere/key"])?;
        let short = written(&folder, "short", &format!("{SECRET}\n"))?;
        start.refused(&[], &[("DUBAN_SEAL_KEY_FILE", &short)], &["DUBAN_SEAL_KEY", "base64"])?;
        for (setting, value, expected) in start.own_mistakes() {
            start.refused(&[], &[(setting, value)], &[setting, expected])?;
        }
    }
    Ok(())
}

#[test]
fn a_setting_that_is_missing_is_asked_for_by_both_its_names() -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    for name in service::ALL {
        let mut start = Start::of(name, &folder)?;
        start.settings.remove("DUBAN_DATABASE_URL");
        start.refused(&[], &[], &["--database-url", "DUBAN_DATABASE_URL", "Postgres"])?;
    }
    Ok(())
}

#[test]
fn a_variable_of_logs_or_traces_that_cannot_be_used_is_not_passed_over() -> anyhow::Result<()> {
    let folder = TemporaryFolder::new()?;
    let start = Start::of(service::ARCHIVE, &folder)?;
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4317");
    let no_certificate = written(&folder, "authority.pem", "nothing of the kind")?;
    for (name, value, expected) in [
        ("RUST_LOG", "duban=loud", "info,duban=debug"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "parentbased_traceidratio"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "expected grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "expected grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/authority.pem", "/nowhere/authority.pem"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &no_certificate, "expected PEM"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[collector", "invalid endpoint"),
    ] {
        start.refused(&[], &[endpoint, (name, value)], &[name, expected])?;
    }
    for ratio in ["half", "1.5", "-1", "NaN"] {
        let sampled = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", ratio)];
        start.refused(&[], &sampled, &["OTEL_TRACES_SAMPLER_ARG", ratio, "from 0 to 1"])?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_go_compressed_and_under_tls_to_a_collector_whose_authority_is_known_and_to_no_other() -> anyhow::Result<()> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let folder = TemporaryFolder::new()?;
    let start = Start::of(service::GATEWAY, &folder)?;
    let elsewhere = TemporaryFolder::new()?;
    let stranger = Collector::start_under_tls(elsewhere.path()).await?.authority().context("no authority")?.to_owned();
    // The one that is named, or those of the system.
    for (variable, is_known) in [("SSL_CERT_FILE", false), ("SSL_CERT_FILE", true), ("OTEL_EXPORTER_OTLP_CERTIFICATE", true)] {
        let collector = Collector::start_under_tls(folder.path()).await?;
        let authority = if is_known { collector.authority().context("no authority")? } else { &stranger };
        let port = Port::reserve()?;
        let mut command = start.command();
        command.env("DUBAN_BIND", format!("127.0.0.1:{}", port.number())).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
        command.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip").env("OTEL_BSP_SCHEDULE_DELAY", "100");
        command.env(variable, authority);
        let mut gateway = Process::spawn("gateway", command, &folder.path().join(format!("gateway-{is_known}.log")), Signal::TERM)?;
        let url = format!("http://127.0.0.1:{}/v1/cases", port.number());
        let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        until("the gateway's spans to come, or to be kept back", LIMIT, || async {
            reqwest::Client::new().get(&url).header("traceparent", &traceparent).send().await?;
            let (came, kept_back) = (!collector.services_in(TRACE).is_empty(), collector.refused() > 0);
            anyhow::ensure!((came, kept_back) == (is_known, !is_known), "came: {came}, kept back: {kept_back}");
            anyhow::Ok(())
        })
        .await
        .with_context(|| gateway.tail())?;
        assert_eq!(collector.compressed() > 0, is_known);
        assert_eq!(collector.spans().is_empty(), !is_known);
        gateway.stop(LIMIT).await;
    }
    Ok(())
}

/// What the specification's variables say of the sender comes before what a service says of itself, and an empty one says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_sends_traces_is_named_as_the_variables_have_it() -> anyhow::Result<()> {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let folder = TemporaryFolder::new()?;
    let start = Start::of(service::GATEWAY, &folder)?;
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=front,service.namespace=acme,deployment.environment.name=test");
    for (nth, (variables, name, namespace)) in [
        (vec![], "duban-gateway", "duban"),
        (vec![("OTEL_SERVICE_NAME", "")], "duban-gateway", "duban"),
        (vec![attributes], "front", "acme"),
        (vec![attributes, ("OTEL_SERVICE_NAME", "door")], "door", "acme"),
    ]
    .into_iter()
    .enumerate()
    {
        let collector = Collector::start().await?;
        let port = Port::reserve()?;
        let mut command = start.command();
        command.env("DUBAN_BIND", format!("127.0.0.1:{}", port.number())).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
        command.env("OTEL_BSP_SCHEDULE_DELAY", "100").env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=north").envs(variables.iter().copied());
        let mut gateway = Process::spawn("gateway", command, &folder.path().join(format!("named-{nth}.log")), Signal::TERM)?;
        let url = format!("http://127.0.0.1:{}/v1/cases", port.number());
        until("the gateway's spans to come", LIMIT, || async {
            reqwest::Client::new().get(&url).header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")).send().await?;
            anyhow::ensure!(!collector.services_in(TRACE).is_empty(), "none came");
            anyhow::Ok(())
        })
        .await
        .with_context(|| gateway.tail())?;
        assert_eq!(collector.services_in(TRACE).into_iter().collect::<Vec<_>>(), [name], "{variables:?}");
        let told = collector.told();
        let says = |name: &str, value: &str| told.contains(&(name.to_owned(), value.to_owned()));
        assert!(says("service.namespace", namespace) && says("x-tenant", "north"), "{variables:?}: {told:?}");
        assert_eq!(says("deployment.environment.name", "test"), variables.contains(&attributes), "{told:?}");
        assert!(says("service.version", env!("CARGO_PKG_VERSION")) && says("telemetry.sdk.language", "rust"), "{told:?}");
        gateway.stop(LIMIT).await;
    }
    Ok(())
}

/// A service with settings that would do.
struct Start {
    service: &'static str,
    program: PathBuf,
    settings: BTreeMap<String, String>,
}

impl Start {
    fn of(service: &'static str, folder: &TemporaryFolder) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.ancestors().nth(2).context("no folder of binaries")?.join(format!("duban-{service}"));
        let secrets = Secrets::in_folder(folder.path().join("secrets"))?;
        let settings = ground::settings_of(service, &secrets, "nats://127.0.0.1:1", "postgres://nobody@127.0.0.1:1/nowhere".to_owned())?;
        Ok(Self { service, program, settings: settings.into_iter().map(|setting| (setting.name, setting.value)).collect() })
    }

    /// Settings that only some services have: name, a value that is none, what is said of it.
    fn own_mistakes(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let keys = [("DUBAN_IDENTITY_KEY", SECRET, "base64"), ("DUBAN_CHECK_KEY", "AAAA", "32 bytes")];
        let zone = ("DUBAN_TIME_ZONE", "Asia/Shangai", "Asia/Shangai");
        let public = ("DUBAN_PUBLIC_URL", "duban.example", "https://");
        match self.service {
            service::GATEWAY => {
                let seeds = [("DUBAN_CLAIM_SEED", SECRET, "base64"), ("DUBAN_ISSUER_SEED", SECRET, "")];
                let proxies = ("DUBAN_TRUSTED_PROXIES", "10.0.0.0/33", "neither an address nor a network");
                [&keys[..], &seeds, &[zone, public, proxies]].concat()
            }
            service::INTAKE => [&keys[..], &[("DUBAN_INTAKE_BATCH", "0", "1..=1000")]].concat(),
            service::NOTIFICATIONS => vec![
                ("DUBAN_LINK_KEY", SECRET, "base64"),
                ("DUBAN_SMTP_URL", SECRET, ""),
                ("DUBAN_MAIL_FROM", "nobody", "address"),
                zone,
                public,
            ],
            service::ARCHIVE => vec![zone, ("DUBAN_CLAIM_PUBLIC", "AAAA", "32 bytes")],
            _ => vec![("DUBAN_TICK_MS", "-1", "How often"), ("DUBAN_CLAIM_PUBLIC", "AAAA", "32 bytes")],
        }
    }

    /// What starts it, with these settings and nothing else.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(&self.settings);
        command
    }

    /// Ends at once, complains of each of `expected`, and repeats no secret.
    fn refused(&self, arguments: &[&str], changed: &[(&str, &str)], expected: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("timeout");
        command.arg("60").arg(&self.program).args(arguments).env_clear().envs(&self.settings);
        for (name, value) in changed {
            // By a file means: not by the variable itself, which would win.
            command.env_remove(name.trim_end_matches("_FILE")).env(name, value);
        }
        let ended = command.output().with_context(|| format!("starting {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let what = format!("duban-{} {arguments:?} {changed:?} ended with {}:\n{said}", self.service, ended.status);
        ensure!(matches!(ended.status.code(), Some(1 | 2)), "{what}");
        for part in expected {
            ensure!(said.contains(part), "nothing of {part:?}: {what}");
        }
        let told = said + &String::from_utf8_lossy(&ended.stdout);
        ensure!(!told.contains(SECRET), "a secret is repeated: {what}");
        Ok(())
    }
}

fn written(folder: &TemporaryFolder, name: &str, text: &str) -> anyhow::Result<String> {
    let path = folder.path().join(name);
    std::fs::write(&path, text)?;
    Ok(Path::new(&path).display().to_string())
}
