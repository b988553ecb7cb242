use mpg_core::request::Detail;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

struct Scene {
    dialogue: Dialogue,
}

impl Scene {
    fn begin() -> Self {
        let mut scene = Self {
            dialogue: Dialogue::new("/srv/project", PermissionMode::Default, false),
        };
        assert!(scene.written()[0].contains("initialize"));
        scene
    }

    fn submit(
        &mut self,
        number: u128,
        repeat: bool,
    ) -> oneshot::Receiver<Result<Submitted, OpenError>> {
        let (reply, answer) = oneshot::channel();
        let submission = Submission {
            id: id(number),
            prompt: "hello".to_owned(),
            images: Vec::new(),
            repeat,
        };
        self.dialogue.submit(submission, reply, true);
        answer
    }

    fn says(&mut self, line: &Value) {
        self.dialogue.read(format!("{line}\n").as_bytes());
    }

    fn init(&mut self) {
        self.says(&json!({ "type": "system", "subtype": "init", "model": "m" }));
    }

    fn replay(&mut self, number: u128) {
        let uuid = id(number).to_string();
        self.says(&json!({ "type": "user", "isReplay": true, "uuid": uuid }));
    }

    fn answers(&mut self, request: &str) {
        let response = json!({ "subtype": "success", "request_id": request });
        self.says(&json!({ "type": "control_response", "response": response }));
    }

    fn result(&mut self) {
        self.says(&json!({ "type": "result", "result": "fine", "num_turns": 1 }));
    }

    fn written(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.dialogue.next_line())
            .map(|line| String::from_utf8(line.bytes).unwrap())
            .collect()
    }

    fn ended(&mut self) -> Vec<Vec<SubmitId>> {
        std::iter::from_fn(|| self.dialogue.next_event())
            .filter_map(|event| match event {
                AgentEvent::Ended(report) => Some(report.submits),
                AgentEvent::Started { .. }
                | AgentEvent::Text { .. }
                | AgentEvent::TextEnded
                | AgentEvent::Thinking { .. }
                | AgentEvent::ToolStarted { .. }
                | AgentEvent::ToolEnded { .. }
                | AgentEvent::Tasks(_)
                | AgentEvent::Retrying(_)
                | AgentEvent::Requested(_)
                | AgentEvent::Withdrawn(_)
                | AgentEvent::Alive
                | AgentEvent::Exited(_) => None,
            })
            .collect()
    }

    fn asks(&mut self, request: &str) {
        self.asks_for(request, "Bash", &json!({ "command": "ls" }));
    }

    fn asks_for(&mut self, request: &str, tool: &str, input: &Value) {
        self.says(&json!({
            "type": "control_request",
            "request_id": request,
            "request": { "subtype": "can_use_tool", "tool_name": tool, "input": input },
        }));
    }

    /// The ids of the requests that people are told of.
    fn told(&mut self) -> Vec<String> {
        let events = std::iter::from_fn(|| self.dialogue.next_event());
        let told = events.filter_map(|event| {
            if let AgentEvent::Requested(request) = event {
                Some(request.id.as_str().to_owned())
            } else {
                None
            }
        });
        told.collect()
    }

    /// Goes on with what is to be looked at.
    fn sees(&mut self, is_plain: bool) {
        let (id, _) = self.dialogue.next_look().expect("something to look at");
        let detail = Some(Detail::Diff("the change".to_owned()));
        self.dialogue.saw(&id, Seen { detail, is_plain });
    }
}

fn id(number: u128) -> SubmitId {
    SubmitId::from_uuid(Uuid::from_u128(number))
}

fn fate(answer: &mut oneshot::Receiver<Result<Submitted, OpenError>>) -> Submitted {
    answer.try_recv().unwrap().unwrap()
}

#[test]
fn a_repeat_that_is_only_replayed_was_cut_off() {
    let mut scene = Scene::begin();
    let mut first = scene.submit(1, true);
    let mut waits = scene.submit(2, false);
    assert!(first.try_recv().is_err() && waits.try_recv().is_err());
    assert_eq!(scene.written().len(), 2, "the line and its barrier");
    scene.replay(1);
    scene.answers("mpg-1");
    assert_eq!(fate(&mut first), Submitted::InterruptedBefore);
    assert!(waits.try_recv().is_err());
    assert_eq!(
        fate(&mut scene.submit(1, true)),
        Submitted::InterruptedBefore
    );
    scene.init();
    assert_eq!(fate(&mut waits), Submitted::New);
    scene.replay(2);
    scene.result();
    assert_eq!(scene.ended(), [[id(2)]]);
}

