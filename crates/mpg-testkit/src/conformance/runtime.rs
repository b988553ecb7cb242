//! What every `AgentRuntime` must do.
