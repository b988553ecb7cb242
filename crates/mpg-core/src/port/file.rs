//! Files on their way from and to a platform.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;

/// A file that goes out with a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

/// A file that is being fetched.
#[async_trait]
pub trait Download: Debug + Send {
    /// The next bytes; `None` at the file's end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FetchError>;
}

/// Why a file was not fetched.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FetchError {
    /// It is on a host that nothing is fetched from.
    #[error("nothing is fetched from {0}")]
    Host(String),
    /// It is not there any more, or not for us.
    #[error("it is not there any more: {0}")]
    Gone(String),
    /// It is longer than it may be.
    #[error("it is too long")]
    TooLong,
    /// It may work later.
    #[error("{0}")]
    Transient(String),
    /// The platform cannot do this.
    #[error("files cannot be fetched here")]
    Unsupported,
}