#[test]
fn a_new_one_that_is_only_replayed_was_there_before() {
    let mut scene = Scene::begin();
    let mut first = scene.submit(1, false);
    scene.dialogue.interrupt();
    let mut again = scene.submit(1, true);
    assert_eq!(scene.written().len(), 1, "the line alone");
    scene.replay(1);
    assert_eq!(scene.written().len(), 1, "the barrier");
    assert!(first.try_recv().is_err() && again.try_recv().is_err());
    scene.answers("mpg-1");
    assert_eq!(fate(&mut first), Submitted::InterruptedBefore);
    assert_eq!(fate(&mut again), Submitted::InterruptedBefore);
    assert!(scene.dialogue.open().is_empty());
    // The interruption was for it, not for the next one.
    let mut next = scene.submit(2, false);
    scene.init();
    assert_eq!(fate(&mut next), Submitted::New);
    assert_eq!(scene.written().len(), 1, "the line alone");
    scene.replay(2);
    scene.result();
    assert_eq!(scene.ended(), [[id(2)]]);
}

#[test]
fn a_new_one_runs_once_a_turn_begins_or_ends() {
    for replay_first in [true, false] {
        let mut scene = Scene::begin();
        let mut answer = scene.submit(1, false);
        if replay_first {
            scene.replay(1);
            scene.init();
            scene.answers("mpg-1");
        } else {
            scene.init();
            scene.replay(1);
        }
        assert_eq!(fate(&mut answer), Submitted::New);
        assert_eq!(fate(&mut scene.submit(1, true)), Submitted::Known);
        scene.result();
        assert_eq!(scene.ended(), [[id(1)]]);
    }
    let mut scene = Scene::begin();
    let mut answer = scene.submit(1, false);
    scene.result();
    assert_eq!(fate(&mut answer), Submitted::New);
}

#[test]
fn a_repeat_that_begins_a_turn_runs() {
    for init_first in [true, false] {
        let mut scene = Scene::begin();
        let mut answer = scene.submit(1, true);
        if init_first {
            scene.init();
            scene.replay(1);
            scene.answers("mpg-1");
        } else {
            scene.answers("mpg-1");
            scene.init();
            scene.replay(1);
        }
        assert_eq!(fate(&mut answer), Submitted::New);
        assert_eq!(fate(&mut scene.submit(1, true)), Submitted::Known);
        scene.result();
        assert_eq!(scene.ended(), [[id(1)]]);
    }
}

#[test]
fn an_exit_answers_everything_that_waits() {
    let mut scene = Scene::begin();
    let mut runs = scene.submit(1, false);
    scene.init();
    let mut looked_up = scene.submit(2, true);
    let mut waits = scene.submit(3, false);
    scene.asks("r");
    scene.dialogue.exited(Exit {
        code: Some(1),
        stderr: String::new(),
    });
    assert_eq!(fate(&mut runs), Submitted::New);
    assert!(looked_up.try_recv().unwrap().is_err());
    assert!(waits.try_recv().is_err());
    let events: Vec<_> = std::iter::from_fn(|| scene.dialogue.next_event()).collect();
    let [
        AgentEvent::Started { .. },
        AgentEvent::Requested(_),
        AgentEvent::Ended(report),
        AgentEvent::Exited(_),
    ] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(report.submits, [id(1), id(2)]);
}

#[test]
fn what_is_open_is_bounded() {
    let mut scene = Scene::begin();
    let mut first = scene.submit(0, false);
    scene.init();
    assert_eq!(fate(&mut first), Submitted::New);
    for number in 1..crate::turns::OPEN as u128 {
        assert_eq!(fate(&mut scene.submit(number, false)), Submitted::New);
    }
    let mut refused = scene.submit(1_000, false);
    assert!(matches!(
        refused.try_recv(),
        Ok(Err(OpenError::Failed(message))) if message.contains("too many")
    ));
    scene.written();
    for number in 0..=asking::ASKING {
        scene.asks(&number.to_string());
    }
    let refused = scene.written();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("deny"));
}

