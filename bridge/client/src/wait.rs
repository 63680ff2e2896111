//! Waiting for a condition, with a deadline. Must not know what is waited for.

use crate::BridgeError;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait, and how often to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until an error says that it took too long.
    pub total: Duration,
    /// Between two looks.
    pub pause: Duration,
}

impl Default for Patience {
    /// Ten minutes, looking every half second.
    fn default() -> Self {
        Self { total: Duration::from_secs(600), pause: Duration::from_millis(500) }
    }
}

impl Patience {
    /// Looks until something is found. An endpoint that does not answer is asked again until the time is up.
    ///
    /// # Errors
    /// [`BridgeError::TimedOut`], with what the endpoint said last; every error at once that another look won't heal.
    pub(crate) async fn wait<T, F>(self, what: &'static str, look: impl Fn() -> F) -> Result<T, BridgeError>
    where
        F: Future<Output = Result<Option<T>, BridgeError>>,
    {
        let deadline = Instant::now() + self.total;
        loop {
            let last = match look().await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => None,
                Err(error) if error.may_pass() => Some(Box::new(error)),
                Err(error) => return Err(error),
            };
            if Instant::now() >= deadline {
                return Err(BridgeError::TimedOut { what, seconds: self.total.as_secs(), last });
            }
            tokio::time::sleep(self.pause).await;
        }
    }
}
