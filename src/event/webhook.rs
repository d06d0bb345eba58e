//! Events about the receivers of events.

use super::{Condition, Event, EventKind};
use crate::moment::Moment;
use crate::severity::Severity;

/// What has become of events at the receiver of a webhook for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRefusals {
    /// The name of the webhook.
    pub webhook: String,
    /// How many it refused.
    pub refused: u64,
    /// Why it refused the last of them.
    pub why: String,
    /// Whether it has taken one since.
    pub takes_again: bool,
}

impl Event {
    /// The receiver of a webhook refuses events, which are not sent to it again. So many are by now.
    pub fn webhook_refused(webhook: &str, refused: u64, why: &str, at: Moment) -> Self {
        let text = format!(
            "webhook `{webhook}` refuses events, which are not sent to it again ({refused} so far): {why}"
        );
        Self::new(EventKind::WEBHOOK_REFUSED, Severity::Warning, text, at)
            .turns("accepted", "refused")
            .because(why)
            .raises(&Condition::Webhook(webhook.to_owned()))
    }

    /// Returns whether it is about a receiver of events.
    pub fn is_about_webhooks(&self) -> bool {
        [EventKind::WEBHOOK_REFUSED, EventKind::WEBHOOK_ACCEPTED].contains(&self.kind)
    }

    /// It takes them again.
    pub fn webhook_accepted(webhook: &str, refused: u64, at: Moment) -> Self {
        let events = if refused == 1 { "event" } else { "events" };
        let text = format!("webhook `{webhook}` takes events again: it has not had {refused} {events}");
        Self::new(EventKind::WEBHOOK_ACCEPTED, Severity::Info, text, at)
            .turns("refused", "accepted")
            .clears(&Condition::Webhook(webhook.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn a_receiver_that_refuses_is_told_of_with_its_reason() {
        check(
            &Event::webhook_refused("oncall", 3, "status 401", Moment(0)),
            "webhook_refused Warning -: accepted -> refused | status 401 | - | - | webhook/oncall",
            "webhook `oncall` refuses events, which are not sent to it again (3 so far): status 401",
        );
        check(
            &Event::webhook_accepted("oncall", 1, Moment(0)),
            "webhook_accepted Info -: refused -> accepted | - | - | - | ends webhook/oncall",
            "webhook `oncall` takes events again: it has not had 1 event",
        );
    }
}
