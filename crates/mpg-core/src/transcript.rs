//! Steps as text that stays the same: one line per record and effect, ids by the order of their
//! appearance, times relative to the beginning.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use uuid::Uuid;

use crate::agent::{Effort, PermissionMode};
use crate::catch_up::MissedRequest;
use crate::config::Verbosity;
use crate::control::Control;
use crate::event::{Effect, FileEffect, Step};
use crate::id::DeliveryId;
use crate::job::Work;
use crate::port::SessionStart;
use crate::post::Post;
use crate::record::{Record, TurnOutcome};
use crate::request::Answer;
use crate::snapshot::Origin;
use crate::wording::asks::{about, name_of, said as said_of};
use crate::wording::{dollars, size};

/// Writes steps down for a person, or a snapshot, to read.
///
/// ```
/// use jiff::Timestamp;
/// use mpg_core::event::Step;
/// use mpg_core::transcript::Transcript;
///
/// let mut transcript = Transcript::new(Timestamp::UNIX_EPOCH);
/// assert_eq!(transcript.step(Timestamp::UNIX_EPOCH, &Step::default()), "");
/// ```
#[derive(Debug)]
pub struct Transcript {
    origin: Timestamp,
    ids: BTreeMap<(&'static str, Uuid), usize>,
    deliveries: BTreeMap<DeliveryId, usize>,
}

impl Transcript {
    /// A transcript whose times count from `origin`.
    pub fn new(origin: Timestamp) -> Self {
        Self {
            origin,
            ids: BTreeMap::new(),
            deliveries: BTreeMap::new(),
        }
    }

    /// The lines of one step that was taken at `at`; empty if nothing followed.
    pub fn step(&mut self, at: Timestamp, step: &Step) -> String {
        let seconds = at.duration_since(self.origin).as_secs();
        let mut text = String::new();
        let records = step.records.iter();
        // Who did it is told apart from what follows.
        let followed = records.filter(|record| !matches!(record, Record::Audited { .. }));
        for record in followed {
            let line = self.record(record);
            let _ = writeln!(text, "{seconds:>5}s  = {line}");
        }
        for effect in &step.effects {
            let line = self.effect(effect);
            let _ = writeln!(text, "{seconds:>5}s  > {line}");
        }
        text
    }

