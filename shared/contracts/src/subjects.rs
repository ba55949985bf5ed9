//! Where messages travel. Event: `duban.<service>.v1.<thing>.<happened>`; request: `duban.<service>.rpc.v1.<thing>.<verb>`.

/// The accepted reports on their way to intake; the only subject of the stream [`stream::REPORTS`].
pub const REPORT_ACCEPTED: &str = "duban.gateway.v1.report.accepted";

/// Where producers send reports over NATS: `duban.report.v1.<channel>.<producer>`. The gateway listens, no stream does.
pub const PRODUCER_REPORTS: &str = "duban.report.v1.*.*";

/// Where a producer asks what became of its reports that were rejected later: `duban.report-result.v1.<producer>.list`.
pub const PRODUCER_RESULTS: &str = "duban.report-result.v1.*.list";

/// Every copy of every service answers here after reading the clock's setting again, so that a step of a test's clock can wait for all.
pub const CLOCK_RELOAD: &str = "duban.clock.v1.reload";

/// The streams. Each event stream belongs to the service of its name.
pub mod stream {
    pub const REPORTS: &str = "REPORTS";
    pub const GATEWAY: &str = "GATEWAY";
    pub const INTAKE: &str = "INTAKE";
    pub const ESCALATION: &str = "ESCALATION";
    pub const ARCHIVE: &str = "ARCHIVE";
    pub const NOTIFICATIONS: &str = "NOTIFICATIONS";

    /// The subjects that each event stream holds. The gateway's leaves out [`super::REPORT_ACCEPTED`], which has a work queue of its own.
    pub fn subjects(name: &str) -> &'static [&'static str] {
        match name {
            REPORTS => &[super::REPORT_ACCEPTED],
            GATEWAY => &["duban.gateway.v1.directory.>", "duban.gateway.v1.policy.>"],
            INTAKE => &["duban.intake.v1.>"],
            ESCALATION => &["duban.escalation.v1.>"],
            ARCHIVE => &["duban.archive.v1.>"],
            NOTIFICATIONS => &["duban.notifications.v1.>"],
            _ => &[],
        }
    }
}

/// The services, as named in subjects, Postgres roles and broker users.
pub mod service {
    pub const GATEWAY: &str = "gateway";
    pub const INTAKE: &str = "intake";
    pub const ESCALATION: &str = "escalation";
    pub const ARCHIVE: &str = "archive";
    pub const NOTIFICATIONS: &str = "notifications";
    pub const ALL: [&str; 5] = [GATEWAY, INTAKE, ESCALATION, ARCHIVE, NOTIFICATIONS];
}

/// Subject of an event: `event("intake", "case.registered")` is `duban.intake.v1.case.registered`.
pub fn event(service: &str, name: &str) -> String {
    format!("duban.{service}.v1.{name}")
}

/// Subject of a request: `rpc("intake", "case.show")` is `duban.intake.rpc.v1.case.show`.
pub fn rpc(service: &str, name: &str) -> String {
    format!("duban.{service}.rpc.v1.{name}")
}

/// Subject of a request that only the operator may send: `operator_rpc("intake", "dead.list")` is `duban.intake.rpc.v1.operator.dead.list`. The
/// broker lets no other user publish there, so what comes here needs no claim.
pub fn operator_rpc(service: &str, name: &str) -> String {
    rpc(service, &format!("operator.{name}"))
}

/// Whether a request came by a subject that only the operator may send to.
pub fn is_of_operator(subject: &str) -> bool {
    subject.strip_prefix("duban.").and_then(|rest| rest.split_once('.')).is_some_and(|(_, rest)| rest.starts_with("rpc.v1.operator."))
}

/// The name by which pack rules know an event, its subject's last two tokens: `case.registered`. None if the subject is not an event's.
pub fn event_name(subject: &str) -> Option<&str> {
    let rest = subject.strip_prefix("duban.")?;
    let (service, name) = rest.split_once(".v1.")?;
    (!service.contains('.') && name.split('.').count() == 2).then_some(name)
}

/// A token that may stand in a subject: lower-case letters, digits, `-` and `_`, 1 to 40 of them. Channels and producers obey it.
pub fn is_token(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_name_is_its_last_two_tokens() {
        assert_eq!(event_name(&event("intake", "case.registered")), Some("case.registered"));
        assert_eq!(event_name(&rpc("intake", "case.show")), None);
        assert_eq!(event_name("other.intake.v1.case.registered"), None);
    }

    #[test]
    fn the_operators_subjects_are_told_from_all_others() {
        assert!(is_of_operator(&operator_rpc("intake", "dead.list")));
        for other in [rpc("intake", "dead.list"), rpc("intake", "operator"), event("intake", "rpc.v1.operator.x"), String::new()] {
            assert!(!is_of_operator(&other), "{other}");
        }
    }

    #[test]
    fn tokens_leave_out_what_would_split_or_match_a_subject() {
        assert!(is_token("hotline-12345"));
        for bad in ["", "a.b", "a*", ">", "电话", "A"] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
