//! When a connection sends its next request, and from when that request's latency counts.

use std::time::{Duration, Instant};

/// One connection's schedule.
#[derive(Debug)]
pub(crate) enum Pace {
    /// Closed loop: the next request is due as soon as the answer is there.
    AsAnswered,
    /// Open loop: requests are due at fixed times, whatever the answers do.
    Fixed { next: Instant, interval: Duration },
}

impl Pace {
    /// The schedule of connection `index` of `connections`, which together send `rate` requests a
    /// second, evenly spaced; closed loop when there is no rate.
    pub(crate) fn of_connection(index: usize, connections: usize, rate: Option<f64>) -> Self {
        let Some(rate) = rate else { return Self::AsAnswered };
        let spacing = Duration::from_secs_f64(1.0 / rate);
        let in_units = |count: usize| spacing.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        Self::Fixed { next: Instant::now() + in_units(index), interval: in_units(connections) }
    }

    /// Waits until the next request is due and returns the moment its latency counts from.
    ///
    /// A request that could not be sent in time because the answer before it was late counts from
    /// when it was due, so a stall of the measured server shows in every request it delayed (no
    /// coordinated omission). A request that waited for its time counts from the wake-up: the
    /// timer's millisecond is ours, not the server's.
    pub(crate) async fn due(&mut self) -> Instant {
        let now = Instant::now();
        let Self::Fixed { next, interval } = self else { return now };
        let due = *next;
        *next += *interval;
        if due <= now {
            return due;
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_late_connection_counts_from_when_the_request_was_due() {
        let start = Instant::now().checked_sub(Duration::from_millis(250)).unwrap();
        let mut pace = Pace::Fixed { next: start, interval: Duration::from_millis(100) };
        for request in 0..3 {
            assert_eq!(pace.due().await, start + request * Duration::from_millis(100));
        }
        assert!(pace.due().await >= start + Duration::from_millis(300), "the fourth is not late");
    }

    #[test]
    fn connections_share_the_rate_evenly_spaced() {
        let schedules: Vec<_> = (0..4).map(|index| Pace::of_connection(index, 4, Some(100.0))).collect();
        for (index, pace) in schedules.iter().enumerate() {
            let Pace::Fixed { next, interval } = pace else { panic!("no fixed pace") };
            assert_eq!(*interval, Duration::from_millis(40));
            let Pace::Fixed { next: first, .. } = &schedules[0] else { panic!("no fixed pace") };
            assert!(*next >= *first + Duration::from_millis(10) * u32::try_from(index).unwrap());
        }
    }
}
