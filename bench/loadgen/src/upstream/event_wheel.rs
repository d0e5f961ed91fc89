//! All event streams of the upstream, driven by one timer.
//!
//! A stream sits in the slot of the tick at which its next event is due. A tick costs one write per
//! due stream and nothing for the others; no stream has a task or a timer of its own.

use std::io;
use std::mem;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::interval;

use super::event::EventTemplate;
use crate::clock::wall_ns;

/// The resolution of the runtime's timer.
const TICK: Duration = Duration::from_millis(1);
const TICKS_PER_SECOND: usize = 1000;
/// More slots than the longest period (one event a second) has ticks, so a slot holds one due time.
const SLOTS: usize = 1024;

/// A stream whose response head has been sent.
#[derive(Debug)]
pub(crate) struct NewEventStream {
    pub stream: TcpStream,
    /// From 1 to 1,000; values outside are moved to the nearer end.
    pub per_second: u32,
}

/// Drives the streams that arrive until no more can arrive.
pub(crate) async fn drive(mut arrivals: UnboundedReceiver<NewEventStream>) {
    let mut wheel = EventWheel::new();
    let mut ticks = interval(TICK);
    loop {
        if wheel.streams == 0 {
            let Some(arrival) = arrivals.recv().await else { return };
            wheel.add(arrival);
            ticks.reset();
        }
        tokio::select! {
            Some(arrival) = arrivals.recv() => wheel.add(arrival),
            _ = ticks.tick() => wheel.advance(),
        }
    }
}

#[derive(Debug)]
struct EventStream {
    stream: TcpStream,
    period_ticks: usize,
    /// The rest of an event of which the socket took only a part.
    unsent: Vec<u8>,
}

#[derive(Debug)]
struct EventWheel {
    slots: Vec<Vec<EventStream>>,
    /// The slot that is due next.
    now: usize,
    streams: usize,
    /// Streams ever added: spreads first events evenly over the period.
    added: usize,
    template: EventTemplate,
}

impl EventWheel {
    fn new() -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self { slots, now: 0, streams: 0, added: 0, template: EventTemplate::new() }
    }

    fn add(&mut self, arrival: NewEventStream) {
        let per_second = (arrival.per_second as usize).clamp(1, TICKS_PER_SECOND);
        let period_ticks = TICKS_PER_SECOND / per_second;
        let stream = EventStream { stream: arrival.stream, period_ticks, unsent: Vec::new() };
        let first_after = self.added % period_ticks;
        self.added += 1;
        self.schedule(stream, first_after);
    }

    fn advance(&mut self) {
        let due = self.slots.get_mut(self.now).map(mem::take).unwrap_or_default();
        for mut stream in due {
            self.streams -= 1;
            let event = self.template.stamped(wall_ns());
            if stream.send(event).is_ok() {
                let period_ticks = stream.period_ticks;
                self.schedule(stream, period_ticks);
            }
        }
        self.now = (self.now + 1) % SLOTS;
    }

    fn schedule(&mut self, stream: EventStream, after_ticks: usize) {
        if let Some(slot) = self.slots.get_mut((self.now + after_ticks) % SLOTS) {
            slot.push(stream);
            self.streams += 1;
        }
    }
}

impl EventStream {
    /// Writes `event`, or drops it when the reader has not taken the one before. Events are dropped
    /// whole, so a slow reader shows as missing events and never as broken ones.
    fn send(&mut self, event: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let sent = self.try_write(&self.unsent)?;
            self.unsent.drain(..sent);
        }
        if self.unsent.is_empty() {
            let sent = self.try_write(event)?;
            if sent > 0 {
                self.unsent.extend(event.iter().skip(sent));
            }
        }
        Ok(())
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            outcome => outcome,
        }
    }
}
