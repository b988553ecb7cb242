//! The loopback Discord, driven by twilight: what works here works with a real client.

#[path = "discord/bot.rs"]
mod bot;
#[path = "discord/directs.rs"]
mod directs;
#[path = "discord/faults.rs"]
mod faults;
#[path = "discord/gateway.rs"]
mod gateway;
#[path = "discord/interactions.rs"]
mod interactions;
#[path = "discord/messages.rs"]
mod messages;
#[path = "discord/refusals.rs"]
mod refusals;
#[path = "discord/threads.rs"]
mod threads;
