//! Messages: posting, editing, deleting and reading them.

use serde_json::{Value, json};

use super::Reply;
use super::message_form as form;
use super::request::{Request, id};
use crate::discord::gateway::{Event, intent};
use crate::discord::object;
use crate::discord::permission::Permission;
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::Snowflake;
use crate::discord::world::{Draft, Message, Revision, World, number_or_text};

pub(super) fn channel(world: &World, channel: Snowflake) -> Result<Reply, Refusal> {
    let found = world.visible(channel)?;
    Ok(Reply::ok(object::channel(world, found)))
}

pub(super) fn typing(world: &mut World, channel: Snowflake) -> Result<Reply, Refusal> {
    world.postable(channel)?;
    let bot = world.bot;
    if let Some(found) = world.channels.get_mut(&channel) {
        found.typing += 1;
        let guild = found.guild;
        let mut data = json!({
            "channel_id": channel.to_string(),
            "user_id": bot.to_string(),
            "timestamp": jiff::Timestamp::now().as_second(),
        });
        if let Some(guild) = guild {
            data["guild_id"] = guild.to_string().into();
            data["member"] = object::member(world, guild, bot);
        }
        let intent = intent::of(guild, intent::GUILD_MESSAGE_TYPING);
        world.tell(channel, &Event::new("TYPING_START", intent, data));
    }
    Ok(Reply::nothing())
}

pub(super) fn create(
    world: &mut World,
    request: &Request<'_>,
    channel: Snowflake,
) -> Result<Reply, Refusal> {
    world.postable(channel)?;
    let bot = world.bot;
    let draft = draft(world, request, channel)?;
    if request.body["enforce_nonce"] == true
        && let Some(nonce) = &draft.nonce
        && let Some(used) = world.used_nonce(bot, &number_or_text(nonce))
    {
        // The nonce of a message that was deleted stays taken.
        let message = world
            .channels
            .get(&used.channel)
            .and_then(|place| place.messages.get(&used.message))
            .ok_or_else(Refusal::unknown_message)?;
        return Ok(Reply::ok(with_nonce(world, message)));
    }
    let mut draft = draft;
    draft.attachments = form::attachments(world, channel, &request.files);
    let message = world.post(channel, bot, draft);
    let found = world.visible_message(channel, message)?;
    Ok(Reply::ok(with_nonce(world, found)))
}

/// The answer to a post is the only one that carries the nonce.
fn with_nonce(world: &World, message: &Message) -> Value {
    let mut object = object::message(world, message);
    if let Some(nonce) = &message.nonce {
        object["nonce"] = nonce.clone();
    }
    object
}

pub(super) fn draft(
    world: &World,
    request: &Request<'_>,
    channel: Snowflake,
) -> Result<Draft, Refusal> {
    let body = &request.body;
    let flags = form::flags(body);
    let content = form::content(body)?.unwrap_or_default();
    let embeds = form::embeds(body)?.unwrap_or_default();
    let components = form::components(body, flags)?.unwrap_or_default();
    let place = world.visible(channel)?;
    let mentions = form::mentions(
        world,
        &content,
        body,
        world.may(place, Permission::MentionEveryone),
    )?;
    if !embeds.is_empty() && !world.may(place, Permission::EmbedLinks)
        || !request.files.is_empty() && !world.may(place, Permission::AttachFiles)
    {
        return Err(Refusal::missing_permissions());
    }
    let nonce = form::nonce(body)?;
    let reference = reference(world, body, channel)?;
    let silent = components.is_empty() || flags & form::COMPONENTS_V2 == 0;
    if content.is_empty() && embeds.is_empty() && request.files.is_empty() && silent {
        return Err(Refusal::empty_message());
    }
    Ok(Draft {
        content,
        kind: if reference.is_some() { 19 } else { 0 },
        embeds,
        components,
        attachments: Vec::new(),
        flags,
        reference,
        interaction: None,
        nonce,
        allowed_mentions: body.get("allowed_mentions").cloned(),
        notified: mentions.users,
        notified_everyone: mentions.everyone,
    })
}

/// The message that is replied to; `None` if there is none and that is allowed.
fn reference(
    world: &World,
    body: &Value,
    channel: Snowflake,
) -> Result<Option<Snowflake>, Refusal> {
    let reference = &body["message_reference"];
    if reference.is_null() {
        return Ok(None);
    }
    let text = number_or_text(&reference["message_id"]);
    let message = id(&text, "message_reference.message_id")?;
    let place = world.visible(channel)?;
    if !world.may(place, Permission::ReadMessageHistory) {
        return Err(Refusal::form(
            "message_reference",
            "REPLIES_CANNOT_REPLY_WITHOUT_READ_MESSAGE_HISTORY",
            "Cannot reply without permission to read message history",
        ));
    }
    match place.messages.get(&message) {
        Some(found) if !found.is_written() => Err(Refusal::form(
            "message_reference",
            "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE",
            "Cannot reply to a system message",
        )),
        Some(_) => Ok(Some(message)),
        None if reference["fail_if_not_exists"] == false => Ok(None),
        None => Err(Refusal::form(
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
            "Unknown message",
        )),
    }
}

