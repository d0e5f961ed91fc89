//! Coarse deadlines: one per connection, checked by one ticker per worker, ten times a second unless the worker rests
//! (`ticker.rs`).
//!
//! Setting a deadline is a store into an array: no timer is started, moved or cancelled and no clock is read for it. What
//! is due is found by walking the array, which for 10,000 connections is 40 KB of memory. A deadline fires up to two ticks
//! late and never early.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// All deadlines of a worker, and its coarse clock.
#[derive(Debug)]
pub(crate) struct Deadlines {
    started: Instant,
    /// Ticks since the start, as of the last tick.
    now: Cell<Tick>,
    /// Nothing has any time left.
    is_over: Cell<bool>,
    slots: RefCell<Slots>,
}

/// A point in coarse time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u32);

/// Which deadline of the worker it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(usize);

/// One connection's deadline. Unset at first.
#[derive(Debug)]
pub(crate) struct Deadline {
    owner: Rc<Deadlines>,
    slot: usize,
}

#[derive(Debug, Default)]
struct Slots {
    /// When each deadline is due; [`NEVER`] when it is not set, [`OVER`] when it has run out for good.
    due: Vec<Tick>,
    /// Who is told. A connection's task keeps its waker for life, so it is stored once.
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Deadlines {
    /// No deadlines; time begins now.
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Deadlines {
            started: Instant::now(),
            now: Cell::new(Tick(0)),
            is_over: Cell::new(false),
            slots: RefCell::default(),
        })
    }

    /// The time `duration` from now, as far as coarse time can tell; never earlier.
    pub(crate) fn after(&self, duration: Duration) -> Tick {
        // In 64 bits: a division of the 128 that `as_millis` returns costs more than everything else here.
        let whole = duration.as_secs().saturating_mul(TICKS_PER_SECOND);
        let rest = u64::from(duration.subsec_nanos()).div_ceil(u64::from(TICK.subsec_nanos()));
        // One tick more, because the current one has already begun.
        let ticks = whole.saturating_add(rest + 1);
        Tick(u32::try_from(ticks).map_or(NEVER.0, |ticks| self.now.get().0.saturating_add(ticks)))
    }

    /// The time of the last tick on the system's monotonic clock.
    pub(crate) fn instant(&self) -> Instant {
        self.started + TICK * self.now.get().0
    }

    /// Moves the clock alone: nothing can be due yet.
    pub(crate) fn advance(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.started).as_millis() / TICK.as_millis();
        self.now.set(Tick(u32::try_from(elapsed).unwrap_or(NEVER.0 - 1)));
    }

    /// Moves the clock and wakes everyone whose deadline is due.
    pub(crate) fn tick(&self, now: Instant) {
        self.advance(now);
        let (now, slots) = (self.now.get(), self.slots.borrow());
        // Hardly ever is anything due; that is found out without a branch for each of them.
        if slots.earliest() > now {
            return;
        }
        for (due, waker) in slots.due.iter().zip(&slots.wakers) {
            if *due <= now
                && let Some(waker) = waker
            {
                waker.wake_by_ref();
            }
        }
    }

    /// Whether nothing is due before the time `duration` from now.
    pub(crate) fn is_calm_for(&self, duration: Duration) -> bool {
        self.slots.borrow().earliest() > self.after(duration)
    }

    /// Wakes everyone, due or not: the worker's state has changed.
    pub(crate) fn wake_all(&self) {
        for waker in self.slots.borrow().wakers.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// From now on everything is due, whatever its deadline: the worker ends.
    pub(crate) fn end(&self) {
        self.is_over.set(true);
        self.wake_all();
    }

    /// From now on this one is due, whatever it is set to, until it is restored.
    pub(crate) fn run_out(&self, Slot(slot): Slot) {
        let slots = &mut *self.slots.borrow_mut();
        if let (Some(due), Some(Some(waker))) = (slots.due.get_mut(slot), slots.wakers.get(slot)) {
            *due = OVER;
            waker.wake_by_ref();
        }
    }

    /// Whether it is.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Another deadline, of which nobody is told yet.
    pub(crate) fn register(self: &Rc<Self>) -> Deadline {
        let slots = &mut *self.slots.borrow_mut();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.due.push(NEVER);
            slots.wakers.push(None);
            slots.due.len() - 1
        });
        Deadline { owner: Rc::clone(self), slot }
    }

    fn set(&self, slot: usize, due: Tick) {
        if let Some(place) = self.slots.borrow_mut().due.get_mut(slot)
            && *place != OVER
        {
            *place = due;
        }
    }
}

impl Slots {
    fn earliest(&self) -> Tick {
        self.due.iter().copied().fold(NEVER, Tick::min)
    }
}

impl Deadline {
    /// Wakes the task that this waker wakes when it is due.
    pub(crate) fn wakes(&self, waker: Waker) {
        if let Some(place) = self.owner.slots.borrow_mut().wakers.get_mut(self.slot) {
            *place = Some(waker);
        }
    }

    /// Due `duration` from now; never, without one.
    pub(crate) fn set_after(&self, duration: Option<Duration>) {
        self.set(duration.map(|duration| self.owner.after(duration)));
    }