#[test]
fn an_answer_goes_out_once_with_its_input() {
    let mut scene = Scene::begin();
    scene.asks("r");
    let request = RequestId::new("r");
    assert!(
        scene
            .dialogue
            .respond(&request, &Answer::Allow(Scope::Once))
    );
    assert!(
        !scene
            .dialogue
            .respond(&request, &Answer::Allow(Scope::Once))
    );
    let written = scene.written();
    assert_eq!(written.len(), 1);
    assert!(written[0].contains(r#""updatedInput":{"command":"ls"}"#));
}

#[test]
fn what_is_allowed_for_the_session_is_answered_from_memory() {
    let mut scene = Scene::begin();
    let write = |name: &str| json!({ "file_path": name, "content": "x" });
    scene.asks("1");
    scene.asks_for("2", "Write", &write("a"));
    assert_eq!(scene.told(), ["1"], "the other one is looked at first");
    assert_eq!(scene.dialogue.asking().count(), 1);
    scene.sees(true);
    assert_eq!(scene.told(), ["2"]);
    assert!(scene.dialogue.asked_at().is_some());
    for id in ["1", "2"] {
        let session = Answer::Allow(Scope::Session);
        assert!(scene.dialogue.respond(&RequestId::new(id), &session));
    }
    assert_eq!(scene.dialogue.asked_at(), None);
    assert_eq!(scene.written().len(), 2);
    scene.asks("3");
    scene.asks_for("4", "Write", &write("b"));
    scene.sees(true);
    assert_eq!(scene.written().len(), 2, "both are answered");
    scene.asks_for("5", "Bash", &json!({ "command": "ls -l" }));
    scene.asks_for("6", "Write", &write("link/b"));
    scene.sees(false);
    scene.asks_for("7", "Write", &write("/elsewhere/b"));
    scene.sees(true);
    assert_eq!(scene.told(), ["5", "6", "7"]);
    assert!(scene.written().is_empty());
}

#[test]
fn what_is_withdrawn_before_it_was_looked_at_is_never_told() {
    let mut scene = Scene::begin();
    scene.asks_for("1", "Write", &json!({ "file_path": "a", "content": "x" }));
    let (id, _) = scene.dialogue.next_look().expect("something to look at");
    scene.says(&json!({ "type": "control_cancel_request", "request_id": "1" }));
    let (detail, is_plain) = (None, true);
    scene.dialogue.saw(&id, Seen { detail, is_plain });
    assert!(scene.dialogue.next_event().is_none(), "nobody was told");
    scene.asks("2");
    assert_eq!(scene.told(), ["2"]);
    scene.says(&json!({ "type": "control_cancel_request", "request_id": "2" }));
    let withdrawn = AgentEvent::Withdrawn(RequestId::new("2"));
    assert_eq!(scene.dialogue.next_event(), Some(withdrawn));
}

#[test]
fn inputs_that_wait_are_bounded_together() {
    let mut scene = Scene::begin();
    let large = json!({ "text": "x".repeat(12 << 20) });
    for id in ["1", "2", "3"] {
        scene.asks_for(id, "mcp__a__b", &large);
    }
    assert_eq!(scene.told(), ["1", "2"]);
    let refused = scene.written();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("deny") && refused[0].len() < 1_000);
}

#[test]
fn an_agent_without_limits_still_asks_what_is_meant() {
    let mut scene = Scene {
        dialogue: Dialogue::new("/srv/project", PermissionMode::Default, true),
    };
    scene.written();
    scene.asks("1");
    assert_eq!(scene.written().len(), 1, "it is allowed");
    scene.asks_for("2", "Write", &json!({ "file_path": "a", "content": "x" }));
    assert_eq!(scene.written().len(), 1);
    let questions = json!({ "questions": [{ "question": "Which?", "options": [] }] });
    scene.asks_for("3", "AskUserQuestion", &questions);
    scene.asks_for("4", "ExitPlanMode", &json!({ "plan": "it" }));
    assert_eq!(scene.told(), ["3", "4"]);
}

#[test]
fn a_barrier_sets_the_mode_that_there_is() {
    let mut scene = Scene::begin();
    scene.says(&json!({
        "type": "system", "subtype": "status", "permissionMode": "acceptEdits",
    }));
    drop(scene.submit(1, true));
    let written = scene.written();
    assert!(written[1].contains("acceptEdits"), "{written:?}");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut known = Known::default();
    for number in 0..=KNOWN as u128 {
        known.insert(id(number), Submitted::Known);
        known.insert(id(number), Submitted::Known);
    }
    assert_eq!(known.get(id(0)), None);
    assert_eq!(known.get(id(1)), Some(Submitted::Known));
    assert_eq!((known.fates.len(), known.order.len()), (KNOWN, KNOWN));
}

#[test]
fn an_exit_before_a_look_up_is_answered_ends_the_turn() {
    let mut scene = Scene::begin();
    let mut fate = scene.submit(1, true);
    scene.init();
    scene.replay(1);
    scene.dialogue.exited(Exit {
        code: Some(9),
        stderr: String::new(),
    });
    assert!(matches!(fate.try_recv(), Ok(Err(OpenError::NotRunning))));
    let ended = std::iter::from_fn(|| scene.dialogue.next_event()).find_map(|event| {
        if let AgentEvent::Ended(report) = event {
            Some(report)
        } else {
            None
        }
    });
    let ended = ended.expect("the turn ends with its process");
    assert_eq!(ended.submits, [id(1)]);
    assert_eq!(
        ended.result.unwrap_err().kind,
        mpg_core::agent::FailureKind::Exited
    );
}
