//! The HTTP interface for people and machines that watch.
