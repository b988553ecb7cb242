//! Files of messages, as the content network serves them.

use super::World;

/// How many bytes of files are kept; the oldest go first.
const FILES: usize = 64 * 1024 * 1024;

impl World {
    pub(in crate::discord) fn keep_file(&mut self, path: String, bytes: Vec<u8>) {
        self.files.push_back((path, bytes));
        let mut kept: usize = self.files.iter().map(|(_, bytes)| bytes.len()).sum();
        while kept > FILES
            && let Some((_, oldest)) = self.files.pop_front()
        {
            kept -= oldest.len();
        }
    }

    /// The contents of a file that was posted, by the path of its address.
    pub fn uploaded(&self, path: &str) -> Option<&[u8]> {
        self.file(path)
    }

    pub(in crate::discord) fn file(&self, path: &str) -> Option<&[u8]> {
        let (_, bytes) = self.files.iter().find(|(known, _)| known == path)?;
        Some(bytes)
    }
}
