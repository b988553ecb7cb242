//! People who write in many threads, and allow what agents ask for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use mpg_testkit::discord::Snowflake;
use tokio::time::{Instant, sleep};

use crate::home::{Home, PATIENCE};
use crate::outcome::{Outcome, outcomes, settled};
use crate::random::Random;

/// How many questions may be open at a time.
const OPEN: usize = 40;

/// How many threads people write in at a time.
const THREADS: usize = 200;

/// How many questions a thread gets.
const QUESTIONS: usize = 12;

/// What the button says that allows what is asked for.
const ALLOW: &str = "Allow once";

/// A thread, and what is due in it.
struct Thread {
    root: Snowflake,
    questions: usize,
    /// The tags that have to be answered.
    due: Vec<String>,
    /// How many turns have to fail.
    failures: usize,
    /// Whether everything had its outcome when it was last looked at.
    settled: bool,
}

/// Everybody who writes.
pub(super) struct People<'a> {
    home: &'a Home,
    random: Random,
    threads: Vec<Thread>,
    asked: usize,
    open: usize,
}

impl<'a> People<'a> {
    pub(super) fn new(home: &'a Home, random: Random) -> Self {
        Self {
            home,
            random,
            threads: Vec::new(),
            asked: 0,
            open: 0,
        }
    }

    /// How many messages were written.
    pub(super) fn asked(&self) -> usize {
        self.asked
    }

    /// Somebody writes something, unless enough is open.
    pub(super) fn ask(&mut self) {
        if self.open >= OPEN {
            return;
        }
        let lively: Vec<usize> = (0..self.threads.len())
            .filter(|index| self.threads[*index].questions < QUESTIONS)
            .collect();
        let (discord, ann) = (&self.home.discord, self.home.ann);
        if lively.len() < THREADS && (lively.is_empty() || self.random.chance(30)) {
            let channel = self.home.channels[self.random.index(self.home.channels.len())];
            let (text, due) = self.question();
            let thread = Thread {
                root: discord.say(channel, ann, &text),
                questions: 1,
                failures: usize::from(due.is_empty()),
                due,
                settled: false,
            };
            self.threads.push(thread);
        } else {
            let index = lively[self.random.index(lively.len())];
            // A thread that is not there yet cannot be written in.
            let Some(place) = discord.thread_of(self.threads[index].root) else {
                return;
            };
            let (text, due) = self.question();
            discord.say_in_thread(place, ann, &text);
            let thread = &mut self.threads[index];
            thread.questions += 1;
            thread.failures += usize::from(due.is_empty());
            thread.due.extend(due);
            thread.settled = false;
        }
        self.open += 1;
    }

    /// Somebody allows whatever is asked for, and everybody looks at what came.
    pub(super) fn allow(&mut self) {
        let discord = &self.home.discord;
        self.open = 0;
        for thread in &mut self.threads {
            if thread.settled {
                continue;
            }
            let Some(place) = discord.thread_of(thread.root) else {
                self.open += thread.questions;
                continue;
            };
            for message in discord.messages(place) {
                discord.press_if_labelled(message.id, self.home.ann, ALLOW);
            }
            let seen = outcomes(&discord.bot_texts(place)).map_or(0, |seen| settled(&seen));
            let due = thread.due.len() + thread.failures;
            thread.settled = seen >= due;
            self.open += due.saturating_sub(seen);
        }
    }

    /// Waits until everything has its outcome; `length` is how long they wrote.
    pub(super) async fn finish(&mut self, length: Duration) {
        let until = Instant::now() + PATIENCE + length / 10;
        loop {
            self.allow();
            if self.open == 0 {
                return;
            }
            assert!(
                Instant::now() < until,
                "{} messages are not answered:\n{}\nthe log ends:\n{}",
                self.open,
                self.report(),
                self.home.log()
            );
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// What came of everything, in words.
    ///
    /// # Panics
    ///
    /// Panics where something is missing or there twice.
    pub(super) fn verdict(&self) -> String {
        let mut wrong = String::new();
        let (mut answers, mut failures) = (0, 0);
        for thread in &self.threads {
            let posts = self.posts(thread);
            let mut due = counted(&thread.due);
            let mut failed = 0;
            let seen = outcomes(&posts).unwrap_or_else(|problem| {
                // Writing to a string cannot fail.
                let _ = writeln!(wrong, "{}: {problem}: {posts:#.90?}", thread.root);
                Vec::new()
            });
            for outcome in seen {
                match outcome {
                    Outcome::Answer { tag, .. } => {
                        *due.entry(tag).or_default() -= 1;
                        answers += 1;
                    }
                    Outcome::Failure(_) => failed += 1,
                }
            }
            due.retain(|_, count| *count != 0);
            if !due.is_empty() || failed != thread.failures {
                let failures = thread.failures;
                // Writing to a string cannot fail.
                let _ = writeln!(
                    wrong,
                    "{}: due and not answered once {due:?}, {failed} of {failures} failures: {posts:#.90?}",
                    thread.root
                );
            }
            failures += failed;
        }
        assert!(wrong.is_empty(), "{wrong}");
        format!(
            "{} threads, {} messages, {answers} answers, {failures} failures",
            self.threads.len(),
            self.asked,
        )
    }

    /// The threads in which something is open, and what is seen in them.
    fn report(&self) -> String {
        let open = self.threads.iter().filter(|thread| !thread.settled);
        let lines = open.map(|thread| {
            let posts = self.posts(thread);
            format!("{}: {:?}, {posts:#.90?}\n", thread.root, thread.due)
        });
        lines.collect()
    }

    fn posts(&self, thread: &Thread) -> Vec<String> {
        let place = self.home.discord.thread_of(thread.root);
        place.map_or_else(Vec::new, |place| self.home.discord.bot_texts(place))
    }

    /// A question, and the tags that have to be answered; none for one that has to fail.
    fn question(&mut self) -> (String, Vec<String>) {
        let tag = format!("m{}", self.asked);
        self.asked += 1;
        let delay = self.random.below(30);
        let task = match self.random.below(100) {
            0..45 => format!("delay={delay}"),
            45..60 => "tools=3 delay=100".to_owned(),
            60..72 => format!("lines=80 delay={delay}"),
            72..78 => "delay=1500".to_owned(),
            78..86 => "ask".to_owned(),
            86..93 => {
                let next = format!("m{}", 1_000_000_000 + self.asked);
                return (format!("@dev {tag} to=qa/{next}"), vec![tag, next]);
            }
            93..97 => "crash".to_owned(),
            _ => return (format!("{tag} fail"), Vec::new()),
        };
        (format!("{tag} {task}"), vec![tag])
    }
}

fn counted(tags: &[String]) -> BTreeMap<String, i32> {
    let mut counted = BTreeMap::new();
    for tag in tags {
        *counted.entry(tag.clone()).or_default() += 1;
    }
    counted
}
