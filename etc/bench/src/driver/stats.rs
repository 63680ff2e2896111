//! Medians and their intervals.
//!
//! Must not know: what the numbers are.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2_000;
/// Fewest values that say something.
const VALUES_MIN: usize = 5;

/// A median with its 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// The median.
    pub mid: f64,
    /// Upper end.
    pub high: f64,
    /// How many values.
    pub count: usize,
}

/// The median of `values`; NaN of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[len / 2],
        len => (sorted[len / 2 - 1] + sorted[len / 2]) / 2.0,
    }
}

/// Median and interval of pair ratios; `None` of too few.
pub fn ratio(values: &[f64]) -> Option<Interval> {
    if values.len() < VALUES_MIN {
        return None;
    }
    let mut rng = StdRng::seed_from_u64(1);
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let again: Vec<f64> = values.iter().map(|_| values[rng.random_range(0..values.len())]).collect();
            median(&again)
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    let (low, high) = (medians[RESAMPLES * 25 / 1000], medians[RESAMPLES * 975 / 1000]);
    Some(Interval { low, mid: median(values), high, count: values.len() })
}

/// Whether two times differ by less than `factor`.
pub(super) fn close(a: f64, b: f64, factor: f64) -> bool {
    a.max(b) <= a.min(b) * factor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_equal_values_is_that_value_and_few_values_have_none() {
        assert_eq!(ratio(&[2.0; 4]), None);
        assert_eq!(ratio(&[2.0; 9]), Some(Interval { low: 2.0, mid: 2.0, high: 2.0, count: 9 }));
    }

    #[test]
    fn the_interval_lies_around_the_median_and_narrows_with_more_values() {
        let spread = |count: usize| {
            let values: Vec<f64> = (0..count).map(|i| 1.0 + (i % 10) as f64 / 100.0).collect();
            let Interval { low, mid, high, .. } = ratio(&values).expect("enough values");
            assert!(low <= mid && mid <= high);
            high - low
        };
        assert!(spread(1_000) < spread(20));
    }
}
