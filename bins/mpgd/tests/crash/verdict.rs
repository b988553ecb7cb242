//! What must hold once everything is answered.

use std::collections::{BTreeMap, BTreeSet};

use mpg_testkit::scripted_claude::{Event, runs};

use crate::home::Home;
use crate::load::{Load, Thread};
use crate::outcome::Outcome;

/// What a campaign may do to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agents {
    /// They outlive the gateway: each prompt runs once, and each turn is answered.
    Survive,
    /// They are killed too: what was cut off goes on visibly, or is given up after some attempts.
    Die,
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) messages: usize,
    pub(crate) answers: usize,
    pub(crate) failures: usize,
    /// Answers that say that they were resumed.
    pub(crate) resumed: usize,
    /// Prompts that ran again because no transcript knew them.
    pub(crate) forgotten: usize,
}

/// Checks all threads and all that agents ran.
pub(crate) fn check(home: &Home, load: &Load<'_>, agents: Agents) -> Verdict {
    let mut verdict = Verdict::default();
    let mut wrong = Vec::new();
    let mut resumed = BTreeSet::new();
    let mut failed = BTreeSet::new();
    let mut crashing = BTreeSet::new();
    for thread in &load.threads {
        let seen = match load.outcomes(thread) {
            Ok(seen) => seen,
            Err(problem) => {
                wrong.push(report(load, thread, &problem));
                continue;
            }
        };
        verdict.messages += thread.questions.len();
        let crashes = thread.questions.iter().filter(|question| question.crashes);
        crashing.extend(crashes.map(|question| question.tag.clone()));
        if seen.len() != thread.questions.len() {
            let problem = format!(
                "{} outcomes for {} messages",
                seen.len(),
                thread.questions.len()
            );
            wrong.push(report(load, thread, &problem));
            continue;
        }
        for (question, outcome) in thread.questions.iter().zip(seen) {
            match outcome {
                Outcome::Answer { tag, resumed: says } => {
                    verdict.answers += 1;
                    verdict.resumed += usize::from(says);
                    if says {
                        resumed.insert(tag.clone());
                    }
                    let cut_off = says && !question.crashes && agents == Agents::Survive;
                    if tag != question.tag || question.fails || cut_off {
                        let problem =
                            format!("{tag} answered (resumed: {says}) where {question:?} is due");
                        wrong.push(report(load, thread, &problem));
                    }
                }
                Outcome::Failure(text) => {
                    verdict.failures += 1;
                    failed.insert(question.tag.clone());
                    if !question.fails && agents == Agents::Survive {
                        let problem = format!("{} failed: {text}", question.tag);
                        wrong.push(report(load, thread, &problem));
                    }
                }
            }
        }
    }
    let visible = |tag: &str| resumed.contains(tag) || failed.contains(tag);
    let may_repeat = |tag: &str| agents == Agents::Die || crashing.contains(tag);
    verdict.forgotten = check_runs(home, may_repeat, visible, &mut wrong);
    for channel in &home.channels {
        let posts = home.discord.bot_texts(*channel);
        if !posts.is_empty() {
            wrong.push(format!("posts outside of threads: {posts:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    verdict
}

/// No prompt runs twice unless it was visibly cut off, or unless the agent that ran it first was
/// killed before its transcript knew; gives back how often that was.
fn check_runs(
    home: &Home,
    may_repeat: impl Fn(&str) -> bool,
    visible: impl Fn(&str) -> bool,
    wrong: &mut Vec<String>,
) -> usize {
    let mut forgotten = 0;
    let mut kept = BTreeSet::new();
    let mut begun: BTreeMap<String, String> = BTreeMap::new();
    for ran in runs(home.root()) {
        match ran.event {
            Event::Kept => {
                kept.insert(ran.uuid);
            }
            Event::Ended => {}
            Event::Began => {
                let earlier = begun.insert(ran.tag.clone(), ran.uuid.clone());
                let Some(earlier) = earlier else {
                    continue;
                };
                if !may_repeat(&ran.tag) {
                    wrong.push(format!("{} ran twice", ran.tag));
                } else if ran.continues && !visible(&ran.tag) {
                    wrong.push(format!("{} went on, and nothing says so", ran.tag));
                } else if !ran.continues && kept.contains(&earlier) {
                    wrong.push(format!("{} ran again: {earlier}, {}", ran.tag, ran.uuid));
                } else if !ran.continues {
                    forgotten += 1;
                }
            }
        }
    }
    forgotten
}

fn report(load: &Load<'_>, thread: &Thread, problem: &str) -> String {
    let tags: Vec<&str> = thread.questions.iter().map(|q| q.tag.as_str()).collect();
    let posts: Vec<String> = load
        .posts(thread)
        .iter()
        .map(|post| post.chars().take(90).collect())
        .collect();
    format!(
        "thread {}: {problem}\n  asked {tags:?}\n  posts {posts:#?}",
        thread.root
    )
}
