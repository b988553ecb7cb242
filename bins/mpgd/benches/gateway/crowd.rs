//! How many turns a second, with agents that answer at once and everybody speaking at once.

use std::sync::Arc;
use std::time::Instant;

use mpg_core::id::Place;
use mpg_testkit::discord::Discord;
use mpg_testkit::fake::FakePlatform;

use crate::clocked::instant;
use crate::running::{Running, discord, key};
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

const RUNS: usize = 5;
const CONVERSATIONS: usize = 200;
/// In each conversation, all said at once.
const TURNS: usize = 10;
const DISCORD_TURNS: usize = 5;

const SLOTS: u32 = 64;
const WARM: u32 = 256;

pub(crate) async fn measure(table: &mut Table) {
    let mut sample = Sample::default();
    for _ in 0..RUNS {
        sample.add(on_a_platform_in_memory().await);
    }
    let what = "turns a second, 200 conversations, a platform in memory";
    table.row(what, Unit::PerSecond, &sample, Budget::AtLeast(1_000.0));

    let mut sample = Sample::default();
    for _ in 0..RUNS {
        sample.add(on_discord().await);
    }
    let what = "turns a second, 200 conversations, the loopback Discord";
    table.row(what, Unit::PerSecond, &sample, Budget::None);
}

async fn on_a_platform_in_memory() -> f64 {
    let chat = FakePlatform::new();
    let channel = chat.add_channel("one");
    let connection = chat.connect();
    let gateway = Running::start(
        async { connection },
        channel.channel.clone(),
        Arc::new(instant()),
        SLOTS,
        WARM,
    );
    let roots: Vec<_> = (0..CONVERSATIONS)
        .map(|_| chat.say(&channel, "ann", "a first message"))
        .collect();
    let posts = |count| chat.wait_until(move |world| world.posts().len() >= count);
    posts(CONVERSATIONS).await;
    let threads: Vec<Place> = roots.iter().map(|root| chat.thread_of(root)).collect();

    let begin = Instant::now();
    for _ in 0..TURNS {
        for thread in &threads {
            chat.say(thread, "ann", "and another one");
        }
    }
    posts(CONVERSATIONS * (TURNS + 1)).await;
    let rate = rate(TURNS, begin);
    gateway.stop().await;
    rate
}

async fn on_discord() -> f64 {
    let server = Discord::start().await;
    let guild = server.add_guild("guild");
    let channel = server.add_channel(guild, "one");
    let ann = server.add_user("ann");
    let connect = discord(&server, channel);
    let agents = Arc::new(instant());
    let gateway = Running::start(connect, key(channel), agents, SLOTS, WARM);
    server.wait_for(|world| world.identify_count() > 0).await;
    let roots: Vec<_> = (0..CONVERSATIONS)
        .map(|_| server.say(channel, ann, "a first message"))
        .collect();
    let posts = async |count| {
        for root in &roots {
            server
                .wait_for(|world| {
                    let thread = world.thread_of(*root);
                    thread.is_some_and(|thread| world.bot_messages(thread).len() >= count)
                })
                .await;
        }
    };
    posts(1).await;

    let begin = Instant::now();
    for _ in 0..DISCORD_TURNS {
        for root in &roots {
            // A thread has the id of its message.
            server.say_in_thread(*root, ann, "and another one");
        }
    }
    posts(DISCORD_TURNS + 1).await;
    let rate = rate(DISCORD_TURNS, begin);
    gateway.stop().await;
    rate
}

fn rate(turns: usize, begin: Instant) -> f64 {
    let turns = u32::try_from(CONVERSATIONS * turns).unwrap();
    f64::from(turns) / begin.elapsed().as_secs_f64()
}
