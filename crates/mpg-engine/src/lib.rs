//! The event loop that commits the core's records and carries out its effects.
