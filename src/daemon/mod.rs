//! Wires everything together and drives it with the real clock.
