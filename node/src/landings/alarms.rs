//! What an operator has to know of the landing account: said once when it begins, once when it ends, and shown meanwhile.

use std::collections::BTreeMap;

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// The account pays for few landings only.
    AccountLow,
    /// An L1 node said that the account can't pay.
    AccountEmpty,
    /// The next fees would exceed the operator's cap.
    FeeCap,
    /// Landings are refused, and nothing is landed for a while.
    Paused,
}

/// Alarms in force, with their texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms(BTreeMap<Alarm, String>);

impl Alarms {
    /// The alarm is in force, for this reason.
    pub(super) fn raise(&mut self, alarm: Alarm, text: String) {
        if !self.0.contains_key(&alarm) {
            tracing::error!(text, "landing alarm");
        }
        self.0.insert(alarm, text);
    }

    /// It is not, any more.
    pub(super) fn clear(&mut self, alarm: Alarm) {
        if let Some(text) = self.0.remove(&alarm) {
            tracing::info!(text, "no longer a landing alarm");
        }
    }

    /// What is in force.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_keeps_its_newest_text_until_it_is_cleared() {
        let mut alarms = Alarms::default();
        alarms.raise(Alarm::FeeCap, "dear".into());
        alarms.raise(Alarm::AccountLow, "3 left".into());
        alarms.raise(Alarm::AccountLow, "2 left".into());
        assert_eq!(alarms.texts(), ["2 left", "dear"]);
        alarms.clear(Alarm::AccountLow);
        alarms.clear(Alarm::Paused);
        assert_eq!(alarms.texts(), ["dear"]);
    }
}
