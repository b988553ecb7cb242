//! What people said in a channel and its threads while nobody listened.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::id::{MessageId, Place};
use mpg_core::message::Inbound;
use mpg_core::port::DeliveryError;
use serde::Deserialize;
use twilight_http::routing::Route;
use twilight_model::id::Id;
use twilight_model::id::marker::{ChannelMarker, GuildMarker, UserMarker};

use crate::directory::{Directory, channel_place, thread_place};
use crate::event::{Channel, Event, Member, Message, PartialMember, Role};
use crate::history::{History, PAGE};
use crate::render::snowflake;
use crate::rest::{Failure, Verb};
use crate::translate::{is_said_by_a_person, translate};

/// How many pages of messages are read for one request. Beyond that it is not counted any more what
/// is left out.
const PAGES: usize = 200;

/// How many pages of archived threads are looked through.
const THREAD_PAGES: usize = 10;

/// The first millisecond that a snowflake can name.
///
/// Source: the page on the API of Discord's documentation.
const EPOCH_MS: i64 = 1_420_070_400_000;

/// The messages that were missed, as they are read.
struct Reading<'a> {
    history: &'a History<'a>,
    request: &'a MissedRequest,
    limit: usize,
    /// The oldest id that is wanted where nothing was read before.
    since: u64,
    pages_left: usize,
    /// By id, which is the order over all places.
    found: BTreeMap<u64, (Place, Message)>,
    skipped: u32,
    read: BTreeMap<Place, MessageId>,
}

/// A list of threads.
#[derive(Deserialize)]
struct Threads {
    threads: Vec<Channel>,
    #[serde(default)]
    has_more: bool,
}

/// Which archived threads are listed.
#[derive(Clone, Copy)]
enum Archive {
    Public,
    Private,
}

impl History<'_> {
    /// Reads back what was missed in a channel and its threads.
    pub(crate) async fn missed(&self, request: &MissedRequest) -> Result<Missed, DeliveryError> {
        self.read_missed(request)
            .await
            .map_err(|failure| failure.delivery(Verb::Read))
    }

    async fn read_missed(&self, request: &MissedRequest) -> Result<Missed, Failure> {
        let mut reading = Reading {
            history: self,
            request,
            limit: usize::try_from(request.limit).unwrap_or(usize::MAX),
            since: first_id(request.since),
            pages_left: PAGES,
            found: BTreeMap::new(),
            skipped: 0,
            read: BTreeMap::new(),
        };
        let id = snowflake(request.channel.channel.as_str()).unwrap_or_default();
        let channel: Channel = self.rest.get(&Route::GetChannel { channel_id: id }).await?;
        reading.place(&channel_place(channel.id), &channel).await?;
        let Some(guild) = channel.guild_id else {
            return reading.finish(None).await;
        };
        for thread in self.threads(guild, channel.id, request.since).await? {
            let place = thread_place(channel.id, thread.id);
            self.directory
                .change(|directory| directory.add_channel(&thread, Some(guild)));
            reading.place(&place, &thread).await?;
        }
        reading.finish(Some(guild)).await
    }

    /// The threads of a channel in which something may have been said since a time.
    async fn threads(
        &self,
        guild: Id<GuildMarker>,
        channel: Id<ChannelMarker>,
        since: Timestamp,
    ) -> Result<Vec<Channel>, Failure> {
        let active: Threads = self
            .rest
            .get(&Route::GetActiveThreads {
                guild_id: guild.get(),
            })
            .await?;
        let mut threads: BTreeMap<Id<ChannelMarker>, Channel> = BTreeMap::new();
        let of_channel = |thread: &Channel| thread.parent_id == Some(channel);
        let active = active.threads.into_iter().filter(of_channel);
        threads.extend(active.map(|thread| (thread.id, thread)));
        for archive in [Archive::Public, Archive::Private] {
            let archived = unless_forbidden(self.archived(archive, channel, since).await)?;
            for thread in archived.into_iter().flatten() {
                threads.entry(thread.id).or_insert(thread);
            }
        }
        Ok(threads.into_values().collect())
    }

    /// The threads that were archived since a time, which is when the last thing was said in them or
    /// later.
    async fn archived(
        &self,
        archive: Archive,
        channel: Id<ChannelMarker>,
        since: Timestamp,
    ) -> Result<Vec<Channel>, Failure> {
        let mut threads = Vec::new();
        let mut before: Option<String> = None;
        for _ in 0..THREAD_PAGES {
            let (channel_id, limit) = (channel.get(), Some(100));
            let before_this = before.as_deref();
            let route = match archive {
                Archive::Public => Route::GetPublicArchivedThreads {
                    before: before_this,
                    channel_id,
                    limit,
                },
                Archive::Private => Route::GetPrivateArchivedThreads {
                    before: before_this,
                    channel_id,
                    limit,
                },
            };
            let page: Threads = self.rest.get(&route).await?;
            let oldest = page.threads.iter().filter_map(archived_at).min();
            let recent = |thread: &Channel| archived_at(thread).is_none_or(|at| at >= since);
            threads.extend(page.threads.into_iter().filter(recent));
            let Some(oldest) = oldest.filter(|oldest| page.has_more && *oldest >= since) else {
                break;
            };
            before = Some(oldest.to_string());
        }
        Ok(threads)
    }

    /// What is known of a person in a guild; `None` for one who is no member any more.
    async fn member(
        &self,
        guild: Id<GuildMarker>,
        user: Id<UserMarker>,
    ) -> Result<Option<Member>, Failure> {
        let route = Route::GetMember {
            guild_id: guild.get(),
            user_id: user.get(),
        };
        unless_forbidden(self.rest.get(&route).await)
    }

    /// Learns the names of a guild's roles, if they are not known yet.
    async fn learn_roles(&self, guild: Id<GuildMarker>) -> Result<(), Failure> {
        if self
            .directory
            .read(|directory| directory.knows_roles(guild))
        {
            return Ok(());
        }
        let route = Route::GetGuildRoles {
            guild_id: guild.get(),
        };
        let roles: Vec<Role> = self.rest.get(&route).await?;
        self.directory
            .change(|directory| directory.add_roles(guild, &roles));
        Ok(())
    }
}

