//! The form of a message: what is checked before one is posted or edited.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::component;
use super::form;
use super::request::{Upload, id};
use crate::discord::refusal::Refusal;
use crate::discord::snowflake::{Snowflake, iso};
use crate::discord::world::{Mentions, World, number_or_text};

/// The longest text of a message, in code points.
pub(super) const CONTENT: usize = 2000;

const EMBEDS: usize = 10;
const EMBED_TOTAL: usize = 6000;

/// The largest colour, 0xRRGGBB.
const MOST_COLOR: u64 = 0xff_ff_ff;
const V2_COMPONENTS: usize = 40;
const NONCE: usize = 25;

/// Flags that a bot may set: no link previews, no notification, components v2.
pub(super) const SETTABLE_FLAGS: u64 = 1 << 2 | 1 << 12 | COMPONENTS_V2;

pub(super) const COMPONENTS_V2: u64 = 1 << 15;

/// The text, without the white space around it, which Discord takes away.
pub(super) fn content(body: &Value) -> Result<Option<String>, Refusal> {
    let content = form::text(body, "content", 0, CONTENT)?;
    Ok(content.map(|text| text.trim().to_owned()))
}

/// The embeds, as Discord stores them.
pub(super) fn embeds(body: &Value) -> Result<Option<Vec<Value>>, Refusal> {
    let Some(mut embeds) = form::objects(body, "embeds", EMBEDS)? else {
        return Ok(None);
    };
    let mut total = 0;
    for (at, embed) in embeds.iter_mut().enumerate() {
        trim_texts(embed);
        total += check_embed(at, embed)?;
        embed["type"] = "rich".into();
        if let Some(text) = embed["timestamp"].as_str() {
            let time = text.parse().map_err(|_| {
                let path = format!("embeds.{at}.timestamp");
                let message = format!("Could not parse {text}. Should be ISO8601.");
                Refusal::form(&path, "DATETIME_TYPE_PARSE", message)
            })?;
            embed["timestamp"] = iso(time).into();
        }
    }
    if total > EMBED_TOTAL {
        let message = format!("Embed size exceeds maximum size of {EMBED_TOTAL}");
        return Err(Refusal::form("embeds", "MAX_EMBED_SIZE_EXCEEDED", message));
    }
    Ok(Some(embeds))
}

/// Takes the white space around an embed's texts away, as Discord does.
fn trim_texts(embed: &mut Value) {
    for path in ["/title", "/description", "/footer/text", "/author/name"] {
        if let Some(value) = embed.pointer_mut(path)
            && let Some(text) = value.as_str()
        {
            *value = text.trim().into();
        }
    }
}

/// Checks the limits of one embed, and counts its code points.
fn check_embed(at: usize, embed: &Value) -> Result<usize, Refusal> {
    let color = &embed["color"];
    if !color.is_null() && color.as_u64().is_none_or(|color| color > MOST_COLOR) {
        return Err(Refusal::form(
            &format!("embeds.{at}.color"),
            "NUMBER_TYPE_MAX",
            format!("int value should be less than or equal to {MOST_COLOR}."),
        ));
    }
    for part in ["author", "footer"] {
        let field = if part == "author" { "name" } else { "text" };
        if embed[part].is_object() && embed[part][field].as_str().is_none_or(str::is_empty) {
            return Err(Refusal::form(
                &format!("embeds.{at}.{part}.{field}"),
                "BASE_TYPE_REQUIRED",
                "This field is required",
            ));
        }
    }
    let mut total = 0;
    let mut check = |path: String, value: &Value, max| {
        let text = value.as_str().unwrap_or_default();
        total += text.chars().count();
        form::check_length(&format!("embeds.{at}.{path}"), text, max)
    };
    check("title".into(), &embed["title"], 256)?;
    check("description".into(), &embed["description"], 4096)?;
    check("footer.text".into(), &embed["footer"]["text"], 2048)?;
    check("author.name".into(), &embed["author"]["name"], 256)?;
    let fields = form::objects(embed, "fields", 25)?.unwrap_or_default();
    for (number, field) in fields.iter().enumerate() {
        for (name, max) in [("name", 256), ("value", 1024)] {
            if field[name].as_str().is_none_or(str::is_empty) {
                return Err(Refusal::form(
                    &format!("embeds.{at}.fields.{number}.{name}"),
                    "BASE_TYPE_REQUIRED",
                    "This field is required",
                ));
            }
            check(format!("fields.{number}.{name}"), &field[name], max)?;
        }
    }
    Ok(total)
}