pub(super) fn get(world: &World, channel: Snowflake, message: Snowflake) -> Result<Reply, Refusal> {
    world.usable(channel, Permission::ReadMessageHistory)?;
    let found = world.visible_message(channel, message)?;
    Ok(Reply::ok(object::message(world, found)))
}

pub(super) fn history(
    world: &World,
    request: &Request<'_>,
    channel: Snowflake,
) -> Result<Reply, Refusal> {
    let limit = request.limit(50, 100)?;
    let before = request.query_id("before")?;
    let after = request.query_id("after")?;
    let around = request.query_id("around")?;
    let found = world.usable(channel, Permission::ViewChannel)?;
    if !world.may(found, Permission::ReadMessageHistory) {
        return Ok(Reply::ok(json!([])));
    }
    let all = || found.messages.values();
    let mut page: Vec<&Message> = if let Some(around) = around {
        let older = all().rev().filter(|message| message.id < around);
        let newer = all().filter(|message| message.id >= around);
        let mut page: Vec<&Message> = older.take(limit / 2).collect();
        page.extend(newer.take(limit - limit / 2));
        page
    } else if let Some(before) = before {
        let older = all().rev().filter(|message| message.id < before);
        older.take(limit).collect()
    } else if let Some(after) = after {
        let newer = all().filter(|message| message.id > after);
        newer.take(limit).collect()
    } else {
        all().rev().take(limit).collect()
    };
    page.sort_by_key(|message| std::cmp::Reverse(message.id));
    let objects: Vec<Value> = page
        .into_iter()
        .map(|message| object::message(world, message))
        .collect();
    Ok(Reply::ok(objects.into()))
}

pub(super) fn edit(
    world: &mut World,
    request: &Request<'_>,
    channel: Snowflake,
    message: Snowflake,
) -> Result<Reply, Refusal> {
    let found = world.visible_message(channel, message)?;
    if found.author != world.bot {
        return Err(Refusal::not_the_author());
    }
    if !found.is_written() {
        return Err(Refusal::system_message());
    }
    world.not_archived(channel)?;
    let mut revision = revision(found, &request.body, !request.files.is_empty())?;
    if !request.files.is_empty() {
        let kept = revision
            .attachments
            .take()
            .unwrap_or_else(|| found.attachments.clone());
        let added = form::attachments(world, channel, &request.files);
        revision.attachments = Some([kept, added].concat());
    }
    world.revise(channel, message, revision);
    let found = world.visible_message(channel, message)?;
    Ok(Reply::ok(object::message(world, found)))
}

/// What an edit changes: a field that is null is emptied, one that is absent stays.
pub(super) fn revision(
    found: &Message,
    body: &Value,
    more_files: bool,
) -> Result<Revision, Refusal> {
    let given = |field: &str| body.get(field).is_some();
    let flags = given("flags").then(|| form::flags(body) | found.flags & !form::SETTABLE_FLAGS);
    let revision = Revision {
        content: given("content")
            .then(|| form::content(body))
            .transpose()?
            .map(Option::unwrap_or_default),
        embeds: given("embeds")
            .then(|| form::embeds(body))
            .transpose()?
            .map(Option::unwrap_or_default),
        components: given("components")
            .then(|| form::components(body, flags.unwrap_or(found.flags)))
            .transpose()?
            .map(Option::unwrap_or_default),
        attachments: body["attachments"].as_array().map(|kept| {
            // Clients write these ids as numbers too.
            let is_kept = |file: &&Value| {
                let id = number_or_text(&file["id"]);
                kept.iter().any(|keep| number_or_text(&keep["id"]) == id)
            };
            found.attachments.iter().filter(is_kept).cloned().collect()
        }),
        flags,
    };
    let content = revision.content.as_ref().unwrap_or(&found.content);
    let embeds = revision.embeds.as_ref().unwrap_or(&found.embeds);
    let files = revision.attachments.as_ref().unwrap_or(&found.attachments);
    let v2 = flags.unwrap_or(found.flags) & form::COMPONENTS_V2 != 0;
    if content.is_empty() && embeds.is_empty() && files.is_empty() && !more_files && !v2 {
        return Err(Refusal::empty_message());
    }
    Ok(revision)
}

pub(super) fn delete(
    world: &mut World,
    channel: Snowflake,
    message: Snowflake,
) -> Result<Reply, Refusal> {
    let found = world.visible_message(channel, message)?;
    let own = found.author == world.bot;
    if !own && !world.may(world.visible(channel)?, Permission::ManageMessages) {
        return Err(Refusal::missing_permissions());
    }
    if found.kind == 21 {
        return Err(Refusal::system_message());
    }
    world.not_archived(channel)?;
    world.remove_message(channel, message);
    Ok(Reply::nothing())
}
