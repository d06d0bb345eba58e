//! Bytes in, bytes out: the one piece of code that answers.
