//! The requests of a worker that run, and the records of those that have ended, to be used again.

use crate::record::Record;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// The requests of a worker that run. As many records are kept as there ever were at one time.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    records: RefCell<Vec<Rc<Record>>>,
    /// Places in `records` where nothing runs.
    unused: RefCell<Vec<usize>>,
}

impl InFlight {
    /// A record that nobody uses, for a request that begins.
    pub(crate) fn take(&self, now: Instant) -> Rc<Record> {
        let mut records = self.records.borrow_mut();
        let unused = self.unused.borrow_mut().pop().and_then(|place| records.get(place));
        if let Some(record) = unused {
            return Rc::clone(record);
        }
        let record = Record::new(records.len(), now);
        records.push(Rc::clone(&record));
        record
    }

    /// Whether none runs.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.borrow().len() == self.unused.borrow().len()
    }

    /// Those that run.
    pub(crate) fn running(&self) -> Vec<Rc<Record>> {
        self.records.borrow().iter().filter(|record| record.is_running.get()).cloned().collect()
    }

    /// Its request has ended.
    pub(crate) fn put(&self, record: &Record) {
        record.end();
        self.unused.borrow_mut().push(record.place());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_used_again_once_its_request_has_ended() {
        let (in_flight, now) = (InFlight::default(), Instant::now());
        let (first, second) = (in_flight.take(now), in_flight.take(now));
        in_flight.put(&first);
        assert!(!in_flight.is_empty());
        assert!(Rc::ptr_eq(&in_flight.take(now), &first));
        assert!(!Rc::ptr_eq(&first, &second));
        in_flight.put(&first);
        in_flight.put(&second);
        assert!(in_flight.is_empty());
    }
}
