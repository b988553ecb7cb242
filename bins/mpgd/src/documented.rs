//! What the documents say of the program, compared with the program.

mod commands;
mod environment;
mod files;
mod flags;
mod reference;
mod words;
