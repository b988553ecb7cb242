//! What is told of a running gateway to whoever counts or shows it.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{DeliveryId, Place, PlatformId};
use crate::message::Link;
use crate::record::Record;

/// Is told what a gateway sees and does.
///
/// It is called on the gateway's own loop and on its tasks: it returns at once, and nothing follows
/// from it. What it forgets is lost to nobody.
pub trait Observer: Debug + Send + Sync {
    /// Something was seen at this time.
    fn see(&self, at: Timestamp, sight: &Sight<'_>);
}

/// One thing that was seen.
#[derive(Clone, Copy, Debug)]
pub enum Sight<'a> {
    /// These facts are stored, all at once.
    Committed {
        /// The facts, in order.
        records: &'a [Record],
        /// How long storing them took.
        took: Duration,
    },
    /// A platform told of its connection.
    Linked {
        /// The platform.
        platform: &'a PlatformId,
        /// What it told.
        link: &'a Link,
    },
    /// A delivery did not succeed, and is tried again.
    Retrying {
        /// Where it goes.
        place: &'a Place,
        /// The delivery.
        delivery: DeliveryId,
        /// Whether the platform asked for a wait: it limits the rate.
        limited: bool,
    },
}

/// Sees nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn see(&self, _at: Timestamp, _sight: &Sight<'_>) {}
}
