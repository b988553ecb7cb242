//! The gateway's decisions, as pure functions and machines.
//!
//! This crate has no runtime, clock, environment, file, process or random source: its manifest
//! shows that it cannot. Time is an argument, ids are derived, and what should happen in the world
//! comes out as values.

pub mod access;
pub mod address;
pub mod agent;
pub mod ask;
pub mod attachment;
pub mod audit;
pub mod board;
pub mod capability;
pub mod catch_up;
pub mod command;
pub mod config;
pub mod control;
pub mod event;
pub mod gateway;
pub mod handoff;
pub mod history;
pub mod id;
pub mod interaction;
pub mod job;
pub mod layout;
pub mod likeness;
pub mod live;
pub mod message;
pub mod native;
pub mod observe;
pub mod out_file;
pub mod persona;
pub mod port;
pub mod post;
pub mod record;
pub mod request;
pub mod route;
pub mod snapshot;
pub mod split;
pub mod title;
pub mod token;
pub mod transcript;
pub mod view;
pub mod wording;
pub mod workspace;
