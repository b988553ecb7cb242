//! The seams: what the engine needs from platforms, agents, stores and workspaces.
//!
//! All traits are object safe and name no runtime. A method is *cancel safe* where its doc says so:
//! dropping its future loses nothing.

mod file;
mod platform;
mod runtime;
mod session;
mod store;
mod workspace;

pub use self::file::{Download, FetchError, Upload};
pub use self::platform::{Connection, DeliveryError, Inbox, LiveFrame, LiveLine, Outbox};
pub use self::runtime::{
    AgentControl, AgentEvents, AgentRuntime, AgentSession, Image, OpenError, Submission, Submitted,
};
pub use self::session::{SessionSpec, SessionStart};
pub use self::store::{Store, StoreError, StoreErrorKind};
pub use self::workspace::{Workspace, WorkspaceError, WorkspaceRequest, Workspaces};
