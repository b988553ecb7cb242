//! The gateway's opcodes, and what the server does with those of a client.

use serde_json::{Value, json};

use super::hub::{Frame, GatewayFault};
use super::intent;
use crate::discord::object;
use crate::discord::world::World;

const HEARTBEAT: u64 = 1;
const IDENTIFY: u64 = 2;
const PRESENCE_UPDATE: u64 = 3;
const VOICE_STATE_UPDATE: u64 = 4;
const RESUME: u64 = 6;
pub(super) const RECONNECT: u64 = 7;
const REQUEST_GUILD_MEMBERS: u64 = 8;
const INVALID_SESSION: u64 = 9;
pub(super) const HELLO: u64 = 10;
const HEARTBEAT_ACK: u64 = 11;

/// A frame that is no dispatch.
pub(super) fn control(op: u64, data: impl Into<Value>) -> Frame {
    Frame::Text(json!({"op": op, "t": null, "s": null, "d": data.into()}).to_string())
}

/// The frame that ends a session.
pub(super) fn invalid_session() -> Frame {
    control(INVALID_SESSION, false)
}

impl World {
    /// Does what a client's frame asks for.
    pub(super) fn receive(&mut self, connection: u64, text: &str) {
        let frame: Value = match serde_json::from_str(text) {
            Ok(frame) => frame,
            Err(_) => {
                return self
                    .hub
                    .close(connection, 4002, "Error while decoding payload.");
            }
        };
        let Some(op) = frame["op"].as_u64() else {
            return self
                .hub
                .close(connection, 4002, "Error while decoding payload.");
        };
        let known = self.hub.has_session(connection);
        match op {
            HEARTBEAT => {
                if self.hub.take_fault(GatewayFault::WithholdAck).is_none() {
                    self.hub
                        .send(connection, control(HEARTBEAT_ACK, Value::Null));
                }
            }
            IDENTIFY | RESUME if known => {
                self.hub.close(connection, 4005, "Already authenticated.");
            }
            IDENTIFY => self.identify(connection, &frame["d"]),
            RESUME => self.resume(connection, &frame["d"]),
            PRESENCE_UPDATE | VOICE_STATE_UPDATE | REQUEST_GUILD_MEMBERS if known => {}
            PRESENCE_UPDATE | VOICE_STATE_UPDATE | REQUEST_GUILD_MEMBERS => {
                self.hub.close(connection, 4003, "Not authenticated.");
            }
            _ => self.hub.close(connection, 4001, "Unknown opcode."),
        }
    }

    fn is_token(&self, data: &Value) -> bool {
        let token = data["token"].as_str().unwrap_or_default();
        token.strip_prefix("Bot ").unwrap_or(token) == self.settings.token
    }

    fn identify(&mut self, connection: u64, data: &Value) {
        if self.hub.take_fault(GatewayFault::IgnoreIdentify).is_some() {
            return;
        }
        if let Some(code) = self.hub.take_close_identify() {
            return self.hub.close(connection, code, "Closed on demand.");
        }
        if !self.is_token(data) {
            return self.hub.close(connection, 4004, "Authentication failed.");
        }
        let only = json!([0, 1]);
        let shard = data.get("shard").unwrap_or(&only);
        if *shard != only {
            return self.hub.close(connection, 4010, "Invalid shard.");
        }
        let intents = match data["intents"].as_u64() {
            Some(intents) if intents & !intent::KNOWN == 0 => intents,
            Some(_) | None => return self.hub.close(connection, 4013, "Invalid intent(s)."),
        };
        if intents & self.settings.intents_off != 0 {
            return self.hub.close(connection, 4014, "Disallowed intent(s).");
        }
        let session = self.hub.begin(connection, intents);
        let guilds: Vec<Value> = self
            .guilds
            .keys()
            .map(|id| json!({"id": id.to_string(), "unavailable": true}))
            .collect();
        let ready = json!({
            "v": 10,
            "user": object::current_user(self),
            "user_settings": {},
            "session_type": "normal",
            "session_id": session,
            "resume_gateway_url": self.origin.replacen("http", "ws", 1),
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guilds": guilds,
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "auth": {},
            "shard": shard,
            "application": {
                "id": self.bot.to_string(),
                "flags": self.settings.application_flags(),
            },
            "_trace": [],
        });
        self.hub.push(&session, "READY", &ready);
        if intents & intent::GUILDS != 0 {
            let guilds: Vec<Value> = self
                .guilds
                .keys()
                .filter_map(|id| object::guild_create(self, *id))
                .collect();
            for guild in guilds {
                self.hub.push(&session, "GUILD_CREATE", &guild);
            }
        }
    }

    fn resume(&mut self, connection: u64, data: &Value) {
        self.hub.resume_attempts += 1;
        if self.hub.take_fault(GatewayFault::IgnoreResume).is_some() {
            return;
        }
        if let Some(code) = self.hub.take_close_resume() {
            return self.hub.close(connection, code, "Closed on demand.");
        }
        if !self.is_token(data) {
            return self.hub.close(connection, 4004, "Authentication failed.");
        }
        let session = data["session_id"].as_str().unwrap_or_default();
        let sequence = data["seq"].as_u64().unwrap_or(0);
        self.hub.resume(connection, session, sequence);
    }
}
