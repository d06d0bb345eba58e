//! Runs canaries against addresses.
