//! What people do, and what they may expect.

use std::collections::BTreeSet;

use mpg_core::control::Control;
use mpg_core::id::{AgentName, MessageRef, Place, Root, RootId, ThreadId};
use mpg_core::interaction;
use mpg_core::post::PostKind;
use mpg_testkit::fake::{FakePlatform, Happening, Posted};

use crate::plan::Action;
use crate::random::Random;
use crate::team::{NAMES, address};

/// Who may use the projects.
pub(crate) const USERS: [&str; 2] = ["ann", "bob"];

/// Who is in the channels and may not.
const STRANGER: &str = "eve";

/// What answers a request of an agent, and is a task where none is open.
const WORDS: [&str; 4] = ["allow", "deny", "session", "decline"];

/// Whether a text is such a word, which may be said more than once.
pub(crate) fn is_word(text: &str) -> bool {
    WORDS.contains(&text.strip_suffix(" (edited)").unwrap_or(text))
}

/// What somebody did with a control of a request.
#[derive(Clone, Debug)]
pub(crate) struct Press {
    pub(crate) message: MessageRef,
    pub(crate) by_stranger: bool,
}

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
    pub(crate) presses: Vec<Press>,
    /// What was asked aside.
    pub(crate) asides: Vec<Question>,
    /// The forks, with what they are to be asked first.
    pub(crate) forks: Vec<(MessageRef, Option<String>)>,
    pub(crate) commands: Vec<MessageRef>,
    /// Those of them, and of the questions, that were given natively: they are told once.
    pub(crate) native: BTreeSet<MessageRef>,
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
            presses: Vec::new(),
            asides: Vec::new(),
            forks: Vec::new(),
            commands: Vec::new(),
            native: BTreeSet::new(),
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
                if let Some(Question { message, word, .. }) = self.written(back) {
                    let (text, _) = self.address(&word, &format!("{word} (edited)"));
                    self.chat.edit(&message, &text);
                }
            }
            Action::Delete(back) => {
                if let Some(Question { message, .. }) = self.written(back) {
                    self.chat.delete(&message);
                    self.deleted.insert(message);
                }
            }
            Action::Kill(back) => self.command(back, "kill"),
            Action::Restart(back) => self.command(back, "restart"),
            Action::Stop(back) => self.command(back, "stop"),
            Action::Answer(back, how) => self.answer(back, &mut Random::new(how)),
            Action::Aside(back) => self.ask_aside(back),
            Action::Fork(back, asks) => self.fork(back, asks),
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
        let number = self.questions.len();
        let word = format!("q{number}");
        if self.team.is_some() && place.thread.is_none() && number % 4 == 3 {
            return self.ask_natively(place, word);
        }
        let (text, agents) = self.address(&word, &word);
        let message = self.chat.say(place, "ann", &text);
        self.questions.push(Question {
            message,
            word,
            agents,
        });
    }

    /// Asks one agent, by the command of the platform.
    fn ask_natively(&mut self, place: &Place, word: String) {
        let agent = NAMES[self.questions.len() / 4 % NAMES.len()];
        let task = [("agent", agent), ("task", word.as_str())];
        let message = self.chat.give(place, "ann", "ask", &task);
        self.native.insert(message.clone());
        self.questions.push(Question {
            message,
            word,
            agents: vec![AgentName::new(agent)],
        });
    }

    fn ask_aside(&mut self, back: usize) {
        if let Some(thread) = self.thread(back) {
            let word = format!("qa{}", self.asides.len());
            let message = self.chat.say(&thread, "bob", &format!("!btw {word}"));
            self.asides.push(Question {
                message,
                word,
                agents: Vec::new(),
            });
        }
    }

    fn fork(&mut self, back: usize, asks: bool) {
        if let Some(thread) = self.thread(back) {
            let word = asks.then(|| format!("qf{}", self.forks.len()));
            let text = format!("!fork {}", word.as_deref().unwrap_or_default());
            let message = self.chat.say(&thread, "bob", &text);
            self.forks.push((message, word));
        }
    }

    /// Where the thread of a conversation is, or would be if it could be opened.
    pub(crate) fn place_of(&self, root: &RootId) -> Place {
        match &root.root {
            Root::Message(message) => {
                Place::thread(root.channel.clone(), ThreadId::new(message.as_str()))
            }
            Root::Channel => Place::channel(root.channel.clone()),
            Root::Aside(asked) => {
                let mut asides = self.asides.iter().map(|aside| &aside.message);
                let asked = asides.find(|message| message.message == *asked);
                asked.expect("somebody asked it").place.clone()
            }
        }
    }

    /// Answers one of the last requests that were shown, whether it is open or not.
    fn answer(&mut self, back: usize, random: &mut Random) {
        let asked: Vec<Posted> = self.chat.look(|world| {
            let entries = world.entries().iter().rev();
            let posted = entries.filter_map(|entry| {
                let Happening::Posted { place, id, post } = &entry.happening else {
                    return None;
                };
                let asks = matches!(post.kind, PostKind::Request { .. });
                (asks && world.exists(place)).then(|| Posted {
                    place: place.clone(),
                    id: id.clone(),
                    post: post.clone(),
                })
            });
            posted.take(back + 1).collect()
        });
        let Some(Posted { place, post, .. }) = asked.into_iter().next_back() else {
            return;
        };
        let by_stranger = random.chance(10);
        if post.controls.is_empty() || (!by_stranger && random.chance(20)) {
            let word = WORDS[random.index(WORDS.len())];
            let message = self.chat.say(&place, "bob", word);
            self.questions.push(Question {
                message,
                word: word.to_owned(),
                agents: Vec::new(),
            });
            return;
        }
        let control = &post.controls[random.index(post.controls.len())];
        let name = if by_stranger {
            STRANGER
        } else {
            USERS[random.index(USERS.len())]
        };
        let message = self.chat.act(&place, name, using(control));
        self.native.insert(message.clone());
        self.presses.push(Press {
            message,
            by_stranger,
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
            // Every other one is the platform's own.
            let given = if self.commands.len() % 2 == 1 {
                let given = self.chat.give(&thread, "bob", command, &[]);
                self.native.insert(given.clone());
                given
            } else {
                self.chat.say(&thread, "bob", &format!("!{command}"))
            };
            self.commands.push(given);
            self.disturbed.insert(thread);
        }
    }

    /// One of the last questions, if it is a message, which can be changed.
    fn written(&self, back: usize) -> Option<Question> {
        let question = self.question(back);
        question.filter(|question| !self.native.contains(&question.message))
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

/// What somebody does with a control: what it opens is filled in, the first of a list is chosen.
fn using(control: &Control) -> interaction::Action {
    match control {
        Control::Button(button) => match &button.opens {
            Some(form) => interaction::Action::Submit {
                id: form.id.clone(),
                fields: form
                    .fields
                    .iter()
                    .map(|field| (field.name.clone(), "as it was".to_owned()))
                    .collect(),
            },
            None => interaction::Action::Press {
                id: button.id.clone(),
                values: Vec::new(),
            },
        },
        Control::Choice(choice) => interaction::Action::Press {
            id: choice.id.clone(),
            values: choice.options[..1]
                .iter()
                .map(|option| option.value.clone())
                .collect(),
        },
    }
}
