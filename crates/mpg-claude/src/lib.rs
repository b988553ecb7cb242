//! The agent runtime over the claude command line.
