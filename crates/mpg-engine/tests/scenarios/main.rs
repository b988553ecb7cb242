//! The engine with a platform in memory and scripted agents: what people see.

mod agents;
mod answering;
mod boards;
mod control;
mod crowd;
mod embedding;
mod ending;
mod exchange;
mod files;
mod live;
mod lost_store;
mod missed;
mod panics;
mod parting;
mod reconciling;
mod saying;
mod showing;
mod stage;
mod steering;
mod survivors;
mod trouble;
mod waiting;
mod workspaces;
