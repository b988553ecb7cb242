//! How what is to be done ends: well, or as a test says.

use jiff::Timestamp;
use mpg_core::agent::FailureKind;
use mpg_core::catch_up::{Missed, MissedRequest};
use mpg_core::event::{Deliver, Effect, Event, RunEnd, Step, TurnNotice};
use mpg_core::id::{MessageId, MessageRef, Place, SessionId, ThreadId};
use mpg_core::message::Message;
use mpg_core::port::Workspace;

use super::{Pending, World};
use crate::ends::reported;

impl World {
    /// Ends a pending thing well.
    pub(crate) fn succeed(&mut self, index: usize) -> Step {
        match self.pending.remove(index) {
            Pending::Effect(Effect::OpenThread { root, from, .. }) => {
                let id = ThreadId::new(from.message.as_str());
                let place = Place::thread(root.channel.clone(), id);
                self.handle(Event::ThreadOpened {
                    root,
                    result: Ok(place),
                })
            }
            Pending::Effect(Effect::PrepareWorkspace {
                conversation,
                turn,
                request,
            }) => self.handle(Event::WorkspaceReady {
                conversation,
                turn,
                result: Ok(Workspace::new(request.directory)),
            }),
            Pending::Effect(Effect::Deliver(delivery)) => {
                let Deliver {
                    root,
                    place,
                    post,
                    edits,
                    ..
                } = *delivery;
                let number = self.delivered.len();
                self.delivered.push((place, post.text.clone()));
                self.shown.push(post.clone());
                let new = MessageId::new((1_000_000 + number).to_string());
                self.handle(Event::Delivered {
                    root,
                    delivery: post.id,
                    result: Ok(edits.unwrap_or(new)),
                })
            }
            Pending::Effect(Effect::Job(job)) => self.handle(Event::JobDone {
                job: job.id,
                result: Ok(crate::work::found(&job.work)),
            }),
            Pending::Effect(Effect::EndStray { session }) => {
                self.handle(Event::StrayEnded { session })
            }
            Pending::Effect(Effect::CatchUp(request)) => {
                let missed = self.missed(&request);
                self.handle(Event::CaughtUp {
                    channel: request.channel,
                    result: Ok(missed),
                })
            }
            Pending::Effect(other) => panic!("{other:?} has no end"),
            Pending::Run(run) if self.adopted.remove(&run.session.session) => {
                let conversation = run.session.conversation.clone();
                let noticed = self.handle(Event::TurnNoticed {
                    conversation: conversation.clone(),
                    run: run.run,
                    notice: TurnNotice::Adopted,
                });
                assert_eq!(noticed, Step::default(), "nothing to tell yet");
                self.handle(Event::TurnEnded {
                    conversation,
                    run: run.run,
                    end: reported(Ok((self.reply)(&run))),
                })
            }
            Pending::Run(run) => {
                let before = !self.submitted.insert(run.submission.id);
                let end = if run.submission.repeat && before {
                    RunEnd::InterruptedBefore
                } else {
                    reported(Ok((self.reply)(&run)))
                };
                self.handle(Event::TurnEnded {
                    conversation: run.session.conversation,
                    run: run.run,
                    end,
                })
            }
            Pending::Close(session) => self.closed(session),
        }
    }

    /// What the platform finds.
    pub(crate) fn missed(&mut self, request: &MissedRequest) -> Missed {
        let mut unread: Vec<&(Timestamp, Message)> = self
            .said
            .iter()
            .filter(|(at, message)| {
                let read = request.read.get(&message.place);
                message.place.channel == request.channel
                    && read.map_or(*at >= request.since, |read| message.id > *read)
            })
            .collect();
        let read = unread.iter().map(|(_, message)| {
            let MessageRef { place, message } = message.reference();
            (place, message)
        });
        let read = read.collect();
        let recent = unread.iter().filter(|(at, _)| *at >= request.since).count();
        let limit = usize::try_from(request.limit).unwrap();
        let skipped = unread.len() - recent.min(limit);
        let left_out = unread.drain(..skipped);
        self.left_out
            .extend(left_out.map(|(_, message)| message.id.clone()));
        Missed {
            messages: unread.iter().map(|(_, message)| message.clone()).collect(),
            skipped: u32::try_from(skipped).unwrap(),
            read,
        }
    }

    /// The agent of a session goes away.
    pub(crate) fn closed(&mut self, session: SessionId) -> Step {
        let conversation = self.agents.remove(&session).unwrap();
        self.adopted.remove(&session);
        self.pending.retain(|pending| match pending {
            Pending::Run(run) => run.session.session != session,
            Pending::Close(closing) => *closing != session,
            Pending::Effect(_) => true,
        });
        self.handle(Event::SessionClosed {
            conversation,
            session,
        })
    }

    /// Ends a pending run with `end`; where the agent is gone with it, that follows.
    pub(crate) fn end_run(&mut self, index: usize, end: RunEnd) -> Step {
        let Pending::Run(run) = self.pending.remove(index) else {
            panic!("no run at {index}");
        };
        self.submitted.insert(run.submission.id);
        self.adopted.remove(&run.session.session);
        let gone = match &end {
            RunEnd::Reported { result, .. } => {
                matches!(result, Err(failure) if failure.kind == FailureKind::Exited)
            }
            RunEnd::InterruptedBefore => false,
            RunEnd::SessionLost
            | RunEnd::DirectoryMissing
            | RunEnd::Unavailable(_)
            | RunEnd::NotSubmitted => true,
        };
        let session = run.session.session;
        let mut step = self.handle(Event::TurnEnded {
            conversation: run.session.conversation,
            run: run.run,
            end,
        });
        if gone {
            let closed = self.closed(session);
            step.records.extend(closed.records);
            step.effects.extend(closed.effects);
        }
        step
    }

    /// Lets everything end well until nothing is left to do.
    pub(crate) fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.pending.is_empty() {
                return;
            }
            drop(self.succeed(0));
        }
        panic!("it never ends: {:?}", self.pending);
    }
}
