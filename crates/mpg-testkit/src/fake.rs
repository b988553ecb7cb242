//! Scripted stand-ins for the seams.
