//! Orders from the driver to the sequencer: a mailbox that keeps one of each kind.
//!
//! The driver never waits for a sequencer that is busy building: the sequencer reports to the driver, and two tasks that wait for
//! each other wait for ever. So nothing is queued. Of several L1 heads the newest counts, of several rewinds the deepest, and what is
//! to be built is what was asked for last.

use crate::production::Order;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

/// The driver's side. When it is dropped, the other side hears the end.
#[derive(Debug)]
pub struct Orders(Arc<Shared>);

/// The sequencer's side.
#[derive(Debug)]
pub struct OrderInbox(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    mail: Mutex<Mail>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Mail {
    /// [`Order::Rewound`]: before the head that follows it.
    rewound_to: Option<u64>,
    /// [`Order::L1Head`]: before a block is built on it.
    head: Option<Order>,
    /// [`Order::Build`].
    build: Option<Order>,
    is_over: bool,
}

/// Both sides of an empty mailbox.
pub fn mailbox() -> (Orders, OrderInbox) {
    let shared = Arc::new(Shared::default());
    (Orders(shared.clone()), OrderInbox(shared))
}

impl Orders {
    /// Leaves an order; never waits.
    pub fn post(&self, order: Order) {
        {
            let mut mail = self.0.mail.lock();
            match order {
                Order::Rewound { to } => {
                    mail.rewound_to = Some(mail.rewound_to.map_or(to, |before| before.min(to)));
                    // Both are about blocks that may be gone.
                    mail.head = None;
                    mail.build = None;
                }
                Order::L1Head { .. } => mail.head = Some(order),
                Order::Build { .. } => mail.build = Some(order),
            }
        }
        self.0.news.notify_one();
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.0.mail.lock().is_over = true;
        self.0.news.notify_one();
    }
}

impl OrderInbox {
    /// The next order; `None` when the driver is gone.
    pub async fn recv(&mut self) -> Option<Order> {
        loop {
            {
                let mut mail = self.0.mail.lock();
                if mail.is_over {
                    return None;
                }
                let rewound = mail.rewound_to.take().map(|to| Order::Rewound { to });
                let next = rewound.or_else(|| mail.head.take()).or_else(|| mail.build.take());
                if next.is_some() {
                    return next;
                }
            }
            self.0.news.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use engine::{BlockRef, BuildOn, L1Ref};

    fn head(number: u64) -> Order {
        Order::L1Head { at: L1Ref { number, hash: B256::ZERO }, finalised: 0 }
    }

    fn build(slot_timestamp: u64) -> Order {
        let parent = BlockRef { number: 0, hash: B256::ZERO };
        let on = BuildOn { parent, l1_head: L1Ref { number: 0, hash: B256::ZERO }, slot_timestamp };
        Order::Build { on, inbox: Vec::new() }
    }

    async fn all(posted: Vec<Order>) -> String {
        let (orders, mut inbox) = mailbox();
        posted.into_iter().for_each(|order| orders.post(order));
        let mut text = String::new();
        while let Some(order) = inbox.recv().await {
            text += &match order {
                Order::Rewound { to } => format!("rewound {to} "),
                Order::L1Head { at, .. } => format!("head {} ", at.number),
                Order::Build { on, .. } => format!("build {} ", on.slot_timestamp),
            };
            if inbox.0.mail.lock().head.is_none() && inbox.0.mail.lock().build.is_none() {
                break;
            }
        }
        text
    }

    #[tokio::test]
    async fn a_sequencer_that_was_busy_hears_the_newest_of_each_kind_in_order() {
        assert_eq!(all(vec![head(1), build(2), head(3), build(4)]).await, "head 3 build 4 ");
    }

    #[tokio::test]
    async fn a_rewind_comes_before_the_head_that_follows_it_and_takes_older_orders_along() {
        let rewound = |to| Order::Rewound { to };
        assert_eq!(
            all(vec![head(9), build(9), rewound(5), head(6), rewound(7), head(8), build(10)]).await,
            "rewound 5 head 8 build 10 "
        );
    }

    #[tokio::test]
    async fn thousands_of_orders_keep_nobody_waiting_and_the_end_is_heard() {
        let (orders, mut inbox) = mailbox();
        (0..100_000).for_each(|number| orders.post(head(number)));
        assert!(matches!(inbox.recv().await, Some(Order::L1Head { at, .. }) if at.number == 99_999));
        drop(orders);
        assert!(inbox.recv().await.is_none());
    }
}
