//! The lanes: sockets that carry bytes to the engine and back.
