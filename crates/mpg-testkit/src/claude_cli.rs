//! The pinned `claude` command line, installed for tests.
