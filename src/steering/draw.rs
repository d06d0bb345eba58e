//! Draws one of several places for a client, so that few clients move when there are others.
//!
//! By keyed hashes of its prefix, the last of several places takes of all clients what is due to it, the one before it of the
//! others what is due to it among those that are left, and so on. So a place that is added at the end takes the same
//! share from every other one, and no other client moves (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash
//! Algorithm", 2014).

use super::share_test::ShareTest;
use crate::share::{Key, Share};

/// Draws one of several places for a client, each as likely as its weight says.
///
/// # Errors
///
/// The first test that `is_in_share` does not answer.
///
/// # Panics
///
/// When there are no places.
pub(super) fn draw<'a, T>(
    places: &[&'a T],
    weight: impl Fn(&T) -> u64,
    key: impl Fn(&T) -> Key,
    is_in_share: &impl Fn(ShareTest) -> Option<bool>,
) -> Result<&'a T, ShareTest> {
    let mut left: u64 = places.iter().map(|place| weight(place)).sum();
    for place in places.iter().skip(1).rev() {
        let share = Share::of_fraction(weight(place) as f64 / left.max(1) as f64);
        let test = ShareTest { key: key(place), share };
        if share == Share::ALL || share > Share::NONE && is_in_share(test).ok_or(test)? {
            return Ok(place);
        }
        left -= weight(place);
    }
    Ok(places[0])
}
