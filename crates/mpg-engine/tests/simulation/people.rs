//! What people do, and what they may expect.

use std::collections::BTreeSet;

use mpg_core::id::{AgentName, MessageRef, Place};
use mpg_testkit::fake::FakePlatform;

use crate::plan::Action;
use crate::random::Random;
use crate::team::address;

/// A message that asks for something.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) message: MessageRef,
    /// The word that its answers carry.
    pub(crate) word: String,
    /// The agents that it is for; without any, one answers all the same.
    pub(crate) agents: Vec<AgentName>,
}

/// The people of one run.
#[derive(Debug)]
pub(crate) struct People {
    chat: FakePlatform,
    channels: [Place; 2],
    /// The seed, where there are agents to address.
    team: Option<u64>,
    pub(crate) questions: Vec<Question>,
    pub(crate) commands: Vec<MessageRef>,
    /// The messages that somebody deleted.
    pub(crate) deleted: BTreeSet<MessageRef>,
    /// The threads that somebody interfered with: turns in them may end without an answer.
    pub(crate) disturbed: BTreeSet<Place>,
    /// The threads that were removed.
    pub(crate) removed: BTreeSet<Place>,
}

impl People {
    pub(crate) fn new(chat: &FakePlatform, team: Option<u64>) -> Self {
        Self {
            team,
            channels: ["one", "two"].map(|name| chat.add_channel(name)),
            chat: chat.clone(),
            questions: Vec::new(),
            commands: Vec::new(),
            deleted: BTreeSet::new(),
            disturbed: BTreeSet::new(),
            removed: BTreeSet::new(),
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Say => self.ask(&self.channels[self.questions.len() % 2].clone()),
            Action::SayInThread(back) => match self.thread(back) {
                Some(thread) => self.ask(&thread),
                None => self.ask(&self.channels[0].clone()),
            },
            Action::Edit(back) => {
                if let Some(Question { message, word, .. }) = self.question(back) {
                    let (text, _) = self.address(&word, &format!("{word} (edited)"));
                    self.chat.edit(&message, &text);
                }
            }
            Action::Delete(back) => {
                if let Some(Question { message, .. }) = self.question(back) {
                    self.chat.delete(&message);
                    self.deleted.insert(message);
                }
            }
            Action::Kill(back) => self.command(back, "!kill"),
            Action::Restart(back) => self.command(back, "!restart"),
            Action::Stop(back) => self.command(back, "!stop"),
            Action::RemoveThread(back) => {
                if let Some(thread) = self.thread(back) {
                    self.chat.remove(&thread);
                    self.removed.insert(thread.clone());
                    self.disturbed.insert(thread);
                }
            }
            Action::Repeat(back) => {
                if let Some(Question { message, .. }) = self.question(back) {
                    self.chat.repeat(&message);
                }
            }
            Action::Swap => self.chat.swap(),
            Action::Fail(verb, fault) => self.chat.fault(verb, fault),
        }
    }

    fn ask(&mut self, place: &Place) {
        let word = format!("q{}", self.questions.len());
        let (text, agents) = self.address(&word, &word);
        let message = self.chat.say(place, "ann", &text);
        self.questions.push(Question {
            message,
            word,
            agents,
        });
    }

    /// How the question with this word is put, and to whom: an edit does not change that.
    fn address(&self, word: &str, text: &str) -> (String, Vec<AgentName>) {
        match self.team {
            Some(seed) => address(text, &mut Random::for_text(seed, word)),
            None => (text.to_owned(), Vec::new()),
        }
    }

    fn command(&mut self, back: usize, command: &str) {
        if let Some(thread) = self.thread(back) {
            self.commands.push(self.chat.say(&thread, "bob", command));
            self.disturbed.insert(thread);
        }
    }

    fn question(&self, back: usize) -> Option<Question> {
        let index = self.questions.len().checked_sub(back + 1)?;
        self.questions.get(index).cloned()
    }

    /// One of the last threads that are there.
    fn thread(&self, back: usize) -> Option<Place> {
        let threads = self
            .questions
            .iter()
            .rev()
            .filter_map(|Question { message, .. }| {
                let thread = self.chat.thread_of(message);
                let in_channel = message.place.thread.is_none();
                let there = in_channel && self.chat.look(|world| world.exists(&thread));
                there.then_some(thread)
            });
        let threads: Vec<Place> = threads.take(back + 1).collect();
        threads.last().cloned()
    }
}
