//! What the bot may do in a channel.

/// A permission that the loopback server checks. The values are the bits of Discord's permission
/// sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum Permission {
    /// Change and delete channels.
    ManageChannels = 1 << 4,
    /// Add a reaction that nobody has added yet.
    AddReactions = 1 << 6,
    /// See a channel and what is in it.
    ViewChannel = 1 << 10,
    /// Post in a channel that is no thread.
    SendMessages = 1 << 11,
    /// Delete what others wrote.
    ManageMessages = 1 << 13,
    /// Post with embeds.
    EmbedLinks = 1 << 14,
    /// Post with files.
    AttachFiles = 1 << 15,
    /// Read what was posted before.
    ReadMessageHistory = 1 << 16,
    /// Mention everyone, and roles that are not mentionable.
    MentionEveryone = 1 << 17,
    /// Rename, lock, archive and delete threads of others, and see private ones.
    ManageThreads = 1 << 34,
    /// Open public threads.
    CreatePublicThreads = 1 << 35,
    /// Open private threads.
    CreatePrivateThreads = 1 << 36,
    /// Post in threads.
    SendMessagesInThreads = 1 << 38,
    /// Pin messages.
    PinMessages = 1 << 51,
}

impl Permission {
    /// What a bot has that was invited to talk, and not to moderate.
    pub const BOT: [Self; 9] = [
        Self::AddReactions,
        Self::ViewChannel,
        Self::SendMessages,
        Self::EmbedLinks,
        Self::AttachFiles,
        Self::ReadMessageHistory,
        Self::CreatePublicThreads,
        Self::SendMessagesInThreads,
        Self::PinMessages,
    ];

    /// What a bot has in a direct conversation, wherever it was invited.
    pub(super) const DIRECT: [Self; 6] = [
        Self::AddReactions,
        Self::ViewChannel,
        Self::SendMessages,
        Self::EmbedLinks,
        Self::AttachFiles,
        Self::ReadMessageHistory,
    ];

    /// The permission's bit.
    pub fn bit(self) -> u64 {
        self as u64
    }
}

/// The bits of several permissions.
pub(super) fn bits(permissions: &[Permission]) -> u64 {
    permissions
        .iter()
        .fold(0, |bits, permission| bits | permission.bit())
}
