//! Calls that wait for their answers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mpg_core::port::DeliveryError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::line;

/// How many calls are on the way at the same time; more wait for their turn.
const MOST: usize = 32;

type Answer = Result<String, DeliveryError>;

/// Calls that wait for their answers.
#[derive(Debug)]
pub(crate) struct Calls {
    lines: mpsc::Sender<String>,
    room: Semaphore,
    limit: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    answers: BTreeMap<u64, oneshot::Sender<Answer>>,
    closed: bool,
}

impl Calls {
    /// Calls that go out through `lines` and are answered within `limit`.
    pub(crate) fn new(lines: mpsc::Sender<String>, limit: Duration) -> Self {
        Self {
            lines,
            room: Semaphore::new(MOST),
            limit,
            waiting: Mutex::default(),
        }
    }

    /// Calls the server and waits for its answer.
    ///
    /// A call that is dropped may still be carried out.
    pub(crate) async fn call(&self, fields: &[&str]) -> Answer {
        let not_connected = || DeliveryError::Transient {
            retry_after: None,
            message: "not connected".to_owned(),
        };
        let _room = self.room.acquire().await.map_err(|_| not_connected())?;
        let (call, answer) = self.begin().ok_or_else(not_connected)?;
        let number = call.number.to_string();
        let fields = [&["call", number.as_str()], fields].concat();
        let sent = self.lines.send(line::join(&fields)).await;
        sent.map_err(|_| not_connected())?;
        // From here on it may have happened, whatever becomes of the connection.
        match timeout(self.limit, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(DeliveryError::Unknown(
                "the connection ended before the answer".to_owned(),
            )),
            Err(_) => Err(DeliveryError::Unknown(format!(
                "no answer within {:?}",
                self.limit
            ))),
        }
    }

    /// Gives a call its answer. One that nobody waits for is dropped.
    pub(crate) fn answer(&self, call: u64, answer: Answer) {
        if let Some(waiting) = self.waiting().answers.remove(&call) {
            drop(waiting.send(answer));
        }
    }

    /// Says that no answer will ever come again.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.answers.clear();
    }

    fn begin(&self) -> Option<(Call<'_>, oneshot::Receiver<Answer>)> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return None;
        }
        waiting.last += 1;
        let number = waiting.last;
        let (sender, receiver) = oneshot::channel();
        waiting.answers.insert(number, sender);
        let calls = self;
        Some((Call { calls, number }, receiver))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call on its way. Dropped, it waits no more.
struct Call<'a> {
    calls: &'a Calls,
    number: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.waiting().answers.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_a_call_that_is_not_answered() {
        let (lines, mut sent) = mpsc::channel(MOST);
        let calls = Calls::new(lines, Duration::from_secs(10));
        let unanswered = calls.call(&["typing", "dev", ""]).await;
        assert!(matches!(unanswered, Err(DeliveryError::Unknown(_))));
        assert_eq!(sent.recv().await.unwrap(), "call\t1\ttyping\tdev\t\n");
        assert!(calls.waiting().answers.is_empty());
        calls.answer(1, Ok(String::new()));

        drop(sent);
        let unsent = calls.call(&["typing", "dev", ""]).await;
        assert!(matches!(unsent, Err(DeliveryError::Transient { .. })));
        assert!(calls.waiting().answers.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_call_that_is_dropped() {
        let (lines, mut sent) = mpsc::channel(1);
        let calls = Calls::new(lines, Duration::from_secs(10));
        tokio::select! {
            biased;
            answer = calls.call(&["typing", "dev", ""]) => panic!("nobody answered: {answer:?}"),
            _ = sent.recv() => {}
        }
        assert!(calls.waiting().answers.is_empty());
        assert_eq!(calls.room.available_permits(), MOST);
    }
}
