//! Messages that are handed to the turn that runs.

use mpg_core::config::WhileBusy;
use mpg_engine::ScriptStep;
use mpg_testkit::fake::World;

use crate::stage::{Stage, say, script, wait};

/// An agent that ends its turn without having read what it was handed, and goes on with that by itself.
fn steered(on: impl Fn() -> Vec<ScriptStep> + Send + Sync + 'static) -> Stage {
    let mut stage = Stage::new(script(move |text, _| match text {
        "work" => vec![wait(5), say("worked")],
        "more" => on(),
        "elsewhere" => vec![ScriptStep::Ask("Read".to_owned()), wait(50), say(" here")],
        _ => vec![say(text)],
    }));
    stage.while_busy = WhileBusy::Steer;
    stage
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_asks_that_went_on_by_itself_is_asked_in_its_turn() {
    let stage = steered(|| vec![ScriptStep::Ask("Bash".to_owned()), say(" and done")]);
    let engine = stage.start().await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    let thread = stage.chat.thread_of(&first);
    stage.chat.wait_until(|world| world.exists(&thread)).await;
    stage.chat.say(&thread, "ann", "more");
    stage.posts(2).await;
    stage.chat.say(&thread, "ann", "allow");
    stage.posts(4).await;
    engine.drain().await;
    let texts = stage.texts();
    assert_eq!(texts[0], "worked");
    assert!(texts[1].starts_with("`Bash` needs permission"), "{texts:?}");
    assert!(texts.contains(&"allowed and done".to_owned()), "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_a_message_that_was_deleted_is_denied_and_the_agent_goes_on() {
    let mut stage = steered(|| vec![ScriptStep::Ask("Bash".to_owned()), say(" and done")]);
    stage.slots = 1;
    let engine = stage.start().await;
    let other = stage.chat.say(&stage.general, "bob", "elsewhere");
    stage.posts(1).await;
    let first = stage.chat.say(&stage.general, "ann", "work");
    let thread = stage.chat.thread_of(&first);
    stage.chat.wait_until(|world| world.exists(&thread)).await;
    let more = stage.chat.say(&thread, "ann", "more");
    stage.chat.wait_until(World::is_acknowledged).await;
    // Who waited for people goes on first: the agent of `work` goes on by itself meanwhile.
    let elsewhere = stage.chat.thread_of(&other);
    stage.chat.say(&elsewhere, "bob", "allow");
    stage.posts(3).await;
    stage.chat.delete(&more);
    stage.chat.say(&thread, "ann", "again");
    stage.posts(5).await;
    engine.drain().await;
    let texts = stage.texts();
    let asked = texts.iter().filter(|text| text.contains("`Bash`"));
    assert_eq!(asked.count(), 0, "{texts:?}");
    assert!(
        texts.ends_with(&["allowed here".to_owned(), "again".to_owned()]),
        "{texts:?}"
    );
}