    /// Due at that time; never, without one.
    pub(crate) fn set(&self, due: Option<Tick>) {
        self.owner.set(self.slot, due.unwrap_or(NEVER));
    }

    /// The time `duration` from now.
    pub(crate) fn after(&self, duration: Duration) -> Tick {
        self.owner.after(duration)
    }

    /// The time of the last tick.
    pub(crate) fn now(&self) -> Tick {
        self.owner.now.get()
    }

    /// Which one it is.
    pub(crate) fn slot(&self) -> Slot {
        Slot(self.slot)
    }

    /// Unset, and can be set again although it had run out.
    pub(crate) fn restore(&self) {
        if let Some(due) = self.owner.slots.borrow_mut().due.get_mut(self.slot) {
            *due = NEVER;
        }
    }

    /// Whether it is due whatever it is set to: it has run out, or the worker ends.
    pub(crate) fn is_over(&self) -> bool {
        self.owner.is_over() || self.owner.slots.borrow().due.get(self.slot) == Some(&OVER)
    }

    /// Whether it is due.
    pub(crate) fn is_due(&self) -> bool {
        let is_due = |due: &Tick| *due <= self.owner.now.get() || self.owner.is_over();
        self.owner.slots.borrow().due.get(self.slot).is_some_and(is_due)
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let slots = &mut *self.owner.slots.borrow_mut();
        if let (Some(due), Some(waker)) = (slots.due.get_mut(self.slot), slots.wakers.get_mut(self.slot)) {
            *due = NEVER;
            *waker = None;
            slots.free.push(self.slot);
        }
    }
}

/// 100 ms: a tenth of the smallest timeout anyone can configure.
pub(crate) const TICK: Duration = Duration::from_millis(100);
const TICKS_PER_SECOND: u64 = 10;
const NEVER: Tick = Tick(u32::MAX);
/// Before anything that could be set: what is to come is at the next tick at the earliest.
const OVER: Tick = Tick(0);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn deadline(deadlines: &Rc<Deadlines>) -> (Deadline, Arc<Woken>) {
        let woken = Arc::new(Woken::default());
        let deadline = deadlines.register();
        deadline.wakes(Arc::clone(&woken).into());
        (deadline, woken)
    }

    fn advance(deadlines: &Deadlines, milliseconds: u64) {
        deadlines.tick(deadlines.started + Duration::from_millis(milliseconds));
    }

    #[test]
    fn a_deadline_fires_late_by_two_ticks_at_most_and_never_early() {
        let deadlines = Deadlines::new();
        let (deadline, woken) = deadline(&deadlines);
        deadline.set_after(Some(Duration::from_secs(2)));
        advance(&deadlines, 2000);
        assert!(!deadline.is_due());
        advance(&deadlines, 2199);
        assert!(deadline.is_due());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_deadline_that_moved_on_or_was_dropped_wakes_nobody() {
        let deadlines = Deadlines::new();
        let (moved, woken) = deadline(&deadlines);
        let (dropped, dropped_woken) = deadline(&deadlines);
        for each in [&moved, &dropped] {
            each.set_after(Some(Duration::from_secs(1)));
        }
        drop(dropped);
        moved.set(None);
        advance(&deadlines, 5000);
        assert_eq!(woken.0.load(Ordering::Relaxed) + dropped_woken.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn at_the_end_everything_is_due() {
        let deadlines = Deadlines::new();
        let (deadline, woken) = deadline(&deadlines);
        deadlines.end();
        deadline.set_after(Some(Duration::from_secs(60)));
        assert!(deadline.is_due());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn one_that_has_run_out_is_due_until_it_is_restored() {
        let deadlines = Deadlines::new();
        let ((ended, woken), (other, _)) = (deadline(&deadlines), deadline(&deadlines));
        deadlines.run_out(ended.slot());
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        ended.set_after(Some(Duration::from_secs(60)));
        assert!(ended.is_due() && ended.is_over() && !other.is_due() && !other.is_over());
        ended.restore();
        assert!(!ended.is_due() && !ended.is_over());
        ended.set_after(Some(Duration::from_secs(1)));
        advance(&deadlines, 2000);
        assert!(ended.is_due() && !ended.is_over());
    }

    #[test]
    fn a_slot_is_used_again() {
        let deadlines = Deadlines::new();
        drop(deadline(&deadlines));
        let (again, _) = deadline(&deadlines);
        assert_eq!(again.slot, 0);
        assert!(!again.is_due());
    }

    #[test]
    fn it_is_calm_until_the_first_deadline_is_near() {
        let deadlines = Deadlines::new();
        let calm = |milliseconds| deadlines.is_calm_for(Duration::from_millis(milliseconds));
        assert!(calm(60_000), "nobody waits for anything");
        let ((near, _), (far, _)) = (deadline(&deadlines), deadline(&deadlines));
        near.set_after(Some(Duration::from_secs(1)));
        far.set_after(Some(Duration::from_secs(15)));
        assert!(calm(500) && !calm(1000));
        advance(&deadlines, 600);
        assert!(!calm(500));
        drop(near);
        assert!(calm(500) && !calm(15_000));
    }

    #[test]
    fn a_very_long_time_is_never() {
        let deadlines = Deadlines::new();
        assert_eq!(deadlines.after(Duration::MAX), NEVER);
    }
}
