//! What runs at this moment: asked by the control plane, answered by each worker about its own requests.

use crate::RequestId;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A request that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInFlight {
    /// What it is called.
    pub id: RequestId,
    /// The name of the proxy that took it; empty as long as none has.
    pub proxy: Box<str>,
    /// The proxy's id; empty when it is no record.
    pub proxy_id: Box<str>,
    /// The method, as sent.
    pub method: Box<str>,
    /// The path, as sent; without the query, which may hold keys (H28).
    pub path: Box<str>,
    /// The caller's id and collection; none for a guest, and where nobody had to be asked.
    pub identity: Option<(Box<str>, Box<str>)>,
    /// The client's address.
    pub client: IpAddr,
    /// The address of the upstream that was last asked.
    pub upstream: Option<SocketAddr>,
    /// What it does: one word.
    pub phase: &'static str,
    /// How long it has run.
    pub age: Duration,
    /// How often an upstream was asked.
    pub attempts: u32,
    /// Bytes from the client, heads and framing included.
    pub received: u64,
    /// Bytes to the client, the same.
    pub sent: u64,
}

/// Asks the workers what runs. Cheap to clone; all clones ask the same workers.
#[derive(Clone, Debug)]
pub struct InFlight {
    workers: Arc<[Line]>,
}

/// A worker's end of the line.
#[derive(Debug)]
pub struct InFlightQuestions(Receiver<InFlightQuestion>);

/// What a worker is asked.
#[derive(Debug)]
pub enum InFlightQuestion {
    /// What runs on it.
    List(oneshot::Sender<Vec<RequestInFlight>>),
    /// To end the requests of that name; answers how many there were.
    End(RequestId, oneshot::Sender<usize>),
}

#[derive(Debug)]
struct Line {
    questions: Sender<InFlightQuestion>,
    /// Until the worker takes it.
    other_end: Mutex<Option<InFlightQuestions>>,
}

impl InFlight {
    /// Lines to as many workers.
    pub fn new(workers: usize) -> Self {
        let line = |_| {
            let (questions, asked) = channel(QUESTIONS_MAX);
            Line { questions, other_end: Mutex::new(Some(InFlightQuestions(asked))) }
        };
        InFlight { workers: (0..workers).map(line).collect() }
    }

    /// The end of one worker's line; workers count from 0. None for one there is not, and when it was taken already.
    pub fn worker(&self, number: usize) -> Option<InFlightQuestions> {
        let line = self.workers.get(number)?;
        line.other_end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What runs, on all workers that answer within a second; the oldest first.
    ///
    /// Cancel-safe: a dropped call has no effect.
    pub async fn list(&self) -> Vec<RequestInFlight> {
        let answers = self.ask(InFlightQuestion::List).await;
        let mut requests: Vec<_> = answers.into_iter().flatten().collect();
        requests.sort_by_key(|request: &RequestInFlight| std::cmp::Reverse(request.age));
        requests
    }

    /// Ends the requests of that name, wherever they stand, and says how many there were.
    ///
    /// Dropped, it may have ended some all the same.
    pub async fn end(&self, id: RequestId) -> usize {
        self.ask(|answer| InFlightQuestion::End(id, answer)).await.into_iter().sum()
    }

    /// Asks all of them at once.
    async fn ask<T>(&self, question: impl Fn(oneshot::Sender<T>) -> InFlightQuestion) -> Vec<T> {
        let ask = |line: &Line| {
            let (answer, answered) = oneshot::channel();
            line.questions.try_send(question(answer)).ok().map(|()| answered)
        };
        let asked: Vec<_> = self.workers.iter().filter_map(ask).collect();
        let mut answers = Vec::with_capacity(asked.len());
        for answered in asked {
            // A worker that hangs is no reason not to hear of the others.
            if let Ok(Ok(answer)) = timeout(ANSWER_TIMEOUT, answered).await {
                answers.push(answer);
            }
        }
        answers
    }
}

impl InFlightQuestions {
    /// The next question; none when nobody will ask any more.
    ///
    /// Cancel-safe: nothing is lost when the call is dropped.
    pub async fn next(&mut self) -> Option<InFlightQuestion> {
        self.0.recv().await
    }
}

/// An event loop that does not turn for so long has worse problems.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
/// People ask, and pages that refresh themselves.
const QUESTIONS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn request(id: u64, age: u64) -> RequestInFlight {
        RequestInFlight {
            id: RequestId::new(id),
            proxy: "AI".into(),
            proxy_id: "abcdefghijklmno".into(),
            method: "GET".into(),
            path: "/-/ai".into(),
            identity: None,
            client: Ipv4Addr::LOCALHOST.into(),
            upstream: None,
            phase: "waiting",
            age: Duration::from_secs(age),
            attempts: 1,
            received: 0,
            sent: 0,
        }
    }

    async fn answer(mut questions: InFlightQuestions, requests: Vec<RequestInFlight>) {
        while let Some(question) = questions.next().await {
            match question {
                InFlightQuestion::List(answer) => drop(answer.send(requests.clone())),
                InFlightQuestion::End(id, answer) => {
                    let _ = answer.send(requests.iter().filter(|request| request.id == id).count());
                }
            }
        }
    }

    #[tokio::test]
    async fn every_worker_is_asked() {
        let in_flight = InFlight::new(3);
        tokio::spawn(answer(in_flight.worker(0).unwrap(), vec![request(1, 5), request(2, 7)]));
        tokio::spawn(answer(in_flight.worker(1).unwrap(), vec![request(1, 6)]));
        // The third one has ended.
        drop(in_flight.worker(2));
        let ages: Vec<_> = in_flight.list().await.iter().map(|request| request.age.as_secs()).collect();
        assert_eq!(ages, [7, 6, 5]);
        assert_eq!(in_flight.end(RequestId::new(1)).await, 2);
        assert_eq!(in_flight.end(RequestId::new(3)).await, 0);
    }

    #[tokio::test]
    async fn a_worker_that_hangs_is_not_waited_for() {
        let in_flight = InFlight::new(2);
        let _hangs = in_flight.worker(0).unwrap();
        tokio::spawn(answer(in_flight.worker(1).unwrap(), vec![request(1, 1)]));
        assert_eq!(in_flight.list().await.len(), 1);
    }

    #[test]
    fn a_line_has_one_other_end() {
        let in_flight = InFlight::new(1);
        assert!(in_flight.worker(0).is_some());
        assert!(in_flight.worker(0).is_none() && in_flight.worker(1).is_none());
    }
}