impl Reading<'_> {
    /// Reads one place, newest first, down to what was read before.
    async fn place(&mut self, place: &Place, channel: &Channel) -> Result<(), Failure> {
        let read = self.request.read.get(place);
        let read = read.and_then(|id| snowflake(id.as_str()));
        // The first id that is wanted is one above what was read.
        let floor = read.unwrap_or_else(|| self.since.saturating_sub(1));
        let last = channel.last_message_id.map_or(0, Id::get);
        if last <= floor {
            return Ok(());
        }
        let mut before = None;
        while self.pages_left > 0 {
            self.pages_left -= 1;
            let page = self.history.page(channel.id.get(), before).await;
            let Some(page) = unless_forbidden(page)? else {
                tracing::info!(%place, "what was said there cannot be read back");
                return Ok(());
            };
            let full = page.len() == usize::from(PAGE);
            for message in page {
                let id = message.id.get();
                if id <= floor {
                    return Ok(());
                }
                before = Some(before.map_or(id, |before: u64| before.min(id)));
                let newest = self
                    .read
                    .entry(place.clone())
                    .or_insert_with(|| MessageId::new("0"));
                let id = MessageId::new(message.id.to_string());
                *newest = id.max(newest.clone());
                self.take(place, message);
            }
            if !full {
                return Ok(());
            }
        }
        tracing::warn!(%place, "more was missed than is read back");
        Ok(())
    }

    fn take(&mut self, place: &Place, message: Message) {
        let me = self.history.directory.read(Directory::me);
        if !is_said_by_a_person(&message, me) {
            return;
        }
        let id = message.id.get();
        if id < self.since {
            self.skipped = self.skipped.saturating_add(1);
            return;
        }
        self.found.insert(id, (place.clone(), message));
        if self.found.len() > self.limit {
            self.found.pop_first();
            self.skipped = self.skipped.saturating_add(1);
        }
    }

    /// Adds what Discord does not tell with messages of the past, and translates them.
    async fn finish(self, guild: Option<Id<GuildMarker>>) -> Result<Missed, Failure> {
        let mut members: BTreeMap<Id<UserMarker>, Option<Member>> = BTreeMap::new();
        let mut missed = Missed {
            messages: Vec::with_capacity(self.found.len()),
            skipped: self.skipped,
            read: self.read,
        };
        if let (Some(guild), false) = (guild, self.found.is_empty()) {
            self.history.learn_roles(guild).await?;
        }
        for (_, (_, mut message)) in self.found {
            if let (Some(guild), Some(author)) = (guild, &message.author) {
                let author = author.id;
                let member = match members.entry(author) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.history.member(guild, author).await?),
                };
                message.guild_id = Some(guild);
                message.member = member.as_ref().map(partial);
            }
            let event = Event::MessageCreated(Box::new(message));
            let inbound = self
                .history
                .directory
                .read(|directory| translate(&event, directory));
            missed.messages.extend(inbound.into_iter().filter_map(said));
        }
        Ok(missed)
    }
}

fn said(inbound: Inbound) -> Option<mpg_core::message::Message> {
    match inbound {
        Inbound::Message(message) => Some(message),
        Inbound::Interaction(_)
        | Inbound::Edited { .. }
        | Inbound::Deleted(_)
        | Inbound::PlaceGone(_)
        | Inbound::CapabilitiesChanged(_)
        | Inbound::Link(_)
        | Inbound::OwnEcho { .. } => None,
    }
}

fn partial(member: &Member) -> PartialMember {
    PartialMember {
        nick: member.nick.clone(),
        roles: member.roles.clone(),
    }
}

fn archived_at(thread: &Channel) -> Option<Timestamp> {
    let state = thread.thread_metadata.as_ref()?;
    state.archive_timestamp.as_ref()?.parse().ok()
}

/// `None` for what Discord does not let the bot see, or does not have.
fn unless_forbidden<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is_passing() => Err(failure),
        Err(_) => Ok(None),
    }
}

/// The first id that a message of this time can have.
pub(crate) fn first_id(at: Timestamp) -> u64 {
    let ms = at.as_millisecond().saturating_sub(EPOCH_MS);
    u64::try_from(ms).unwrap_or(0) << 22
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_time() {
        // The example of Discord's documentation.
        let at: Timestamp = "2016-04-30T11:18:25.796Z".parse().unwrap();
        let documented = 175_928_847_299_117_063;
        assert!(first_id(at) <= documented);
        let later: Timestamp = "2016-04-30T11:18:25.797Z".parse().unwrap();
        assert!(first_id(later) > documented);
        assert_eq!(first_id(Timestamp::UNIX_EPOCH), 0);
    }
}
