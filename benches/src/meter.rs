//! Wall and processor time of one measurement.

use std::time::{Duration, Instant};

/// A running measurement.
#[derive(Debug)]
pub(crate) struct Meter {
    started: Instant,
    processor: Duration,
}

impl Meter {
    /// Starts measuring.
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            processor: processor_time(),
        }
    }

    /// Returns wall and processor time since the start.
    pub(crate) fn elapsed(&self) -> (Duration, Duration) {
        let processor = processor_time().saturating_sub(self.processor);
        (self.started.elapsed(), processor)
    }

    /// Prints how fast `count` things of this name went.
    pub(crate) fn report(&self, name: &str, count: usize) -> f64 {
        let (wall, processor) = self.elapsed();
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let rate = f64::from(count) / wall.as_secs_f64();
        let each = processor.as_secs_f64() * 1e6 / f64::from(count.max(1));
        eprintln!(
            "{name:<28} {count:>9} in {:>6.2} s  {rate:>9.0}/s  {each:>7.2} CPU-µs each",
            wall.as_secs_f64()
        );
        rate
    }
}

/// Returns the processor time of this process, in hundredths of a second, where the system says so.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after_name.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
