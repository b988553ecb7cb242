//! What a test does to the server itself: faults, the gateway's moods, permissions.

use serde_json::json;

use super::Discord;
use super::content::FileFault;
use super::fault::Fault;
use super::gateway::{Event, Frame, GatewayFault};
use super::permission::Permission;
use super::snowflake::Snowflake;

impl Discord {
    /// Lets the next `times` requests that fit fail. `method` may be `*`; in `path`, which begins
    /// behind the API's version, `*` stands for one segment and a final `**` for any rest.
    ///
    /// Faults that fit the same request happen in the order in which they were planned.
    pub fn fault(&self, method: &str, path: &str, fault: Fault, times: u32) {
        self.shared
            .update(|world| world.faults.plan(method, path, fault, times));
    }

    /// Lets the next file that is asked for go wrong that nothing is planned for yet.
    pub fn file_fault(&self, fault: FileFault) {
        self.shared
            .update(|world| world.file_faults.push_back(fault));
    }

    /// Lets the next `times` uses of the gateway fail.
    pub fn gateway_fault(&self, fault: GatewayFault, times: u32) {
        self.shared
            .update(|world| world.hub.plan_fault(fault, times));
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.shared.update(|world| {
            world.faults.clear();
            world.file_faults.clear();
            world.hub.clear_faults();
        });
    }

    /// Lets go what [`Fault::Hold`], [`Fault::HoldAnswer`], [`Fault::HoldInBody`] and
    /// [`FileFault::Hold`] hold back now.
    pub fn release(&self) {
        self.shared.update(|world| world.released += 1);
    }

    /// Forgets every nonce, as if minutes had passed.
    pub fn forget_nonces(&self) {
        self.shared.update(|world| world.nonces.clear());
    }

    /// Lets the tokens of all interactions so far expire, as if a quarter of an hour had passed.
    pub fn expire_interactions(&self) {
        self.shared.update(|world| {
            for interaction in world.interactions.values_mut() {
                interaction.expired = true;
            }
        });
    }

    /// Takes a permission from the bot in a channel and its threads.
    pub fn deny_permission(&self, channel: Snowflake, permission: Permission) {
        self.set_denied(channel, |denied| denied | permission.bit());
    }

    /// Gives a permission back.
    pub fn allow_permission(&self, channel: Snowflake, permission: Permission) {
        self.set_denied(channel, |denied| denied & !permission.bit());
    }

    fn set_denied(&self, channel: Snowflake, change: impl FnOnce(u64) -> u64) {
        self.shared.update(|world| {
            if let Some(found) = world.channels.get_mut(&channel) {
                found.denied = change(found.denied);
            }
            world.tell_channel("THREAD_UPDATE", "CHANNEL_UPDATE", channel);
        });
    }

    /// Breaks every gateway connection off without a word. Sessions stay and can be resumed.
    pub fn disconnect(&self) {
        self.shared.update(|world| world.hub.send_all(&Frame::Drop));
    }

    /// Closes every gateway connection with a code. Sessions stay and can be resumed.
    pub fn close_gateway(&self, code: u16) {
        self.shared
            .update(|world| world.hub.send_all(&Frame::Close(code, "Closed on demand.")));
    }

    /// Ends all sessions: who is connected is told, and nobody can resume.
    pub fn invalidate_sessions(&self) {
        self.shared.update(|world| world.hub.invalidate());
    }

    /// Asks every client to connect anew (opcode 7).
    pub fn request_reconnect(&self) {
        self.shared.update(|world| world.hub.request_reconnect());
    }

    /// Sends the last dispatch of every session once more, under a new sequence.
    pub fn duplicate_dispatch(&self) {
        self.shared.update(|world| world.hub.repeat_last());
    }

    /// Sends the next dispatch behind the one after it, as a gateway does that reads from several
    /// queues.
    pub fn swap_dispatches(&self) {
        self.shared.update(|world| world.hub.swap_next());
    }

    /// Announces a message once more, under a new sequence.
    pub fn replay(&self, message: Snowflake) {
        self.shared.update(|world| {
            if let Some(channel) = world.message(message).map(|found| found.channel) {
                world.tell_message("MESSAGE_CREATE", channel, message);
            }
        });
    }

    /// Sends a dispatch that no client can decode: a message without most of its fields.
    pub fn send_undecodable(&self) {
        self.shared.update(|world| {
            let data = json!({"id": "not a snowflake"});
            world.hub.dispatch(&Event::new("MESSAGE_CREATE", 0, data));
        });
    }
}