/// The components. Those of the second version are taken as they are.
pub(super) fn components(body: &Value, flags: u64) -> Result<Option<Vec<Value>>, Refusal> {
    if flags & COMPONENTS_V2 == 0 {
        return component::rows(body);
    }
    form::objects(body, "components", V2_COMPONENTS)
}

/// The flags that the form sets; other bits are dropped, as Discord does.
pub(super) fn flags(body: &Value) -> u64 {
    body["flags"].as_u64().unwrap_or(0) & SETTABLE_FLAGS
}

/// The nonce: a number, or at most 25 code points.
pub(super) fn nonce(body: &Value) -> Result<Option<Value>, Refusal> {
    match &body["nonce"] {
        Value::Null => Ok(None),
        number @ Value::Number(_) => Ok(Some(number.clone())),
        Value::String(text) => {
            form::check_length("nonce", text, NONCE)?;
            Ok(Some(text.as_str().into()))
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Refusal::form(
            "nonce",
            "NONCE_TYPE_INVALID",
            "Value must be an integer or string",
        )),
    }
}

/// Whom a text notifies under `allowed_mentions`.
pub(super) fn mentions(
    world: &World,
    text: &str,
    body: &Value,
    may_mention_everyone: bool,
) -> Result<Mentions, Refusal> {
    let mut found = world.mentions_in(text);
    found.everyone &= may_mention_everyone;
    let allowed = &body["allowed_mentions"];
    if allowed.is_null() {
        return Ok(found);
    }
    let parse: Vec<&str> = match &allowed["parse"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Vec::new()
        }
    };
    if let Some(at) = parse
        .iter()
        .position(|kind| !matches!(*kind, "users" | "roles" | "everyone"))
    {
        return Err(Refusal::form(
            &format!("allowed_mentions.parse.{at}"),
            "BASE_TYPE_CHOICES",
            "Value must be one of ('users', 'roles', 'everyone').",
        ));
    }
    let listed = ids(&allowed["users"], "allowed_mentions.users")?;
    if parse.contains(&"users") {
        if !listed.is_empty() {
            return Err(Refusal::form(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                "parse:[\"users\"] and users: [ids...] are mutually exclusive.",
            ));
        }
    } else {
        found.users.retain(|user| listed.contains(user));
    }
    found.everyone &= parse.contains(&"everyone");
    Ok(found)
}

fn ids(list: &Value, path: &str) -> Result<BTreeSet<Snowflake>, Refusal> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|item| id(&number_or_text(item), path))
        .collect()
}

/// The attachment objects of uploaded files. A file that `attachments` lists gets its name from
/// there.
pub(super) fn attachments(world: &mut World, channel: Snowflake, files: &[Upload]) -> Vec<Value> {
    files
        .iter()
        .map(|file| world.store_file(channel, &file.name, &file.bytes))
        .collect()
}

impl World {
    /// Keeps a file, and makes its attachment object.
    pub(in crate::discord) fn store_file(
        &mut self,
        channel: Snowflake,
        name: &str,
        bytes: &[u8],
    ) -> Value {
        let id = self.ids.next();
        let path = format!("/attachments/{channel}/{id}/{name}");
        let url = format!("{}{path}", self.origin);
        self.keep_file(path, bytes.to_vec());
        json!({
            "id": id.to_string(),
            "filename": name,
            "size": bytes.len(),
            "url": url,
            "proxy_url": url,
            "content_type": content_type(name),
        })
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("txt" | "md" | "log" | "diff" | "patch") => "text/plain; charset=utf-8",
        Some("json") => "application/json; charset=utf-8",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some(_) | None => "application/octet-stream",
    }
}
