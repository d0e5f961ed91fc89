//! How many events of an event stream have passed, counted in whatever parts they come (WHATWG HTML §9.2.6).

use memchr::memchr2_iter;

/// How many events have passed. An event is what lies before an empty line; comments alone are none.
///
/// ```text
///  empty line ──▶ between ──(a line)──▶ inside ──(an empty line: one more)──▶ between
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventCount {
    events: u64,
    /// A line of an event has passed, and not its end.
    is_inside: bool,
    line: Line,
    /// The last byte was a CR: an LF behind it belongs to the same line end.
    after_cr: bool,
}

/// How the line looks of which no end has passed yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Empty,
    Comment,
    Field,
}

impl EventCount {
    /// How many there were so far.
    pub(crate) fn events(self) -> u64 {
        self.events
    }

    /// These bytes of the stream pass.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        let mut start = 0;
        for end in memchr2_iter(b'\n', b'\r', bytes) {
            self.part_of_line(bytes.get(start..end).unwrap_or_default());
            self.line_end(bytes.get(end) == Some(&b'\r'));
            start = end + 1;
        }
        self.part_of_line(bytes.get(start..).unwrap_or_default());
    }

    fn part_of_line(&mut self, part: &[u8]) {
        let Some(first) = part.first() else { return };
        self.after_cr = false;
        if self.line == Line::Empty {
            self.line = if *first == b':' { Line::Comment } else { Line::Field };
        }
    }

    fn line_end(&mut self, is_cr: bool) {
        let belongs_to_cr = !is_cr && self.after_cr;
        self.after_cr = is_cr;
        if belongs_to_cr {
            return;
        }
        match std::mem::take(&mut self.line) {
            Line::Field => self.is_inside = true,
            Line::Comment => {}
            Line::Empty => self.events += u64::from(std::mem::take(&mut self.is_inside)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Same in whatever parts the bytes pass.
    #[track_caller]
    fn check(stream: &str, events: u64) {
        for length in 1..=stream.len().max(1) {
            let mut count = EventCount::default();
            stream.as_bytes().chunks(length).for_each(|part| count.pass(part));
            assert_eq!(count.events(), events, "{stream:?} in parts of {length}");
        }
    }

    #[test]
    fn an_event_ends_with_an_empty_line_in_any_of_three_ways() {
        check("data: a\n\n", 1);
        check("data: a\r\n\r\n", 1);
        check("data: a\r\rdata: b\r\r", 2);
        check("event: x\ndata: a\ndata: b\n\ndata: c\n\n", 2);
    }

    #[test]
    fn what_is_not_ended_is_not_counted() {
        check("", 0);
        check("data: a\n", 0);
        check("data: a\r\n", 0);
        check("data: a\n\ndata: b", 1);
    }

    #[test]
    fn comments_and_empty_lines_are_no_events() {
        check(":\n\n", 0);
        check(": ping\n\n\n\n", 0);
        check(": with an event\ndata: a\n\n", 1);
    }
}
