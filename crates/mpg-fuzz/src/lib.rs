//! What must hold for any bytes that come from outside.
//!
//! Each function here takes bytes, gives them to what reads such bytes in the daemon, and panics
//! where something that was promised does not hold. A fuzzer calls them with bytes of its own
//! (`fuzz/`), the test of this crate with those in `corpus/`, which a fuzzer kept because each of them
//! takes another way through the code.

mod config;
mod frames;
mod http;
mod message;
mod split;
mod stream;

pub use config::config;
pub use frames::frames;
pub use http::http;
pub use message::message;
pub use split::split;
pub use stream::stream;

/// What bytes are given to.
pub type Target = fn(&[u8]);

/// All targets, by the names of their binaries and of the folders of their corpora.
pub const TARGETS: [(&str, Target); 6] = [
    ("config", config),
    ("frames", frames),
    ("http", http),
    ("message", message),
    ("split", split),
    ("stream", stream),
];

/// What bytes say as text.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
