//! What is said about side questions, and about threads that go on with another one's conversation.

use crate::persona::one_line;

/// How much of what a fork is asked first stands in what its thread grows from, in code points.
const LONGEST: usize = 300;

/// What stands before the answer to a side question.
pub fn aside() -> &'static str {
    "*(aside: this is no part of the conversation)*"
}

/// What the agent is told that a side question is put to.
pub fn asked_aside(question: &str) -> String {
    format!(
        "This is a side question about the conversation so far. It is no part of your task, which \
         somebody else goes on with. Answer it at once and briefly, from what you know already: you \
         have no tools for it.\n\n{question}"
    )
}

/// What the agent of a fork is told with the first thing that it is asked.
pub fn asked_first(directory: &str, prompt: &str) -> String {
    format!(
        "This conversation is a copy that goes on by itself from here: whatever is done in the other \
         one from now on, you do not see. You work in `{directory}`; where that is another directory \
         than before, what you changed there is not in it.\n\n{prompt}"
    )
}

/// Why a side question has no answer where there is nothing that it could be about.
pub fn nothing_to_ask_about() -> &'static str {
    "the conversation has said nothing yet that could be asked about; ask again a little later"
}

/// That more side questions are not asked for now.
pub(crate) fn too_many_asides(most: usize) -> String {
    format!("{most} side questions have no answer yet here; ask again when one has")
}

/// That a thread is on its way.
pub(crate) fn ordered() -> &'static str {
    "forked: a new thread in this channel goes on with what was said here so far"
}

/// Why nothing is forked where there are no threads.
pub(crate) fn no_threads() -> &'static str {
    "there are no threads in this channel that a fork could be opened in; nothing was forked"
}

/// Why nothing is forked where too much is owed.
pub(crate) fn busy() -> &'static str {
    "too much waits to be posted in this channel; nothing was forked, try again later"
}

/// What the thread of a fork grows from.
pub(crate) fn root(author: &str, prompt: Option<&str>) -> String {
    let author = one_line(author, 80).replace('`', "'");
    match prompt {
        Some(prompt) => format!(
            "a fork of another thread, for `{author}`: {}",
            one_line(prompt, LONGEST)
        ),
        None => format!("a fork of another thread, for `{author}`"),
    }
}

/// What is said in the thread of a fork that was asked nothing yet.
pub(crate) fn begins() -> &'static str {
    "write here what to go on with: the agent knows what was said in the other thread until then"
}

/// The title of the thread of a fork that was asked nothing yet.
pub(crate) fn title() -> &'static str {
    "fork"
}
