//! A loopback stand-in for the Messages API that the `claude` command line talks to.
