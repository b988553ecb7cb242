//! What stands in channels and threads, read back.

use mpg_core::id::MessageId;
use mpg_core::post::Post;
use serde::Deserialize;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::UserMarker;

use crate::directory::Directory;
use crate::event::Message;
use crate::render::{LOADING, in_lines, mention, snowflake};
use crate::rest::{Failure, Rest};
use crate::shared::Shared;

/// How many messages one request reads: the most that Discord gives.
///
/// Source: *get channel messages* in the message resource of Discord's documentation.
pub(crate) const PAGE: u16 = 100;

/// How many pages are looked through for one post.
const SEARCHED: usize = 10;

/// Reads what stands in channels and threads.
pub(crate) struct History<'a> {
    pub(crate) rest: &'a Rest,
    pub(crate) directory: &'a Shared,
}

impl History<'_> {
    /// One page of messages, newest first: those before an id, or the newest of all.
    pub(crate) async fn page(
        &self,
        channel: u64,
        before: Option<u64>,
    ) -> Result<Vec<Message>, Failure> {
        let route = Route::GetMessages {
            after: None,
            around: None,
            before,
            channel_id: channel,
            limit: Some(PAGE),
        };
        self.rest.get(&route).await
    }

    /// Looks for an own message that is what a post becomes, newest first, down to `after`. Of several
    /// it is the oldest.
    ///
    /// Discord does not tell the nonce here, and takes the white space around a text away.
    pub(crate) async fn find(
        &self,
        channel: u64,
        after: Option<u64>,
        post: &Post,
    ) -> Result<Option<MessageId>, Failure> {
        let me = self.me().await?;
        let after = after.unwrap_or_default();
        let answered = post.reply_to.as_ref().and_then(|id| snowflake(id.as_str()));
        // The reply to an interaction stands where it was announced.
        let oldest = answered.map_or(after, |answered| answered.min(after));
        let mut before = None;
        let mut found = None;
        for _ in 0..SEARCHED {
            let page = self.page(channel, before).await?;
            let own = page.iter().filter(|message| {
                let author = message.author.as_ref().map(|author| author.id);
                let stands = match &message.interaction_metadata {
                    Some(metadata) => {
                        Some(metadata.id.get()) == answered
                            && message.flags.unwrap_or_default() & LOADING == 0
                    }
                    None => message.id.get() > after,
                };
                stands && author == Some(me) && is_shown_as(post, message)
            });
            found = own.map(|message| message.id).min().or(found);
            before = page.iter().map(|message| message.id.get()).min();
            if page.len() < usize::from(PAGE) || before.is_none_or(|reached| reached <= oldest) {
                break;
            }
        }
        Ok(found.map(|id| MessageId::new(id.to_string())))
    }

    /// Who the bot is. It may be asked before the gateway has told.
    async fn me(&self) -> Result<Id<UserMarker>, Failure> {
        #[derive(Deserialize)]
        struct Me {
            id: Id<UserMarker>,
        }
        if let Some(me) = self.directory.read(Directory::me) {
            return Ok(me);
        }
        let me: Me = self.rest.get(&Route::GetCurrentUser).await?;
        self.directory.change(|directory| directory.set_me(me.id));
        Ok(me.id)
    }
}

/// Whether a message is what a post becomes, in any of its forms: which one it was depends on the
/// permissions at that time. A colour may change.
fn is_shown_as(post: &Post, message: &Message) -> bool {
    let content = message.content.as_deref().unwrap_or_default().trim();
    if message.attachments.len() != post.files.len() {
        return false;
    }
    let (Some(persona), Some(embed)) = (&post.persona, message.embeds.first()) else {
        return !content.is_empty() && content == in_lines(post).trim();
    };
    if content != mention(post).unwrap_or_default() {
        return content == in_lines(post).trim();
    }
    let author = embed.author.as_ref().map(|author| author.name.trim());
    let description = embed.description.as_deref().unwrap_or_default();
    let footer = embed.footer.as_ref().map(|footer| footer.text.trim());
    author == Some(persona.name())
        && description.trim() == post.text.trim()
        && footer == post.footer.as_deref().map(str::trim)
}
