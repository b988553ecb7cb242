//! Posts that were given up: what people hear of them, and how they get another chance.

use mpg_core::event::{Effect, Event, Undelivered};
use mpg_core::id::{DeliveryId, MessageId, MessageRef, Place};
use mpg_core::message::Inbound;

use crate::scene::{Scene, one};
use crate::world::{Pending, channel, config, thread};

/// Ends the post that is on its way.
fn refuse(scene: &mut Scene, why: Undelivered) -> DeliveryId {
    let index =
        scene.pending_position(|pending| matches!(pending, Pending::Effect(Effect::Deliver(_))));
    let Pending::Effect(Effect::Deliver(delivery)) = scene.world.pending.remove(index) else {
        unreachable!("it was looked for");
    };
    let id = delivery.post.id;
    let delivered = Event::Delivered {
        root: delivery.root,
        delivery: id,
        result: Err(why),
    };
    scene.event("the platform refuses", delivered);
    id
}

/// An answer that its platform did not take.
fn given_up() -> (Scene, DeliveryId) {
    let mut scene = Scene::of(config(2));
    scene.say(one(), 10, "work");
    scene.settle();
    scene.answer();
    let id = refuse(&mut scene, Undelivered::Dead("it is full".to_owned()));
    scene.settle();
    (scene, id)
}

/// What the gateway replies to a command.
fn reply(scene: &mut Scene, place: Place, id: u32, command: &str) -> String {
    scene.say(place, id, command);
    scene.settle();
    let (_, said) = scene.world.delivered.last().expect("a reply");
    said.clone()
}

#[test]
fn it_is_told_where_it_was_given_up_and_nowhere_else() {
    const TOLD: &str = "1 answer could not be delivered";
    let (mut scene, id) = given_up();
    let dead: Vec<DeliveryId> = scene
        .world
        .gateway
        .dead_letters()
        .iter()
        .map(|dead| dead.post.id)
        .collect();
    assert_eq!(dead, [id]);
    scene.say(one(), 20, "more");
    scene.settle();
    let commands = [
        (thread("one", "10"), "!session", true),
        (thread("one", "20"), "!session", false),
        (one(), "!session", true),
        (one(), "!session ONE", true),
        (one(), "!session two", false),
        (Place::channel(channel("two")), "!session", false),
    ];
    for (id, (place, command, told)) in (30..).zip(commands) {
        let said = reply(&mut scene, place.clone(), id, command);
        assert_eq!(said.contains(TOLD), told, "{place:?} {command}: {said}");
    }
}

#[test]
fn it_is_posted_again_when_somebody_asks_for_it() {
    let (mut scene, id) = given_up();
    let before = scene.world.delivered.len();
    scene.event("once more", Event::Redeliver(id));
    scene.event("and again", Event::Redeliver(id));
    scene.settle();
    let posted = &scene.world.delivered[before..];
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].0, thread("one", "10"));
    assert!(scene.world.disk.dead.is_empty());
    scene.event("it is no dead letter any more", Event::Redeliver(id));
    scene.settle();
    assert_eq!(scene.world.delivered.len(), before + 1);
}

#[test]
fn it_goes_to_the_channel_where_its_thread_is_gone() {
    let (mut scene, id) = given_up();
    scene.event("once more", Event::Redeliver(id));
    let gone = || Undelivered::Gone("no such channel".to_owned());
    assert_eq!(refuse(&mut scene, gone()), id);
    let posts = scene
        .world
        .pending
        .iter()
        .filter_map(|pending| match pending {
            Pending::Effect(Effect::Deliver(delivery)) => {
                Some((delivery.post.id, delivery.place.clone()))
            }
            Pending::Effect(_) | Pending::Run(_) | Pending::Close(_) => None,
        });
    assert_eq!(posts.collect::<Vec<_>>(), [(id, one())]);
    // Nobody looks for another place a second time.
    refuse(&mut scene, gone());
    scene.settle();
    assert_eq!(scene.world.disk.dead[0].post.id, id);
}

/// A post that its platform showed, or one of another id, and then did not confirm: how many are
/// given up.
fn given_up_after_an_echo(shown: bool) -> usize {
    let mut scene = Scene::of(config(2));
    scene.say(one(), 10, "work");
    scene.settle();
    scene.answer();
    let on_its_way = scene
        .world
        .pending
        .iter()
        .find_map(|pending| match pending {
            Pending::Effect(Effect::Deliver(delivery)) => Some(delivery.post.id),
            Pending::Effect(_) | Pending::Run(_) | Pending::Close(_) => None,
        });
    let other = DeliveryId::of_board(scene.world.disk.installation, &channel("one"));
    let echo = Inbound::OwnEcho {
        delivery: on_its_way.filter(|_| shown).unwrap_or(other),
        message: MessageRef {
            place: thread("one", "10"),
            message: MessageId::new("77"),
        },
    };
    scene.inbound("its own post", echo);
    refuse(&mut scene, Undelivered::Dead("it is full".to_owned()));
    scene.settle();
    scene.world.gateway.dead_letters().len()
}

#[test]
fn a_post_that_its_platform_shows_was_made() {
    assert_eq!(given_up_after_an_echo(true), 0);
    assert_eq!(given_up_after_an_echo(false), 1);
}
