use mpg_core::agent::tool::{LONGEST_EXCERPT, LineCount, ToolKind};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use serde_json::json;

use super::*;

fn read(bytes: &[u8]) -> Vec<Output> {
    let mut out = Vec::new();
    Stream::new("/srv/project").push(bytes, &mut out);
    out
}

/// One line of debug output for each thing that a recording says.
fn told(recording: &str) -> String {
    let said: Vec<String> = read(recording.as_bytes())
        .iter()
        .map(|output| format!("{output:?}"))
        .collect();
    said.join("\n")
}

#[test]
fn a_turn_with_a_tool() {
    insta::assert_snapshot!(told(include_str!("fixtures/tool.jsonl")));
}

#[test]
fn interrupted_failed_and_retried() {
    insta::assert_snapshot!(told(include_str!("fixtures/failures.jsonl")));
}

#[test]
fn several_blocks_sub_agents_and_unknown_events() {
    insta::assert_snapshot!(told(include_str!("fixtures/mixed.jsonl")));
}

#[test]
fn a_usage_limit_and_the_signs_of_life_before_it() {
    insta::assert_snapshot!(told(include_str!("fixtures/limit.jsonl")));
}

#[test]
fn an_input_and_a_result_of_a_megabyte_are_told_in_short() {
    let content = "a line of it\n".repeat(100_000);
    let call = json!({ "type": "assistant", "message": { "content": [{
        "type": "tool_use", "id": "t", "name": "Write",
        "input": { "file_path": "/srv/project/large.txt", "content": content },
    }] } });
    let result = json!({ "type": "user", "message": { "content": [{
        "type": "tool_result", "tool_use_id": "t", "content": content,
    }] } });
    let out = read(format!("{call}\n{result}\n").as_bytes());
    let lines = LineCount {
        added: 100_000,
        removed: 0,
    };
    let started = Output::Event(AgentEvent::ToolStarted {
        id: "t".to_owned(),
        parent: None,
        kind: ToolKind::Editing(lines),
        name: "Write".to_owned(),
        summary: "large.txt".to_owned(),
    });
    let [first, Output::Event(AgentEvent::ToolEnded { excerpt, .. })] = out.as_slice() else {
        panic!("{} outputs", out.len());
    };
    assert_eq!(*first, started);
    assert_eq!(excerpt.chars().count(), LONGEST_EXCERPT);
}

#[test]
fn text_that_was_not_streamed_is_told_whole() {
    let line = json!({
        "type": "assistant",
        "message": { "model": "m", "content": [{ "type": "text", "text": "whole" }] },
    });
    let delta = "whole".to_owned();
    assert_eq!(
        read(format!("{line}\n").as_bytes()),
        [
            Output::Event(AgentEvent::Text { delta }),
            Output::Event(AgentEvent::TextEnded),
        ]
    );
}

#[test]
fn bytes_that_are_not_utf8_lose_only_themselves() {
    let mut line = br#"{"type":"result","is_error":false,"result":"a"#.to_vec();
    line.push(0xff);
    line.extend(b"b\"}\n");
    let Some(Output::Ended(result)) = read(&line).pop() else {
        panic!("the result is lost");
    };
    assert_eq!(result.text, "a\u{fffd}b");
}

#[test]
fn a_result_that_is_too_long_still_ends_the_turn() {
    let mut stream = Stream::new("/");
    let mut out = Vec::new();
    stream.push(br#"{"type":"result","result":""#, &mut out);
    for _ in 0..50 {
        stream.push(&vec![b'x'; 1 << 20], &mut out);
    }
    stream.push(
        b"\"}\n{\"type\":\"system\",\"subtype\":\"init\"}\n",
        &mut out,
    );
    let [Output::Ended(result), Output::Began { .. }] = out.as_slice() else {
        panic!("{out:?}");
    };
    assert!(result.is_error && result.text.contains("too long"));
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "{\"type\":\"result\",\"usage\":{\"input_tokens\":-1},\"total_cost_usd\":1e300}",
        "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"tool_use\"}]}}",
        "{\"type\":\"assistant\",\"message\":{\"content\":[[],{\"type\":\"text\"}]}}",
        "{\"type\":\"user\",\"isReplay\":true,\"uuid\":\"x\"}",
        "{\"type\":\"control_request\",\"request\":{\"subtype\":\"can_use_tool\",\"input\":[]}}",
        "{\"type\":\"system\",\"subtype\":\"api_retry\",\"retry_delay_ms\":1e300}",
        "{\"type\":[\"result\"]}",
        "[]",
        "\n",
        "\u{e9}",
    ];
    let known: Vec<_> = known
        .into_iter()
        .map(|text| Just(text.as_bytes().to_vec()).boxed())
        .collect();
    let cut = proptest::sample::select(known)
        .prop_flat_map(|known| (known, 0_usize..100))
        .prop_map(|(bytes, cut)| bytes[..bytes.len() - cut.min(bytes.len())].to_vec());
    prop_oneof![vec(any::<u8>(), 0..40), cut, Just(b"\n".to_vec())]
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        pieces in vec(piece(), 0..20),
        cut in 0_usize..400,
    ) {
        let bytes = pieces.concat();
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        let mut stream = Stream::new("/srv/project");
        let mut out = Vec::new();
        stream.push(left, &mut out);
        stream.push(right, &mut out);
        prop_assert_eq!(read(&bytes), out);
    }
}
