//! What every `Store` must do.
