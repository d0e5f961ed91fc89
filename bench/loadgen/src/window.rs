//! The measured window of a run: warm up, reset, wait, take the result.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use crate::watch::{Usage, Watched};

/// How long a run lasts and whose processor time it accounts.
#[derive(Args, Debug)]
pub(crate) struct Window {
    /// Seconds that are measured
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub duration: Duration,
    /// Seconds of the same load before the measured ones
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub warmup: Duration,
    /// Processes whose processor time and memory are reported
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    pub watch: Vec<u32>,
}

/// What all connections of a run count into, emptied when the window opens.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

/// The result of a window.
#[derive(Debug)]
pub(crate) struct Measured<T> {
    pub counted: T,
    pub seconds: f64,
    pub watched: Option<Watched>,
}

impl Window {
    /// Usage of the watched processes before the run touches them.
    pub(crate) fn usage_before(&self) -> io::Result<Usage> {
        Usage::of(&self.watch)
    }

    /// Lets the load that already runs go on for warm-up and window, and takes what was counted
    /// inside the window.
    pub(crate) async fn measure<T: Default>(
        &self,
        shared: &Shared<T>,
        before: Usage,
    ) -> io::Result<Measured<T>> {
        tokio::time::sleep(self.warmup).await;
        let opened = Usage::of(&self.watch)?;
        let start = Instant::now();
        shared.take();
        tokio::time::sleep(self.duration).await;
        let counted = shared.take();
        let seconds = start.elapsed().as_secs_f64();
        let closed = Usage::of(&self.watch)?;
        let watched = (!self.watch.is_empty()).then(|| Watched {
            cpu_ns: closed.cpu_ns.saturating_sub(opened.cpu_ns),
            resident_bytes_before: before.resident_bytes,
            resident_bytes: closed.resident_bytes,
        });
        Ok(Measured { counted, seconds, watched })
    }
}

impl<T> Shared<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Shared<T> {
    fn take(&self) -> T {
        mem::take(&mut *self.lock())
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|_| format!("{text} seconds is out of range"))
}
