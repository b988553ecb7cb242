//! Loopback servers, fakes, conformance suites and the repository's own rules.
