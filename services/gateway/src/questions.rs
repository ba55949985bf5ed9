//! Everything that the gateway asks of the other services, by name: one table, so that a name that no service answers is found by a test.

use duban_contracts::subjects::service;

/// A request that a service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub service: &'static str,
    pub name: &'static str,
}

impl Question {
    /// The same of another service: dead letters are asked of each in the same way.
    pub const fn of(self, service: &'static str) -> Self {
        Self { service, ..self }
    }
}

macro_rules! questions {
    ($($constant:ident = $service:ident $name:literal;)*) => {
        $(pub const $constant: Question = Question { service: service::$service, name: $name };)*

        #[cfg(test)]
        const ALL: &[Question] = &[$($constant),*];
    };
}

questions! {
    REPORT_KNOWN = INTAKE "report.known";
    REPORT_TRACK = INTAKE "report.track";
    REPORT_RESULTS = INTAKE "report.results";
    REJECTED_LIST = INTAKE "report.rejected.list";
    REJECTED_ADMIT = INTAKE "report.rejected.admit";
    REJECTED_DISMISS = INTAKE "report.rejected.dismiss";
    SOURCE_LIST = INTAKE "source.list";
    CASE_LIST = INTAKE "case.list";
    CASE_SHOW = INTAKE "case.show";
    CASE_EARLIER = INTAKE "case.earlier";
    CASE_ACT = INTAKE "case.act";
    CASE_EXPORT = INTAKE "case.export";
    CASE_VISIBLE = INTAKE "case.visible";
    CASE_WATCHERS = INTAKE "case.watchers";
    CASE_TIMELINE = ESCALATION "case.timeline";
    CASE_DUE = ESCALATION "case.due";
    ALERT_LIST = ESCALATION "alert.list";
    ALERT_SHOW = ESCALATION "alert.show";
    ALERT_ACKNOWLEDGE = ESCALATION "alert.acknowledge";
    DUTY_LIST = ESCALATION "duty.list";
    DUTY_WHY = ESCALATION "duty.why";
    DUTY_CLOSE = ESCALATION "duty.close";
    REHEARSAL_BEGIN = ESCALATION "rehearsal.begin";
    REHEARSAL_LIST = ESCALATION "rehearsal.list";
    REHEARSAL_SHOW = ESCALATION "rehearsal.show";
    TRIAL_FIGURES = ESCALATION "trial.figures";
    DUTY_ACT = ESCALATION "duty.act";
    CORRECTION_FORESEE = ESCALATION "correction.foresee";
    DELIVERY_LIST = NOTIFICATIONS "delivery.list";
    LINK_OPEN = NOTIFICATIONS "link.open";
    WEBHOOK_SHOW = NOTIFICATIONS "webhook.show";
    RECORD_LIST = ARCHIVE "record.list";
    RECORD_SHOW = ARCHIVE "record.show";
    DEAD_LIST = INTAKE "dead.list";
    DEAD_SHOW = INTAKE "dead.show";
    DEAD_REPLAY = INTAKE "dead.replay";
}

#[cfg(test)]
mod tests {
    use super::*;
    use duban_contracts::{catalogue, subjects};

    #[test]
    fn whatever_the_gateway_asks_is_a_request_of_the_catalogue() {
        let entries = catalogue::entries();
        for question in ALL {
            let subject = subjects::rpc(question.service, question.name);
            let entry = catalogue::of_subject(&entries, &subject);
            assert!(entry.is_some_and(|entry| entry.sort == catalogue::Sort::Request), "nobody answers {subject}");
        }
    }
}
