//! How soon a person's word ends a turn of the real `claude` that would go on for long.

use std::fs;
use std::time::{Duration, Instant};

use mpg_testkit::discord::Snowflake;
use tokio::time::sleep;

use crate::agent::begin_thread;
use crate::home::Home;
use crate::sample::Sample;

const RUNS: usize = 10;

/// How often it is looked whether the command runs.
const LOOK: Duration = Duration::from_millis(5);

/// How long the command runs before it is stopped: what is shown of it is there by then.
const PAUSE: Duration = Duration::from_millis(800);

/// From before the word is said until the loopback server has the post about what was done until then,
/// which follows the agent's own report that its turn has ended.
pub(crate) async fn sample(home: &Home) -> Sample {
    let thread = begin_thread(home).await;
    let mut sample = Sample::default();
    for run in 0..RUNS {
        begin(home, thread).await;
        let begin = Instant::now();
        home.discord.say_in_thread(thread, home.ann, "!stop");
        home.discord
            .wait_for(|world| {
                let posts = world.bot_messages(thread).into_iter();
                posts
                    .filter(|post| post.text().starts_with("*(stopped"))
                    .count()
                    > run
            })
            .await;
        sample.add_time(begin.elapsed());
    }
    sample
}

/// Has the agent run a command that takes twenty seconds.
async fn begin(home: &Home, thread: Snowflake) {
    let started = home.path("one/started");
    let prompt =
        "TOOL:Bash:{\"command\":\"touch started; sleep 20\",\"description\":\"x\"}\nSAY:too late";
    home.discord.say_in_thread(thread, home.ann, prompt);
    while !started.exists() {
        sleep(LOOK).await;
    }
    fs::remove_file(started).unwrap();
    sleep(PAUSE).await;
}
