//! A loopback Discord: REST and gateway, as strict as the real one.
