//! What this process has used so far.

use std::time::Duration;

/// Clock ticks a second of `/proc`; fixed on Linux since 2.6 for every processor we run on.
const TICKS: f64 = 100.0;

/// Returns the processor time of all threads of this process, user and system.
/// `None` where the system does not tell.
pub(crate) fn cpu_time() -> Option<Duration> {
    of_stat(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Returns the largest memory this process had in use, bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1_024)
}

fn of_stat(stat: &str) -> Option<Duration> {
    // The name of the executable stands in parentheses and may hold spaces; fields follow it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = 0.0;
    for _ in 0..2 {
        let field: u32 = fields.next()?.parse().ok()?;
        ticks += f64::from(field);
    }
    Some(Duration::from_secs_f64(ticks / TICKS))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::of_stat;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "7 (a b) R 1 2 3 4 5 6 7 8 9 10 250 50 9 9 20 0 4 0 100";
        assert_eq!(of_stat(stat), Some(Duration::from_secs(3)));
        assert_eq!(of_stat("7 (x)"), None);
    }
}
