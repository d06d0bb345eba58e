//! Says why a client gets the answer it gets.

/// x
pub struct Explanation;
/// x
pub fn explain() {}
