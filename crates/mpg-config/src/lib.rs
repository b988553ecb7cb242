//! The configuration file: schema, diagnostics, lowering to core types.
