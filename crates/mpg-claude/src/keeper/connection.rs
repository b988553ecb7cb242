//! One connection to a keeper: who is let in, what it is served, what it says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mpg_core::id::{RequestId, SubmitId};
use mpg_core::port::{OpenError, Submission, Submitted};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Entered, News, Order, SharedSpool};
use crate::secret::same;
use crate::spool::{Cursor, Kind};
use crate::terms::Terms;
use crate::wire::{self, FIRST_FRAME, FromKeeper, Hello, Outcome, PROTOCOL, Refusal, ToKeeper};

/// How long somebody who connects may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// How many frames of a gateway may wait.
const HEARD: usize = 16;
/// How many answers to submissions may wait to be written.
const REPLIES: usize = 64;
/// How much is written at once, in bytes, but for one event.
const BATCH: usize = 64 << 10;

/// What a connection needs of its keeper.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) terms: Arc<Terms>,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) news: watch::Receiver<News>,
    pub(crate) spool: SharedSpool,
}

/// Serves whoever connected, until it goes or a later gateway comes.
pub(crate) async fn serve(mut stream: UnixStream, door: Door) {
    let first = wire::read_up_to(&mut stream, FIRST_FRAME);
    let Ok(Ok(Some(first))) = timeout(INTRODUCTION, first).await else {
        return;
    };
    match first {
        ToKeeper::Hello(hello) => match door.enter(&hello).await {
            Ok(entered) => attend(stream, door, hello.after, entered).await,
            Err(reason) => say(&mut stream, &FromKeeper::Refused { reason }).await,
        },
        ToKeeper::Status => {
            if let Some(status) = door.ask(Order::Status).await {
                say(&mut stream, &FromKeeper::Status(status)).await;
            }
        }
        ToKeeper::Reap { secret, busy } => {
            let said = if same(&secret, &door.terms.secret) {
                let order = |reply| Order::Reap { busy, reply };
                let ends = door.ask(order).await.unwrap_or(true);
                FromKeeper::Reaped { ends }
            } else {
                let reason = Refusal::Secret;
                FromKeeper::Refused { reason }
            };
            say(&mut stream, &said).await;
        }
        ToKeeper::Submit { .. }
        | ToKeeper::Interrupt
        | ToKeeper::Withdraw { .. }
        | ToKeeper::Respond { .. }
        | ToKeeper::Acknowledge { .. }
        | ToKeeper::Credit { .. }
        | ToKeeper::Close { .. }
        | ToKeeper::Leave
        | ToKeeper::Unknown => {}
    }
}

async fn say(stream: &mut UnixStream, said: &FromKeeper) {
    if let Ok(frame) = wire::frame(said) {
        // Whoever asked may be gone again.
        let _written = stream.write_all(&frame).await.is_ok();
    }
}

