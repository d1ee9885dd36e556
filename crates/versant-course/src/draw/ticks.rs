//! Where an axis has its marks, and what stands beside them.

/// Round numbers from `low` to `high`, at most `most` (and at least 2 where `most` allows), as multiples of
/// 1, 2, 2.5 or 5 times a power of ten. With `whole`, only whole numbers.
///
/// ```
/// use versant_course::draw::linear_ticks;
/// assert_eq!(linear_ticks(0.0, 12.0, 7, true), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
/// ```
pub fn linear_ticks(low: f64, high: f64, most: usize, whole: bool) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) || most == 0 {
        return Vec::new();
    }
    let mut power = (span / most as f64).log10().floor();
    loop {
        for mantissa in [1.0, 2.0, 2.5, 5.0] {
            let step = mantissa * 10f64.powf(power);
            if whole && step.fract() != 0.0 {
                continue;
            }
            // A mark at the very end counts in spite of rounding.
            let first = (low / step - 1e-9).ceil();
            let last = (high / step + 1e-9).floor();
            if last - first < most as f64 {
                // Adding 0 turns a negative zero into zero.
                return (0..=(last - first) as usize).map(|i| (first + i as f64) * step + 0.0).collect();
            }
        }
        power += 1.0;
    }
}

/// Marks of a logarithmic axis from `low` to `high` (both positive): powers of ten, every so many that at
/// most `most` remain; where fewer than three powers fall inside, also their 2- and 5-folds; in a range
/// narrower than those, linear marks.
pub fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if !(low > 0.0 && high > low && high.is_finite()) || most == 0 {
        return Vec::new();
    }
    let inside = |v: &f64| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9);
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let powers: Vec<i32> = (first..=last).filter(|&p| inside(&10f64.powi(p))).collect();
    if powers.len() >= 3 {
        let every = powers.len().div_ceil(most) as i32;
        return powers.into_iter().filter(|p| p.rem_euclid(every) == 0).map(|p| 10f64.powi(p)).collect();
    }
    let folds = |p: i32| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p));
    let fine: Vec<f64> = (first..=last).flat_map(folds).filter(inside).collect();
    if fine.len() >= 2 && fine.len() <= most { fine } else { linear_ticks(low, high, most, false) }
}

/// What stands beside the marks of one axis: all with as many decimals as the finest needs; very large and
/// very small numbers as powers of ten.
pub fn tick_labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0f64, |m, t| m.max(t.abs()));
    let smallest = ticks.iter().filter(|t| **t != 0.0).fold(f64::INFINITY, |m, t| m.min(t.abs()));
    // Evenly spaced marks share their number of decimals; marks of a logarithmic axis each have their own.
    let even = ticks.len() < 3 || {
        let step = ticks[1] - ticks[0];
        ticks.windows(2).all(|w| ((w[1] - w[0]) / step - 1.0).abs() < 1e-6)
    };
    if !(1e-3..1e5).contains(&largest) || (!even && smallest < 1e-3) {
        return ticks.iter().map(|&t| scientific(t)).collect();
    }
    let shared = ticks.iter().map(|&t| decimals(t, largest)).max().unwrap_or(0);
    let label = |&t: &f64| {
        let places = if even { shared } else { decimals(t, t) };
        format!("{t:.places$}").replace('-', "−")
    };
    ticks.iter().map(label).collect()
}

/// The fewest decimals that write `value` to a billionth of `scale`.
fn decimals(value: f64, scale: f64) -> usize {
    (0..12)
        .find(|&places| {
            let unit = 10f64.powi(places as i32);
            ((value * unit).round() / unit - value).abs() <= scale.abs() * 1e-9
        })
        .unwrap_or(12)
}

/// `2.5·10⁻⁴`; a bare power of ten without its factor.
fn scientific(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.9e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    let raised: String = exponent
        .chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
            None => '⁻',
        })
        .collect();
    match mantissa.as_str() {
        "1" => format!("10{raised}"),
        "−1" => format!("−10{raised}"),
        _ => format!("{mantissa}·10{raised}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use versant::rng::Rng;

    #[test]
    fn linear_ticks_are_few_even_round_and_inside() {
        let mut rng = Rng::new(5);
        for _ in 0..5000 {
            let low = rng.normal() * 10f64.powf(rng.uniform_in(-6.0, 6.0));
            let high = low + low.abs().max(1e-9) * 10f64.powf(rng.uniform_in(-4.0, 4.0));
            let most = 2 + rng.below(12) as usize;
            let ticks = linear_ticks(low, high, most, false);
            assert!(!ticks.is_empty() && ticks.len() <= most, "{low} {high} {most}: {ticks:?}");
            assert!(most < 4 || ticks.len() >= 2, "{low} {high} {most}: {ticks:?}");
            let slack = (high - low) * 1e-6;
            assert!(ticks.iter().all(|t| *t >= low - slack && *t <= high + slack), "{low} {high}: {ticks:?}");
            let labels = tick_labels(&ticks);
            assert!(labels.windows(2).all(|w| w[0] != w[1]), "{low} {high}: {labels:?}");
        }
    }

    #[test]
    fn whole_ticks_are_whole() {
        assert_eq!(linear_ticks(1.0, 3.0, 8, true), [1.0, 2.0, 3.0]);
        assert_eq!(linear_ticks(0.5, 1.5, 8, true), [1.0]);
        assert_eq!(linear_ticks(1.0, 100.0, 6, true), [20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn log_ticks_cover_wide_and_narrow_ranges() {
        assert_eq!(log_ticks(1e-4, 1e3, 8), [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(log_ticks(1e-12, 1e12, 5).len(), 5);
        assert_eq!(log_ticks(0.05, 2.5, 8), [0.05, 0.1, 0.2, 0.5, 1.0, 2.0]);
        assert_eq!(log_ticks(3.0, 4.0, 5), [3.0, 3.25, 3.5, 3.75, 4.0]);
    }

    #[test]
    fn impossible_ranges_have_no_ticks() {
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(linear_ticks(low, high, 5, false).is_empty());
            assert!(log_ticks(low, high, 5).is_empty());
        }
    }

    #[test]
    fn labels_share_decimals_and_avoid_long_zeros() {
        assert_eq!(tick_labels(&[0.0, 0.25, 0.5]), ["0.00", "0.25", "0.50"]);
        assert_eq!(tick_labels(&[-5.0, 0.0, 5.0]), ["−5", "0", "5"]);
        assert_eq!(tick_labels(&[0.05, 0.1, 1.0, 10.0]), ["0.05", "0.1", "1", "10"]);
        assert_eq!(tick_labels(&[1e-4, 1e-2, 1.0, 1e2]), ["10⁻⁴", "10⁻²", "10⁰", "10²"]);
        assert_eq!(tick_labels(&[0.0, 2.5e-5, 5e-5]), ["0", "2.5·10⁻⁵", "5·10⁻⁵"]);
    }
}
