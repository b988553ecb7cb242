//! How a keeper ends: its CLI is closed, what is left of it is swept, and what it said last is read.

use std::time::Duration;

use mpg_core::agent::Exit;
use tokio::io::AsyncReadExt as _;
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};

use super::closing::Closing;
use super::order::Order;
use super::{CHUNK, Keeper};
use crate::sweep::{marked, sweep};

/// How long the rest of the output may take once everything that could write it is gone.
const REST: Duration = Duration::from_secs(1);
/// How long a gateway may take to read what is left once the CLI is gone.
const DRAIN: Duration = Duration::from_secs(5);

impl Keeper {
    pub(super) async fn close(&mut self, grace: Duration) {
        self.known.extend(marked(&self.terms.marker).await);
        self.begin_closing(grace);
    }

    /// Closes standard input; a shorter grace replaces a longer one.
    pub(super) fn begin_closing(&mut self, grace: Duration) {
        self.process.input = None;
        self.closing = Some(Closing::begin(self.closing, Instant::now() + grace));
    }

    pub(super) fn close_further(&mut self) {
        let last_result = self.dialogue.last_result();
        if let Some(closing) = &mut self.closing {
            closing.advance(&self.process.group, last_result);
        }
    }

    /// Ends what the agent left, reads what it said last, and tells whoever is there.
    pub(super) async fn finish(mut self, code: Option<i32>) -> bool {
        let leader = self.process.group.leader();
        self.process.group.retire();
        sweep(&self.terms.marker, leader, std::mem::take(&mut self.known)).await;
        let mut chunk = vec![0; CHUNK];
        let rest = async {
            while let Ok(length @ 1..) = self.process.stdout.read(&mut chunk).await {
                self.dialogue.read(&chunk[..length]);
                if !self.spool.lock().has_room() {
                    break;
                }
                while let Some(event) = self.dialogue.first_event() {
                    if self.spool.lock().keep(event).is_err() {
                        break;
                    }
                    self.dialogue.next_event();
                }
            }
        };
        if self.reading && timeout(REST, rest).await.is_err() {
            self.log
                .line("something else holds the agent's output open");
        }
        let stderr = self.process.stderr.finish().await;
        self.dialogue.exited(Exit { code, stderr });
        self.full_until = None;
        self.store();
        let left_out = self.spool.lock().left_out();
        if left_out > 0 {
            let line = format!("{left_out} events were left out: nobody stored what came before");
            self.log.line(&line);
        }
        self.tell(true);
        self.drain().await
    }

    /// Waits until the gateway has read everything, the one that started this too if the agent was
    /// quicker; whether it did, or none is there.
    async fn drain(&mut self) -> bool {
        let until = Instant::now() + DRAIN;
        let mut read = true;
        while self.owner.is_some() || self.guests == 0 {
            select! {
                order = self.orders.recv() => match order {
                    Some(Order::Left { guest, drained }) => {
                        if self.owner.take_if(|owner| owner.guest == guest).is_some() {
                            read = drained;
                        }
                    }
                    Some(Order::Enter { epoch, entered }) => {
                        let welcome = self.enter(epoch);
                        let _gone_again = entered.send(welcome);
                    }
                    Some(Order::Acknowledge(seq)) => self.acknowledge(seq),
                    Some(Order::Status(reply)) => {
                        let _gone_again = reply.send(self.status());
                    }
                    // Their replies say by themselves that nobody is there.
                    Some(
                        Order::Submit { .. } | Order::Interrupt | Order::Withdraw(_)
                        | Order::Respond { .. }
                        | Order::Close(_) | Order::Reap { .. },
                    ) => {}
                    None => return false,
                },
                () = sleep_until(until) => return false,
            }
        }
        read && !self.spool.lock().has_unread()
    }
}
