//! What becomes of messages that are edited while they wait.

use mpg_core::id::{ConversationId, Place, RootId};
use mpg_core::message::Inbound;
use mpg_core::route::MAX_QUEUED_BYTES;

use crate::scene::Scene;
use crate::world::{channel, message, team, thread};

/// What waits behind a message that is worked on, all of it for the thread's own agent.
struct Waiting(Scene);

impl Waiting {
    fn new(texts: &[&str]) -> Self {
        let mut scene = Scene::of(team(1));
        scene.say(Place::channel(channel("one")), 10, "work");
        scene.settle();
        for (id, text) in (11..).zip(texts) {
            scene.say(here(), id, text);
        }
        Self(scene)
    }

    fn edit(&mut self, id: u32, text: &str) {
        let message = message(here(), id, "ann", "").reference();
        let text = text.to_owned();
        self.0.world.receive(Inbound::Edited { message, text });
    }

    /// What will be asked.
    fn prompts(&self) -> Vec<&str> {
        let root = RootId::of_message(channel("one"), message(here(), 10, "ann", "").id);
        let ConversationId { root, agent } = ConversationId { root, agent: None };
        let thread = &self.0.world.gateway.state().threads[&root];
        let conversation = thread.conversations.get(agent.as_ref());
        let queue = &conversation.expect("it is there").queue;
        queue.iter().map(|turn| turn.prompt.as_str()).collect()
    }
}

fn here() -> Place {
    thread("one", "10")
}

#[test]
fn an_edit_that_asks_nothing_leaves_what_was_asked() {
    let mut waiting = Waiting::new(&["first", "second"]);
    for nothing in ["", " \n", "@pm", "!sessions", "!deploy"] {
        waiting.edit(11, nothing);
        assert_eq!(waiting.prompts(), ["first", "second"], "{nothing:?}");
    }
    waiting.edit(11, "@pm: another");
    assert_eq!(waiting.prompts(), ["another", "second"]);
    waiting.edit(13, "what was never said");
    assert_eq!(waiting.prompts(), ["another", "second"]);
}

#[test]
fn an_edit_makes_what_waits_no_larger_than_it_may_be() {
    let others = "x".repeat(1_000);
    let mut waiting = Waiting::new(&["first", &others]);
    let most = "y".repeat(MAX_QUEUED_BYTES - others.len());
    waiting.edit(11, &format!("{most}y"));
    assert_eq!(waiting.prompts()[0], "first");
    waiting.edit(11, &most);
    assert_eq!(waiting.prompts()[0].len(), most.len());
    // Its own former text does not count.
    let least = "z".repeat(most.len());
    waiting.edit(11, &least);
    assert_eq!(waiting.prompts()[0], least);
    waiting.edit(12, &format!("{others}x"));
    assert_eq!(waiting.prompts()[1], others);
}
