//! The Discord adapter over twilight.
