//! The gateway as a whole: scenarios as transcripts, and what must always hold.

mod access;
mod action;
mod agents;
mod asks;
mod boards;
mod calls;
mod catching_up;
mod choices;
mod ends;
mod handed;
mod interactions;
mod kept;
mod lifting;
mod live;
mod owed;
mod parked;
mod prompts;
mod properties;
mod retention;
mod scenarios;
mod scene;
mod sharing;
mod steering;
mod strays;
mod work;
mod world;
