//! Many messages at once.

use std::collections::BTreeMap;
use std::time::Duration;

use mpg_core::id::Place;
use mpg_engine::{Ended, ScriptStep};
use mpg_testkit::fake::{Fault, Verb};

use crate::stage::{Stage, say, script};

const THREADS: usize = 50;
const MESSAGES: usize = 20;

#[tokio::test(start_paused = true)]
async fn a_thousand_messages_over_fifty_threads_are_answered_once_and_in_order() {
    let mut stage = Stage::new(script(|text, _| {
        let millis = u64::try_from(text.len() % 7).unwrap() * 30;
        vec![
            ScriptStep::Wait(Duration::from_millis(millis)),
            say(&format!("re: {text}")),
        ]
    }));
    stage.slots = 8;
    let engine = stage.start().await;
    for number in 0..20 {
        let fault = match number % 3 {
            0 => Fault::Transient { retry_after: None },
            1 => Fault::ReplyLost,
            _ => Fault::Delay(Duration::from_secs(1)),
        };
        stage.chat.fault(Verb::Post, fault);
    }
    let mut expected: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    let mut threads = Vec::new();
    for thread in 0..THREADS {
        let text = format!("thread {thread}, message 0");
        let first = stage.chat.say(&stage.general, "ann", &text);
        let place = stage.chat.thread_of(&first);
        expected.insert(place.clone(), vec![format!("re: {text}")]);
        threads.push(place);
    }
    for message in 1..MESSAGES {
        for (thread, place) in threads.iter().enumerate() {
            let text = format!("thread {thread}, message {message}");
            stage.chat.say(place, "ann", &text);
            let texts = expected.get_mut(place).unwrap();
            texts.push(format!("re: {text}"));
        }
    }
    stage.chat.end();
    assert_eq!(engine.ended().await.unwrap(), Ended::Drained);
    for (place, expected) in expected {
        let texts = stage.chat.look(|world| {
            let texts = world.texts(&place).into_iter();
            texts.map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(texts, expected, "{place}");
    }
    assert_eq!(stage.texts().len(), THREADS * MESSAGES);
}
