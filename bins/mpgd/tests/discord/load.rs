//! Many messages at once.

use mpg_core::config::Limits;
use mpg_testkit::discord::Discord;

use crate::subject::{Server, script};

const THREADS: usize = 50;
const MESSAGES: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_over_fifty_threads_are_each_answered_once_and_in_order() {
    let mut server = Server::with(Discord::builder(), script).await;
    server.limits = Limits {
        max_concurrent_turns: 16,
        max_warm_sessions: 64,
        max_sessions: 100,
        ..Limits::default()
    };
    let gateway = server.gateway().await;
    let mut roots = Vec::new();
    for thread in 0..THREADS {
        roots.push(server.say(server.one, &format!("say {thread}/0")));
    }
    let mut threads = Vec::new();
    for root in &roots {
        threads.push(
            server
                .discord
                .wait_until(|world| world.thread_of(*root))
                .await,
        );
    }
    for number in 1..MESSAGES / THREADS {
        for (index, thread) in threads.iter().enumerate() {
            let text = format!("say {index}/{number}");
            server.discord.say_in_thread(*thread, server.ann, &text);
        }
    }
    for (index, root) in roots.iter().enumerate() {
        let answers = server.answers(*root, MESSAGES / THREADS).await;
        let expected: Vec<String> = (0..MESSAGES / THREADS)
            .map(|number| format!("{index}/{number}"))
            .collect();
        assert_eq!(answers, expected);
    }
    gateway.stop().await.unwrap();
}
