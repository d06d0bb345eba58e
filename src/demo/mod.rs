//! A whole world on loopback, in one process.
