//! The durable state in SQLite.
//!
//! The tables are the truth: each commit applies its records to them in one transaction, and
//! loading reads what is still live. What a record means is said by
//! [`Snapshot::apply`](mpg_core::snapshot::Snapshot::apply); the tables hold the same state after
//! any prefix of commits.

mod ask;
mod attachment;
mod audit;
mod backup;
mod batch;
mod control;
mod database;
mod event;
mod failure;
mod fork;
mod identity;
mod integrity;
mod key;
mod load;
mod lock;
mod out_file;
mod past;
mod reader;
mod said;
mod schema;
mod seal;
mod store;
mod token;
mod view;
mod write;
mod writer;

pub use audit::{AuditCheck, Broken, Fault, Mark};
pub use database::Limits;
pub use identity::Secret;
pub use lock::{StateOwner, owner};
pub use reader::StateReader;
pub use store::SqliteStore;
