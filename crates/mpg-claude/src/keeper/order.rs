//! What a keeper is told by the connections of gateways, and what it does about it.

use std::time::Duration;

use mpg_core::agent::Persistence;
use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{OpenError, Submission, Submitted};
use mpg_core::request::Answer;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Keeper;
use crate::spool::Kind;
use crate::wire::{PROTOCOL, Refusal, Status, Welcome};

/// What a keeper is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// A gateway comes; the answer says whether it is let in.
    Enter {
        epoch: u64,
        entered: oneshot::Sender<Result<Entered, Refusal>>,
    },
    /// A gateway is gone, and has read all there was or not.
    Left {
        guest: u64,
        drained: bool,
    },
    Submit {
        submission: Submission,
        reply: oneshot::Sender<Result<Submitted, OpenError>>,
    },
    Interrupt,
    Withdraw(SubmitId),
    Respond {
        request: RequestId,
        answer: Answer,
    },
    Acknowledge(u64),
    Close(Duration),
    Status(oneshot::Sender<Status>),
    /// Ends it if nobody owns it, in the middle of a turn only if `busy`; the answer says whether.
    Reap {
        busy: bool,
        reply: oneshot::Sender<bool>,
    },
}

/// What a gateway that was let in gets.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(super) guest: u64,
    /// Closes when a later gateway comes.
    pub(super) fence: oneshot::Receiver<()>,
    pub(super) welcome: Welcome,
}

/// The gateway that is connected.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) guest: u64,
    _fence: oneshot::Sender<()>,
}

impl Keeper {
    pub(super) async fn order(&mut self, order: Order) {
        match order {
            Order::Enter { epoch, entered } => {
                let welcome = self.enter(epoch);
                let _gone_again = entered.send(welcome);
            }
            Order::Left { guest, .. } => {
                if self.owner.take_if(|owner| owner.guest == guest).is_some() {
                    self.orphaned = Instant::now();
                    let kept = self.terms.persistence() != Persistence::None;
                    if !kept || !self.used {
                        self.close(Duration::ZERO).await;
                    }
                }
            }
            Order::Submit { submission, reply } => {
                self.used = true;
                if let Some(screen) = &mut self.screen {
                    screen.prompt(&submission.prompt);
                }
                let open = self.process.input.is_some();
                self.dialogue.submit(submission, reply, open);
            }
            Order::Interrupt => self.dialogue.interrupt(),
            Order::Withdraw(submit) => self.dialogue.withdraw(submit),
            Order::Respond { request, answer } => {
                if self.dialogue.respond(&request, &answer) {
                    self.note(Kind::Responded, request.as_str());
                }
            }
            Order::Acknowledge(seq) => self.acknowledge(seq),
            Order::Close(grace) => self.close(grace).await,
            Order::Status(reply) => {
                let _gone_again = reply.send(self.status());
            }
            Order::Reap { busy, reply } => {
                let status = self.status();
                let ends = !status.owned && (busy || !status.busy);
                if ends {
                    self.close(self.terms.grace()).await;
                }
                let _gone_again = reply.send(ends);
            }
        }
    }

    pub(super) fn enter(&mut self, epoch: u64) -> Result<Entered, Refusal> {
        if epoch < self.epoch {
            return Err(Refusal::Epoch);
        }
        self.epoch = epoch;
        self.guests += 1;
        let (fence, fenced) = oneshot::channel();
        // Dropping the one before closes its fence.
        self.owner = Some(Owner {
            guest: self.guests,
            _fence: fence,
        });
        let spool = self.spool.lock();
        let submits = self.dialogue.open().iter();
        let asking = self.dialogue.asking();
        Ok(Entered {
            guest: self.guests,
            fence: fenced,
            welcome: Welcome {
                protocol: PROTOCOL,
                last: spool.last(),
                acknowledged: spool.acknowledged(),
                submits: submits.map(ToString::to_string).collect(),
                asking: asking.map(|request| request.as_str().to_owned()).collect(),
                unread: spool.has_unread(),
                closing: self.closing.is_some(),
                fingerprint: self.terms.fingerprint.clone(),
            },
        })
    }

    pub(super) fn status(&self) -> Status {
        Status {
            busy: !self.dialogue.open().is_empty(),
            owned: self.owner.is_some(),
            unread: self.spool.lock().has_unread(),
        }
    }

    pub(super) fn acknowledge(&mut self, seq: u64) {
        if let Err(error) = self.spool.lock().acknowledge(seq) {
            self.log.line(&format!("nothing could be dropped: {error}"));
        }
    }
}
