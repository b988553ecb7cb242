//! The project's own directory, shared by all of its conversations.

use std::io;

use async_trait::async_trait;
use mpg_core::port::{Download, Workspace, WorkspaceError, WorkspaceRequest, Workspaces};

use crate::handed::open_below;

/// Lets every conversation work in its project's directory. Nothing is created or removed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainDirectories;

#[async_trait]
impl Workspaces for PlainDirectories {
    /// Names the project's directory.
    ///
    /// # Errors
    ///
    /// If it is not there, or is no directory.
    async fn prepare(&self, request: WorkspaceRequest) -> Result<Workspace, WorkspaceError> {
        let WorkspaceRequest {
            project, directory, ..
        } = request;
        let message = match tokio::fs::metadata(&directory).await {
            Ok(metadata) if metadata.is_dir() => return Ok(Workspace::new(directory)),
            Ok(_) => format!("{directory}, the directory of {project}, is not a directory"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                format!("{directory}, the directory of {project}, is not there")
            }
            Err(error) => {
                format!("{directory}, the directory of {project}, cannot be used: {error}")
            }
        };
        Err(WorkspaceError { message })
    }

    async fn open(&self, directory: &str, path: &str) -> Result<Box<dyn Download>, WorkspaceError> {
        open_below(directory, path, &[]).await
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::id::{ChannelId, ChannelKey, PlatformId, ProjectName, Root, RootId};

    use super::*;

    async fn prepare(directory: &str) -> Result<String, String> {
        let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
        let request = WorkspaceRequest {
            project: ProjectName::new("demo"),
            directory: directory.to_owned(),
            thread: RootId {
                channel,
                root: Root::Channel,
            },
            agent: None,
        };
        let prepared = PlainDirectories.prepare(request).await;
        let prepared = prepared.map(|workspace| workspace.directory);
        prepared.map_err(|error| error.message)
    }

    #[tokio::test]
    async fn a_directory_is_used_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        assert_eq!(prepare(path).await, Ok(path.to_owned()));
    }

    #[tokio::test]
    async fn what_is_no_directory_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let error = prepare(path).await.unwrap_err();
        assert_eq!(
            error,
            format!("{path}, the directory of demo, is not a directory")
        );
        let missing = format!("{path}-missing");
        let error = prepare(&missing).await.unwrap_err();
        assert_eq!(
            error,
            format!("{missing}, the directory of demo, is not there")
        );
    }
}
