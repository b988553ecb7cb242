//! Which handler a request goes to.

use serde_json::{Value, json};

use super::request::{Request, id};
use super::{Reply, command, guild, interaction, message, pin, reaction, thread, webhook};
use crate::discord::object;
use crate::discord::refusal::Refusal;
use crate::discord::world::World;

/// Carries out a request.
pub(super) fn route(world: &mut World, request: &Request<'_>) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method, segments.as_slice()) {
        ("GET", ["gateway"]) => Ok(Reply::ok(json!({"url": gateway_url(world)}))),
        ("GET", ["gateway", "bot"]) => Ok(Reply::ok(gateway_bot(world))),
        ("GET", ["users", "@me"]) => Ok(Reply::ok(object::current_user(world))),
        ("GET", ["users", "@me", "guilds"]) => Ok(guild::list(world)),
        ("GET", ["users", user]) => guild::user(world, id(user, "user_id")?),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => {
            Ok(Reply::ok(object::application(world)))
        }
        ("GET", ["guilds", guild]) => guild::get(world, id(guild, "guild_id")?),
        ("GET", ["guilds", guild, "channels"]) => guild::channels(world, id(guild, "guild_id")?),
        ("POST", ["guilds", guild, "channels"]) => {
            guild::create_channel(world, request, id(guild, "guild_id")?)
        }
        ("GET", ["guilds", guild, "roles"]) => guild::roles(world, id(guild, "guild_id")?),
        ("GET", ["guilds", guild, "threads", "active"]) => {
            guild::active_threads(world, id(guild, "guild_id")?)
        }
        ("GET", ["guilds", guild, "members", user]) => {
            guild::member(world, id(guild, "guild_id")?, id(user, "user_id")?)
        }
        (_, ["channels", channel, rest @ ..]) => {
            let channel = id(channel, "channel_id")?;
            match (request.method, rest) {
                (_, ["messages", ..]) => messages(world, request, channel, rest),
                ("GET", []) => message::channel(world, channel),
                ("PATCH", []) => thread::change(world, request, channel),
                ("DELETE", []) => thread::delete(world, channel),
                ("POST", ["typing"]) => message::typing(world, channel),
                ("POST", ["threads"]) => thread::open(world, request, channel, None),
                ("GET", ["threads", "archived", kind @ ("public" | "private")]) => {
                    thread::archived(world, request, channel, kind)
                }
                ("GET", ["users", "@me", "threads", "archived", "private"]) => {
                    thread::archived(world, request, channel, "joined")
                }
                ("PUT" | "DELETE", ["thread-members", _]) => thread::membership(world, channel),
                ("GET", ["thread-members"]) => thread::members(world, channel),
                _ => Err(unrouted(&segments)),
            }
        }
        (_, ["applications", application, rest @ ..]) => {
            command::route(world, request, id(application, "application_id")?, rest)
        }
        ("POST", ["interactions", interaction, token, "callback"]) => {
            interaction::callback(world, request, id(interaction, "interaction_id")?, token)
        }
        (_, ["webhooks", application, token, rest @ ..]) => {
            webhook::route(world, request, id(application, "webhook_id")?, token, rest)
        }
        _ => Err(unrouted(&segments)),
    }
}

fn messages(
    world: &mut World,
    request: &Request<'_>,
    channel: crate::discord::Snowflake,
    rest: &[&str],
) -> Result<Reply, Refusal> {
    let of = |message: &&str| id(message, "message_id");
    match (request.method, rest) {
        ("GET", ["messages"]) => message::history(world, request, channel),
        ("PUT", ["messages", "pins", message]) => pin::add(world, channel, of(message)?),
        ("POST", ["messages"]) => message::create(world, request, channel),
        ("GET", ["messages", message]) => message::get(world, channel, of(message)?),
        ("PATCH", ["messages", message]) => message::edit(world, request, channel, of(message)?),
        ("DELETE", ["messages", message]) => message::delete(world, channel, of(message)?),
        ("POST", ["messages", message, "threads"]) => {
            thread::open(world, request, channel, Some(of(message)?))
        }
        ("DELETE", ["messages", message, "reactions"]) => {
            reaction::clear(world, channel, of(message)?)
        }
        (_, ["messages", message, "reactions", sign, rest @ ..]) => {
            reaction::route(world, request, channel, of(message)?, sign, rest)
        }
        _ => Err(unrouted(&["channels"])),
    }
}

/// A path that begins as a known one does was asked with the wrong method.
fn unrouted(segments: &[&str]) -> Refusal {
    match segments.first() {
        Some(&("gateway" | "users" | "guilds" | "channels" | "interactions")) => {
            Refusal::method_not_allowed()
        }
        Some(_) | None => Refusal::not_found(),
    }
}

fn gateway_url(world: &World) -> String {
    world.origin.replacen("http", "ws", 1)
}

fn gateway_bot(world: &World) -> Value {
    let used = u64::try_from(world.hub.identify_count).unwrap_or(u64::MAX);
    json!({
        "url": gateway_url(world),
        "shards": 1,
        "session_start_limit": {
            "total": 1000,
            "remaining": 1000_u64.saturating_sub(used),
            "reset_after": 86_400_000,
            "max_concurrency": world.settings.max_concurrency,
        },
    })
}