impl Door {
    async fn enter(&self, hello: &Hello) -> Result<Entered, Refusal> {
        if hello.protocol != PROTOCOL {
            return Err(Refusal::Protocol);
        }
        if hello.installation != self.terms.installation || hello.session != self.terms.session {
            return Err(Refusal::Stranger);
        }
        if !same(&hello.secret, &self.terms.secret) {
            return Err(Refusal::Secret);
        }
        let epoch = hello.epoch;
        let order = |entered| Order::Enter { epoch, entered };
        self.ask(order).await.unwrap_or(Err(Refusal::Unknown))
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Serves a gateway that was let in.
async fn attend(stream: UnixStream, door: Door, after: Option<u64>, entered: Entered) {
    let Entered {
        guest,
        fence,
        welcome,
    } = entered;
    let (reader, writer) = stream.into_split();
    let (said, heard) = mpsc::channel(HEARD);
    let listening = tokio::spawn(listen(reader, said));
    let (replies, answered) = mpsc::channel(REPLIES);
    let orders = door.orders.clone();
    let mut guest_service = Service {
        after: welcome.acknowledged.max(after.unwrap_or(0)),
        writer,
        heard,
        replies,
        answered,
        fence,
        cursor: Cursor::default(),
        credit: 0,
        ready_said: false,
        door,
    };
    let drained = match wire::frame(&FromKeeper::Welcome(welcome)) {
        Ok(welcome) => guest_service.run(welcome).await.unwrap_or(false),
        Err(_) => false,
    };
    drop(guest_service);
    listening.abort();
    let _keeper_gone = orders.send(Order::Left { guest, drained }).await.is_err();
}

async fn listen(mut reader: OwnedReadHalf, said: mpsc::Sender<ToKeeper>) {
    while let Ok(Some(frame)) = wire::read(&mut reader).await {
        if said.send(frame).await.is_err() {
            return;
        }
    }
}

struct Service {
    door: Door,
    writer: OwnedWriteHalf,
    heard: mpsc::Receiver<ToKeeper>,
    replies: mpsc::Sender<Vec<u8>>,
    answered: mpsc::Receiver<Vec<u8>>,
    fence: oneshot::Receiver<()>,
    cursor: Cursor,
    /// The last event that the gateway has already.
    after: u64,
    /// How many events it still takes.
    credit: u64,
    ready_said: bool,
}

impl Service {
    /// Serves; whether the gateway got everything that there will ever be.
    async fn run(&mut self, mut out: Vec<u8>) -> io::Result<bool> {
        loop {
            let news = *self.door.news.borrow_and_update();
            if news.ready && !self.ready_said {
                self.ready_said = true;
                out.extend(wire::frame(&FromKeeper::Ready)?);
            }
            let all = self.events(&mut out)?;
            if !out.is_empty() {
                select! {
                    biased;
                    _ = &mut self.fence => return self.replaced().await,
                    written = self.writer.write_all(&out) => written?,
                }
                out.clear();
                out.shrink_to(BATCH);
                continue;
            }
            if news.over && all {
                return Ok(true);
            }
            select! {
                biased;
                _ = &mut self.fence => return self.replaced().await,
                frame = self.heard.recv() => match frame {
                    Some(frame) => {
                        if !self.hear(frame).await {
                            return Ok(false);
                        }
                    }
                    None => return Ok(false),
                },
                Some(reply) = self.answered.recv() => out = reply,
                changed = self.door.news.changed() => {
                    if changed.is_err() {
                        return Ok(false);
                    }
                }
            }
        }
    }

    async fn replaced(&mut self) -> io::Result<bool> {
        self.writer
            .write_all(&wire::frame(&FromKeeper::Replaced)?)
            .await?;
        Ok(false)
    }

    /// Appends the events that are taken now; whether there are no more.
    fn events(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let spool = self.door.spool.lock();
        while out.len() < BATCH {
            // What follows may be an event that is not taken yet.
            let mut cursor = self.cursor.clone();
            let Some(frame) = spool.next(&mut cursor)? else {
                return Ok(true);
            };
            let wanted = frame.kind == Kind::Event && frame.seq > self.after;
            if wanted && self.credit == 0 {
                return Ok(false);
            }
            self.cursor = cursor;
            if wanted {
                self.credit -= 1;
                out.extend(wire::event_frame(frame.seq, &frame.payload)?);
            }
        }
        Ok(false)
    }

    /// Does what a gateway says; false once it leaves.
    async fn hear(&mut self, frame: ToKeeper) -> bool {
        let order = match frame {
            ToKeeper::Submit {
                number,
                submit,
                prompt,
                images,
                repeat,
            } => {
                let Ok(id) = Uuid::parse_str(&submit) else {
                    return false;
                };
                let (reply, answer) = oneshot::channel();
                tokio::spawn(answer_later(number, answer, self.replies.clone()));
                let id = SubmitId::from_uuid(id);
                let images = images.into_iter().filter_map(wire::Image::known);
                let submission = Submission {
                    id,
                    prompt,
                    images: images.collect(),
                    repeat,
                };
                Order::Submit { submission, reply }
            }
            ToKeeper::Interrupt => Order::Interrupt,
            ToKeeper::Withdraw { submit } => match Uuid::parse_str(&submit) {
                Ok(id) => Order::Withdraw(SubmitId::from_uuid(id)),
                Err(_) => return false,
            },
            ToKeeper::Respond { request, answer } => Order::Respond {
                request: RequestId::new(request),
                answer: answer.into_answer(),
            },
            ToKeeper::Acknowledge { seq } => Order::Acknowledge(seq),
            ToKeeper::Close { grace_ms } => Order::Close(Duration::from_millis(grace_ms)),
            ToKeeper::Credit { events } => {
                self.credit = self.credit.saturating_add(events);
                return true;
            }
            ToKeeper::Leave => return false,
            ToKeeper::Hello(_) | ToKeeper::Status | ToKeeper::Reap { .. } | ToKeeper::Unknown => {
                return true;
            }
        };
        self.door.orders.send(order).await.is_ok()
    }
}

async fn answer_later(
    number: u64,
    answer: oneshot::Receiver<Result<Submitted, OpenError>>,
    replies: mpsc::Sender<Vec<u8>>,
) {
    let outcome = match answer.await {
        Ok(Ok(Submitted::New)) => Outcome::New,
        Ok(Ok(Submitted::Known)) => Outcome::Known,
        Ok(Ok(Submitted::InterruptedBefore)) => Outcome::InterruptedBefore,
        Ok(Err(OpenError::NotRunning)) | Err(_) => Outcome::NotRunning,
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
    };
    if let Ok(frame) = wire::frame(&FromKeeper::Submitted { number, outcome }) {
        // A gateway that is gone asks again.
        let _gone = replies.send(frame).await.is_err();
    }
}
