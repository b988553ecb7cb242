//! What every `Inbox` and `Outbox` must do.
