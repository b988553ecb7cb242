//! What the gateway adds to a turn of a warm agent: before it is asked, and after it has answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mpg_testkit::discord::{Discord, Snowflake};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval};

use crate::clocked::{Moment, clocked};
use crate::running::{Running, discord, key};
use crate::sample::Sample;
use crate::table::{Budget, Table, Unit};

const RUNS: usize = 5;
const THREADS: usize = 10;
const TURNS: usize = 100;

/// 50 turns a second at the most.
const PACE: Duration = Duration::from_millis(20);

pub(crate) async fn measure(table: &mut Table) {
    let (mut asked, mut answered) = (Sample::default(), Sample::default());
    for _ in 0..RUNS {
        run(&mut asked, &mut answered).await;
    }
    let budget = Budget::MedianAndTail(0.002, 0.010);
    let what = "Discord event in → turn submitted to a warm agent";
    table.row(what, Unit::Seconds, &asked, budget);
    let what = "agent's result → first POST of the answer";
    table.row(what, Unit::Seconds, &answered, budget);
}

async fn run(asked: &mut Sample, answered: &mut Sample) {
    let server = Discord::start().await;
    let guild = server.add_guild("guild");
    let channel = server.add_channel(guild, "one");
    let ann = server.add_user("ann");
    let (agents, mut moments) = clocked();
    let connect = discord(&server, channel);
    let warm = u32::try_from(THREADS).unwrap();
    let gateway = Running::start(connect, key(channel), Arc::new(agents), 4, warm);
    server.wait_for(|world| world.identify_count() > 0).await;

    let mut threads = Vec::new();
    for _ in 0..THREADS {
        let message = server.say(channel, ann, "a first message");
        let thread = server.wait_until(|world| world.thread_of(message)).await;
        posted(&server, thread, 1).await;
        turn_of(&mut moments).await;
        threads.push(thread);
    }
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..TURNS {
        pace.tick().await;
        let thread = threads[number % THREADS];
        let posts = number / THREADS + 2;
        let said = Instant::now();
        server.say_in_thread(thread, ann, "and another one");
        posted(&server, thread, posts).await;
        let seen = Instant::now();
        let (submitted, ended) = turn_of(&mut moments).await;
        asked.add_time(submitted - said);
        answered.add_time(seen - ended);
    }
    gateway.stop().await;
}

async fn posted(server: &Discord, thread: Snowflake, count: usize) {
    server
        .wait_for(|world| world.bot_messages(thread).len() >= count)
        .await;
}

/// The moments of the one turn that was run.
async fn turn_of(moments: &mut UnboundedReceiver<Moment>) -> (Instant, Instant) {
    match (moments.recv().await, moments.recv().await) {
        (Some(Moment::Submitted(submitted)), Some(Moment::Ended(ended))) => (submitted, ended),
        other => panic!("not the moments of one turn: {other:?}"),
    }
}
