//! Everything random of a run is drawn here, from its seed: equal seeds draw alike.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Draws from a seed.
#[derive(Debug)]
pub struct Draw(fastrand::Rng);

impl Draw {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns whether something happens that does in this percentage of all cases.
    pub fn is(&mut self, percent: u32) -> bool {
        self.0.u32(0..100) < percent
    }

    /// Returns a number within bounds, each as likely as the others.
    pub fn number(&mut self, bounds: RangeInclusive<u64>) -> u64 {
        self.0.u64(bounds)
    }

    /// Returns one of several, each as likely as the others.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.0.usize(0..of.len())]
    }

    /// Returns some of several in their order, at least one if there are any.
    pub fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut some: Vec<T> = of.iter().filter(|_| self.is(50)).cloned().collect();
        if some.is_empty() && !of.is_empty() {
            some.push(self.one(of).clone());
        }
        some
    }

    /// Returns them in another order.
    pub fn shuffled<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut shuffled = of.to_vec();
        self.0.shuffle(&mut shuffled);
        shuffled
    }

    /// Returns a time within bounds in whole milliseconds, short ones more often: each factor of two is as likely as the
    /// others.
    pub fn time(&mut self, bounds: RangeInclusive<Duration>) -> Duration {
        let [least, most] = [bounds.start(), bounds.end()].map(|time| time.as_secs_f64().max(0.001).ln());
        let seconds = (least + (most - least) * self.0.f64()).exp();
        Duration::from_millis((seconds * 1000.0) as u64)
    }
}
