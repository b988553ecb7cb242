//! A test to copy: the routes of your own configuration, as a snapshot.
//!
//! There is nothing here but `tests/routes.rs` and the `mpg.toml` that it reads. Copy both, put
//! your own file in the place of this one, and list the messages that matter to you. The snapshot
//! beside the test then says what becomes of each; a change of the file that changes an answer
//! fails the test, and the reviewer sees both.
//!
//! `INSTA_UPDATE=always cargo test -p routes` writes the snapshot anew.
