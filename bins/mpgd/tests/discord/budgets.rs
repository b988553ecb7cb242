//! A day's budget, as people meet it: told before it is used up, and lifted with a button.

use mpg_core::agent::Usage;
use mpg_engine::{Prompt, ScriptStep};
use mpg_testkit::discord::Discord;

use crate::subject::Server;

fn script(prompt: Prompt<'_>) -> Vec<ScriptStep> {
    let usage = Usage {
        cost_microdollars: 450_000,
        ..Usage::default()
    };
    let answer = format!("re: {}", prompt.text);
    vec![ScriptStep::Say(answer), ScriptStep::Spend(usage)]
}

#[tokio::test]
async fn a_budget_is_told_of_holds_work_back_and_is_lifted_across_restarts() {
    let mut server = Server::with(Discord::builder(), script).await;
    server.adjust = |_, project| project.budgets.project = Some(1_000_000);
    let gateway = server.gateway().await;
    let first = server.say(server.one, "first");
    server.says(first, "re: first").await;
    let second = server.say(server.one, "second");
    server.says(second, "re: second").await;
    server
        .says(second, "$0.90 of $1.00 of today's budget")
        .await;
    let third = server.say(server.one, "third");
    server.says(third, "re: third").await;
    let fourth = server.say(server.one, "fourth");
    server.says(fourth, "is used up ($1.35 of $1.00)").await;
    gateway.kill().await;

    let gateway = server.gateway().await;
    let held_back = server
        .discord
        .wait_until(|world| {
            let posts = world.bot_messages(world.thread_of(fourth)?);
            let mut posts = posts.iter();
            let told = posts.find(|post| post.text().contains("is used up"))?;
            Some(told.id)
        })
        .await;
    server.press_for(held_back, "Lift for today");
    server.says(fourth, "re: fourth").await;
    server.says(fourth, "do not hold any more").await;
    let texts = server.discord.look(|world| {
        let posts = world.bot_messages(world.thread_of(fourth).unwrap());
        let texts = posts.iter().map(|post| post.text().to_owned());
        texts.collect::<Vec<_>>()
    });
    let answers = texts.iter().filter(|text| text.contains("re: fourth"));
    assert_eq!(answers.count(), 1, "{texts:?}");
    gateway.stop().await.unwrap();
}