    #[expect(clippy::too_many_lines, reason = "one line for each record")]
    fn record(&mut self, record: &Record) -> String {
        match record {
            Record::PositionMoved { platform, position } => {
                format!("position {platform} {position}")
            }
            Record::MessageSeen {
                message,
                disposition,
                ..
            } => format!(
                "seen {} {}: {}",
                message.place,
                message.message,
                disposition.name()
            ),
            Record::ChannelKnown { channel, .. } => format!("listening to {channel}"),
            Record::GapOpened { channel, .. } => format!("gap in {channel}"),
            Record::GapClosed { channel, given_up } => match given_up {
                None => format!("no gap in {channel}"),
                Some(_) => format!("no gap in {channel}, given up"),
            },
            Record::PlaceRead { place, upto } => format!("read {place} up to {upto}"),
            Record::ThreadBound { root, place, .. } => format!("bound {root} to {place}"),
            Record::TurnQueued { conversation, turn } => {
                let id = self.id("turn", turn.id.as_uuid());
                let origin = match &turn.origin {
                    Origin::Person => String::new(),
                    Origin::Handoff { parent, .. } => {
                        format!(", handed over by {}", self.id("turn", parent.as_uuid()))
                    }
                    Origin::Joined { parent } => {
                        format!(", joining {}", self.id("turn", parent.as_uuid()))
                    }
                };
                format!("queued {id} in {conversation}{origin}: {:?}", turn.prompt)
            }
            Record::QueuedEdited { turn, prompt, .. } => {
                format!("edited {}: {prompt:?}", self.id("turn", turn.as_uuid()))
            }
            Record::QueuedDropped { turn, .. } => {
                format!("dropped {}", self.id("turn", turn.as_uuid()))
            }
            Record::ChoicesMade {
                conversation,
                choices,
            } => format!(
                "chosen for {conversation}: {}, {}, {}",
                choices.model.as_deref().unwrap_or("-"),
                choices.mode.map_or("-", PermissionMode::name),
                choices.effort.map_or("-", Effort::name)
            ),
            Record::TurnSteered { turn, .. } => {
                format!("steered {}", self.id("turn", turn.as_uuid()))
            }
            Record::TurnAbsorbed { turn, by, .. } => format!(
                "{} took in {}",
                self.id("turn", by.as_uuid()),
                self.id("turn", turn.as_uuid())
            ),
            Record::SessionBound {
                conversation,
                session,
            } => format!(
                "session {} of {conversation} in {}",
                self.id("session", session.id.as_uuid()),
                session.directory
            ),
            Record::SessionUnbound {
                conversation,
                reason,
            } => format!("no session in {conversation}: {}", reason.name()),
            Record::TurnStarted {
                turn,
                attempt,
                continues,
                ..
            } => format!(
                "started {} attempt {attempt}{}",
                self.id("turn", turn.as_uuid()),
                if *continues { ", going on" } else { "" }
            ),
            Record::TurnSetBack { turn, .. } => {
                format!("set back {}", self.id("turn", turn.as_uuid()))
            }
            Record::TurnParked {
                turn,
                reason,
                until,
                ..
            } => {
                let turn = self.id("turn", turn.as_uuid());
                let until = match until {
                    Some(until) => {
                        format!(" until {}s", until.duration_since(self.origin).as_secs())
                    }
                    None => String::new(),
                };
                format!("parked {turn}: {}{until}", reason.name())
            }
            Record::RequestOpened { ask, .. } => {
                format!(
                    "opened {}: {}",
                    self.id("ask", ask.id.as_uuid()),
                    about(ask)
                )
            }
            Record::RequestRenewed { ask, .. } => {
                format!("asked again: {}", self.id("ask", ask.as_uuid()))
            }
            Record::QuestionAnswered { ask, reply, .. } => {
                format!("one reply to {}: {reply:?}", self.id("ask", ask.as_uuid()))
            }
            Record::RequestAnswered { ask, verdict, .. } => {
                let ask = self.id("ask", ask.as_uuid());
                let said = verdict.said.as_ref();
                let said = said.map_or_else(|| "nobody said anything".to_owned(), said_of);
                match verdict.said {
                    Some(_) => format!("answered {ask} by {}: {said}", name_of(verdict)),
                    None => format!("{said} to {ask}"),
                }
            }
            Record::AnswerTold { ask, .. } => {
                format!("told what came of {}", self.id("ask", ask.as_uuid()))
            }
            Record::RequestDropped { ask, .. } => {
                format!("dropped {}", self.id("ask", ask.as_uuid()))
            }
            Record::SessionAllowed { session, rule, .. } => {
                let session = self.id("session", session.as_uuid());
                format!("allowed in {session}: {rule}")
            }
            Record::RuleAdded { project, rule } => {
                format!("allowed in {project}: {}", rule.rule)
            }
            Record::RuleRemoved { project, rule } => {
                format!("no longer allowed in {project}: {rule}")
            }
            Record::Spent {
                spender,
                microdollars,
                ..
            } => {
                let amount = dollars(*microdollars);
                format!("{amount} spent in {}", spender.project)
            }
            Record::BudgetLifted { project, .. } => format!("budget of {project} lifted"),
            Record::WaitTold { turn, .. } => {
                format!("told that {} waits", self.id("turn", turn.as_uuid()))
            }
            Record::TurnEnded { turn, outcome, .. } => {
                let turn = self.id("turn", turn.as_uuid());
                format!("ended {turn}: {}", outcome_of(outcome))
            }
            Record::FanOutOpened {
                parent, fan_out, ..
            } => {
                let parent = self.id("turn", parent.as_uuid());
                let branches = fan_out.branches.iter();
                let branches: Vec<String> = branches
                    .map(|branch| self.id("turn", branch.turn.as_uuid()))
                    .collect();
                format!("{parent} waits for {}", branches.join(", "))
            }
            Record::FanOutJoined {
                parent,
                turn,
                answer,
                ..
            } => format!(
                "{} has {answer:?} of {}",
                self.id("turn", parent.as_uuid()),
                self.id("turn", turn.as_uuid())
            ),
            Record::FanOutClosed { parent, .. } => {
                format!("{} waits no more", self.id("turn", parent.as_uuid()))
            }
            Record::DeliveryPlanned { root, post, .. } => format!(
                "planned {} for {root}: {}{}{} {:?}{}{}{}",
                self.delivery(post.id),
                post.kind.name(),
                speaker(post),
                self.replaced(post),
                post.text,
                footer(post),
                controls(post),
                files(post)
            ),
            Record::DeliveryConfirmed {
                delivery, message, ..
            } => format!("confirmed {} as {message}", self.delivery(*delivery)),
            Record::DeliveryDead {
                delivery, reason, ..
            } => format!("dead {}: {reason}", self.delivery(*delivery)),
            Record::FloorRaised { root, after } => format!("{root} goes on behind {after}"),
            Record::DeliveryDropped { delivery, .. } => {
                format!("left out {}", self.delivery(*delivery))
            }
            Record::KeptLost { root, delivery } => {
                format!("{root} has no {} any more", self.delivery(*delivery))
            }
            Record::ConversationForked {
                conversation, from, ..
            } => format!(
                "{conversation} begins as a fork of {}",
                self.id("session", from.as_uuid())
            ),
            Record::ThreadRenamed { root } => format!("renamed {root}"),
            Record::VerbositySet { root, verbosity } => format!(
                "{root} is shown {}",
                verbosity.map_or("as its project", Verbosity::name)
            ),
            Record::ThreadForgotten { root } => format!("forgotten {root}"),
            Record::Audited { deed } => format!("audited {deed}"),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line for each effect")]
    fn effect(&mut self, effect: &Effect) -> String {
        match effect {
            Effect::OpenThread { root, title, .. } => format!("open thread {root} {title:?}"),
            Effect::RenameThread { place, title } => format!("rename {place} {title:?}"),
            Effect::PrepareWorkspace { request, .. } => {
                let agent = request.agent.as_ref();
                format!(
                    "prepare {} in {} for {}{}",
                    request.project,
                    request.directory,
                    request.thread,
                    agent.map_or(String::new(), |agent| format!(" @{agent}"))
                )
            }
            Effect::RunTurn(run) => {
                let start = match run.session.start {
                    SessionStart::New => "new".to_owned(),
                    SessionStart::Begun => "begun".to_owned(),
                    SessionStart::Resume => "resumed".to_owned(),
                    SessionStart::Fork(from) => {
                        format!("forked from {} as", self.id("session", from.as_uuid()))
                    }
                };
                let agent = run.session.conversation.agent.as_ref();
                let files = match run.files.wanted.len() {
                    0 => String::new(),
                    files => format!(" with {files} files"),
                };
                format!(
                    "run {}{} in {start} {}{}{}: {:?}{files}",
                    self.id("turn", run.turn.as_uuid()),
                    agent.map_or(String::new(), |agent| format!(" of @{agent}")),
                    self.id("session", run.session.session.as_uuid()),
                    match (run.submission.repeat, &run.history) {
                        (true, _) => ", again",
                        (false, Some(history)) if history.whole => ", after all that was said",
                        (false, Some(_)) => ", after what it missed",
                        (false, None) => "",
                    },
                    if run.session.agent.permission_mode == PermissionMode::BypassPermissions {
                        ", without limits"
                    } else {
                        ""
                    },
                    run.submission.prompt
                )
            }
            Effect::StopTurn { session, .. } => {
                format!("stop turn in {}", self.id("session", session.as_uuid()))
            }
            Effect::Steer(steer) => format!(
                "hand {} to {}{}: {:?}",
                self.id("turn", steer.turn.as_uuid()),
                self.id("session", steer.session.as_uuid()),
                if steer.submission.repeat {
                    ", again"
                } else {
                    ""
                },
                steer.submission.prompt
            ),
            Effect::Withdraw { session, .. } => {
                format!("withdraw from {}", self.id("session", session.as_uuid()))
            }
            Effect::Respond {
                session, answer, ..
            } => format!(
                "answer {}: {}",
                self.id("session", session.as_uuid()),
                answer_of(answer)
            ),
            Effect::AttachSession { session, .. } => {
                format!("attach {}", self.id("session", session.as_uuid()))
            }
            Effect::EndStray { session } => {
                format!("end stray {}", self.id("session", session.as_uuid()))
            }
            Effect::CloseSession { session } => {
                format!("close {}", self.id("session", session.as_uuid()))
            }
            Effect::Acknowledge { session, seq } => format!(
                "acknowledge {} of {}",
                seq.0,
                self.id("session", session.as_uuid())
            ),
            Effect::DropFiles { turn, .. } => {
                format!("drop the files of {}", self.id("turn", turn.as_uuid()))
            }
            Effect::Files(FileEffect::Answer { file, result }) => {
                let file = self.id("file", file.as_uuid());
                match result {
                    Ok(()) => format!("{file} is taken"),
                    Err(refusal) => format!("{file} is refused: {refusal}"),
                }
            }
            Effect::Files(FileEffect::Drop(files)) => {
                let files: Vec<String> = files
                    .iter()
                    .map(|file| self.id("file", file.as_uuid()))
                    .collect();
                format!("drop {}", files.join(", "))
            }
            Effect::Deliver(delivery) => format!(
                "{} {} to {}{}",
                if delivery.edits.is_some() {
                    "edit"
                } else {
                    "post"
                },
                self.delivery(delivery.post.id),
                delivery.place,
                if delivery.maybe_sent {
                    ", perhaps again"
                } else {
                    ""
                }
            ),
            Effect::CatchUp(request) => look_back(request),
            Effect::LimitsChanged {
                place,
                by,
                lifted_until,
            } => format!(
                "limits on tools {} in {place} by {}",
                if lifted_until.is_some() {
                    "lifted"
                } else {
                    "put back"
                },
                by.as_ref().map_or("time", |by| by.as_str())
            ),
            Effect::Job(job) => format!("job {}: {}", job.id.0, work(&job.work)),
            Effect::ShowLive { message, .. } => format!(
                "show {} in {} {}",
                self.id("turn", message.turn.as_uuid()),
                message.place,
                message.message
            ),
            Effect::ShowBoard(shown) => format!(
                "show in {} {}: {:?}",
                shown.place,
                shown.message,
                shown.board.text(|_| None, |_| None)
            ),
            Effect::SetVerbosity { session, verbosity } => format!(
                "show the turn in {} {}",
                self.id("session", session.as_uuid()),
                verbosity.name()
            ),
            Effect::SetStatus { message, status } => {
                format!("status of {}: {status}", message.message)
            }
        }
    }

    fn id(&mut self, kind: &'static str, uuid: Uuid) -> String {
        let next = self.ids.keys().filter(|(k, _)| *k == kind).count() + 1;
        let ordinal = *self.ids.entry((kind, uuid)).or_insert(next);
        format!("{kind} {ordinal}")
    }

    fn replaced(&mut self, post: &Post) -> String {
        let replaced = post.replaces.map(|id| self.delivery(id));
        replaced.map_or_else(String::new, |id| format!(" instead of {id}"))
    }

    fn delivery(&mut self, id: DeliveryId) -> String {
        let next = self.deliveries.len() + 1;
        let ordinal = *self.deliveries.entry(id).or_insert(next);
        format!("delivery {ordinal}")
    }
}

fn speaker(post: &Post) -> String {
    let persona = post.persona.as_ref();
    persona.map_or_else(String::new, |persona| format!(" by {persona}"))
}

fn footer(post: &Post) -> String {
    let footer = post.footer.as_ref();
    footer.map_or_else(String::new, |footer| format!(" above {footer:?}"))
}

fn controls(post: &Post) -> String {
    let mentions = post.mentions.iter().map(|user| format!(" for {user}"));
    let controls = post.controls.iter().map(|control| match control {
        Control::Button(button) => format!(" [{}]", button.label),
        Control::Choice(choice) => {
            let labels = choice.options.iter().map(|option| option.label.as_str());
            let labels: Vec<&str> = labels.collect();
            format!(" [{}: {}]", choice.prompt, labels.join(" | "))
        }
    });
    mentions.chain(controls).collect()
}

fn files(post: &Post) -> String {
    let mut text = String::new();
    for file in &post.files {
        let _ = write!(text, " with {} of {}", file.name, size(file.size));
    }
    text
}

fn answer_of(answer: &Answer) -> String {
    match answer {
        Answer::Allow(scope) => format!("allow, {}", scope.name()),
        Answer::AcceptEdits => "allow, with edits".to_owned(),
        Answer::Deny { message } => format!("deny, {message:?}"),
        Answer::Replies(replies) => format!("{replies:?}"),
        Answer::Filled(fields) => format!("{fields:?}"),
    }
}

fn outcome_of(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Answered => "answered".to_owned(),
        TurnOutcome::Failed(failure) => format!("failed, {}", failure.kind.name()),
        TurnOutcome::Stopped => "stopped".to_owned(),
        TurnOutcome::Abandoned => "abandoned".to_owned(),
    }
}

fn look_back(request: &MissedRequest) -> String {
    let read = request.read.iter();
    let read: Vec<String> = read.map(|(place, id)| format!("{place} {id}")).collect();
    format!(
        "look back in {}, at most {}, behind [{}]",
        request.channel,
        request.limit,
        read.join(", ")
    )
}

fn work(work: &Work) -> String {
    let (verb, workspace) = match work {
        Work::Inspect(workspace) => ("inspect", workspace),
        Work::Diff(workspace) => ("compare", workspace),
        Work::Merge(workspace) => ("merge", workspace),
        Work::Discard(workspace) => ("discard", workspace),
        Work::Turns { threads, last } => {
            let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
            return format!("the last {last} turns of [{}]", threads.join(", "));
        }
        Work::Resume(sessions) => return format!("resume lines for {} sessions", sessions.len()),
    };
    let agent = workspace.request.agent.as_ref();
    format!(
        "{verb} the workspace of {}{} at {}",
        workspace.request.thread,
        agent.map_or_else(String::new, |agent| format!(" @{agent}")),
        workspace.directory.as_deref().unwrap_or("wherever it is")
    )
}
