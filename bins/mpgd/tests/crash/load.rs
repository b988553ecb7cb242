//! People who write without end, whether a gateway is there or not.

use std::fmt::Write as _;
use std::time::Duration;

use mpg_testkit::discord::Snowflake;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::home::Home;
use crate::outcome::{Outcome, outcomes, settled};
use crate::random::Random;

/// How many questions may be open at a time.
const OPEN: usize = 16;

/// How many threads people write in at a time.
const THREADS: usize = 10;

/// How many questions a thread gets.
const QUESTIONS: usize = 12;

/// One question.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) tag: String,
    /// Whether the agent is told to fail.
    pub(crate) fails: bool,
    /// Whether the agent is told to end itself once.
    pub(crate) crashes: bool,
}

/// A thread that grew, or will grow, from its first question.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) root: Snowflake,
    pub(crate) questions: Vec<Question>,
}

/// Everything that was ever asked.
pub(crate) struct Load<'a> {
    home: &'a Home,
    random: Random,
    pub(crate) threads: Vec<Thread>,
    asked: usize,
}

impl<'a> Load<'a> {
    pub(crate) fn new(home: &'a Home, random: Random) -> Self {
        Self {
            home,
            random,
            threads: Vec::new(),
            asked: 0,
        }
    }

    /// Writes until told to stop.
    pub(crate) async fn write(&mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow_and_update() {
            if self.open() < OPEN {
                self.ask();
            }
            let pause = Duration::from_millis(self.random.below(60));
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// How many questions have no outcome yet.
    pub(crate) fn open(&self) -> usize {
        let open = self.threads.iter().map(|thread| {
            let seen = self.outcomes(thread).map_or(0, |seen| settled(&seen));
            thread.questions.len().saturating_sub(seen)
        });
        open.sum()
    }

    /// The threads with questions that have no outcome yet, and what is seen in them.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        for thread in &self.threads {
            let seen = self.outcomes(thread);
            if seen.as_deref().map_or(0, settled) < thread.questions.len() {
                let tags: Vec<&str> = thread.questions.iter().map(|q| q.tag.as_str()).collect();
                let posts = self.posts(thread);
                // Writing to a string cannot fail.
                let _ = writeln!(report, "{}: {tags:?}, {seen:?}, {posts:#.90?}", thread.root);
            }
        }
        report
    }

    /// What is seen in a thread so far.
    pub(crate) fn outcomes(&self, thread: &Thread) -> Result<Vec<Outcome>, String> {
        outcomes(&self.posts(thread))
    }

    pub(crate) fn posts(&self, thread: &Thread) -> Vec<String> {
        let place = self.home.discord.thread_of(thread.root);
        place.map_or_else(Vec::new, |place| self.home.discord.bot_texts(place))
    }

    fn ask(&mut self) {
        let (text, question) = self.question();
        let lively: Vec<usize> = (0..self.threads.len())
            .filter(|index| self.threads[*index].questions.len() < QUESTIONS)
            .collect();
        if lively.len() < THREADS && (lively.is_empty() || self.random.chance(30)) {
            let channel = self.home.channels[self.random.index(self.home.channels.len())];
            let root = self.home.discord.say(channel, self.home.ann, &text);
            self.threads.push(Thread {
                root,
                questions: vec![question],
            });
            return;
        }
        let thread = &mut self.threads[lively[self.random.index(lively.len())]];
        // A thread that is not there yet cannot be written in; the question waits for another one.
        if let Some(place) = self.home.discord.thread_of(thread.root) {
            let (discord, ann) = (&self.home.discord, self.home.ann);
            discord.say_in_thread(place, ann, &text);
            thread.questions.push(question);
        }
    }

    fn question(&mut self) -> (String, Question) {
        let tag = format!("m{}", self.asked);
        self.asked += 1;
        let delay = self.random.below(30);
        let task = match self.random.below(100) {
            0..55 => format!("delay={delay}"),
            55..70 => "tools=2 delay=100".to_owned(),
            70..82 => format!("lines=80 delay={delay}"),
            82..90 => "delay=1500".to_owned(),
            90..95 => "crash".to_owned(),
            _ => "fail".to_owned(),
        };
        let question = Question {
            fails: task == "fail",
            crashes: task == "crash",
            tag,
        };
        (format!("{} {task}", question.tag), question)
    }
}
