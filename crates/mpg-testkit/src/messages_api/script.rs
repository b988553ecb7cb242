//! What a prompt tells the model to do.

use std::time::Duration;

use serde_json::Value;

/// What the model does with one request.
#[derive(Debug, PartialEq)]
pub(super) struct Script {
    /// What comes before the answer, in order.
    pub(super) before: Vec<Before>,
    /// The answer.
    pub(super) answer: Answer,
}

/// A step before an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Before {
    Wait(Duration),
    /// Until what is named so is released.
    Hold(String),
    Think(String),
    /// A tool that is called together with the one that is the answer.
    Tool {
        index: usize,
        name: String,
        input: Value,
    },
}

/// How a request is answered.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Say(String),
    Tool {
        /// Rises with each call of a prompt, so that ids do not repeat.
        index: usize,
        name: String,
        input: Value,
    },
    Stall(String),
    Hang,
    Fail(u16),
}

enum Directive {
    Before(Before),
    Answer(Answer),
}

impl Script {
    /// What the last prompt of a request asks for, or `line` in its place, given how many of its
    /// tools were called already.
    pub(super) fn of(body: &Value, line: Option<&str>) -> Self {
        let last = prompts(body).last();
        let Some((position, prompt)) = last else {
            return Self::say("nothing was asked");
        };
        let called = tool_calls_after(body, position);
        Self::read(line.unwrap_or(prompt), called)
    }

    fn read(prompt: &str, called: usize) -> Self {
        let mut steps = 0;
        let mut scripted = false;
        let mut before = Vec::new();
        for line in prompt.lines() {
            match directive(line.trim(), steps) {
                None => {}
                Some(Directive::Before(step)) => {
                    scripted = true;
                    before.push(step);
                }
                Some(Directive::Answer(answer)) if steps == called => {
                    return Self { before, answer };
                }
                Some(Directive::Answer(_)) => {
                    scripted = true;
                    let together = before.iter();
                    let together = together.filter(|step| matches!(step, Before::Tool { .. }));
                    steps += 1 + together.count();
                    before.clear();
                }
            }
        }
        let text = if scripted {
            "done".to_owned()
        } else {
            format!("echo: {}", prompt.trim().lines().last().unwrap_or_default())
        };
        let answer = Answer::Say(text);
        Self { before, answer }
    }

    fn say(text: &str) -> Self {
        Self {
            before: Vec::new(),
            answer: Answer::Say(text.to_owned()),
        }
    }
}

/// The prompts of a request with the index of their message, without what the CLI adds by itself.
pub(super) fn prompts(body: &Value) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message["role"] == "user")
        .flat_map(|(index, message)| blocks(&message["content"]).map(move |text| (index, text)))
        .filter(|(_, text)| {
            let text = text.trim_start();
            !text.starts_with("<system-reminder>")
                && !text.starts_with("[Request interrupted by user")
        })
}

fn blocks(content: &Value) -> impl DoubleEndedIterator<Item = &str> {
    let list = content.as_array().map_or(&[][..], Vec::as_slice);
    let listed = list.iter().filter_map(|block| block["text"].as_str());
    content.as_str().into_iter().chain(listed)
}

fn tool_calls_after(body: &Value, position: usize) -> usize {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .skip(position + 1)
        .filter(|message| message["role"] == "assistant")
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .filter(|block| block["type"] == "tool_use")
        .count()
}

fn directive(line: &str, index: usize) -> Option<Directive> {
    if line == "HANG" {
        return Some(Directive::Answer(Answer::Hang));
    }
    let (word, rest) = line.split_once(':')?;
    let answer = match word {
        "WAIT" => {
            let wait = Duration::from_millis(rest.parse().ok()?);
            return Some(Directive::Before(Before::Wait(wait)));
        }
        "HOLD" => return Some(Directive::Before(Before::Hold(rest.to_owned()))),
        "THINK" => return Some(Directive::Before(Before::Think(unescape(rest)))),
        "AND" => {
            let (name, input) = rest.split_once(':')?;
            // Any number that no other call of the prompt has.
            let index = 1_000 + line.len() * 100 + index;
            return Some(Directive::Before(Before::Tool {
                index,
                name: name.to_owned(),
                input: serde_json::from_str(input).ok()?,
            }));
        }
        "SAY" => Answer::Say(unescape(rest)),
        "LONG" => Answer::Say(long(rest.parse().ok()?)),
        "STALL" => Answer::Stall(unescape(rest)),
        "FAIL" => Answer::Fail(rest.parse().ok()?),
        "TOOL" => {
            let (name, input) = rest.split_once(':')?;
            Answer::Tool {
                index,
                name: name.to_owned(),
                input: serde_json::from_str(input).ok()?,
            }
        }
        _ => return None,
    };
    Some(Directive::Answer(answer))
}

fn unescape(text: &str) -> String {
    text.replace("\\n", "\n")
}

/// A text of exactly `length` characters, in lines that tell where they stand.
fn long(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        let line = format!("line at {} of a long answer\n", text.len());
        text.push_str(&line);
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(messages: &Value) -> Answer {
        Script::of(&json!({ "messages": messages }), None).answer
    }

    #[test]
    fn a_script_goes_on_behind_its_tool() {
        let prompt = "please\nTOOL:Bash:{\"command\":\"ls\"}\nSAY:two\\nlines";
        let first = json!([{ "role": "user", "content": prompt }]);
        assert_eq!(
            asked(&first),
            Answer::Tool {
                index: 0,
                name: "Bash".to_owned(),
                input: json!({ "command": "ls" }),
            }
        );
        let second = json!([
            { "role": "user", "content": prompt },
            { "role": "assistant", "content": [{ "type": "tool_use" }] },
            { "role": "user", "content": [{ "type": "tool_result" }] },
        ]);
        assert_eq!(asked(&second), Answer::Say("two\nlines".to_owned()));
    }

    #[test]
    fn tools_are_called_together() {
        let prompt = "AND:Read:{}\nTOOL:Read:{}\nSAY:both";
        let first = Script::read(prompt, 0);
        assert!(matches!(first.before[..], [Before::Tool { .. }]));
        assert!(matches!(first.answer, Answer::Tool { .. }));
        assert_eq!(
            Script::read(prompt, 2).answer,
            Answer::Say("both".to_owned())
        );
    }

    #[test]
    fn the_last_prompt_counts_and_reminders_do_not() {
        let messages = json!([
            { "role": "user", "content": "HANG" },
            { "role": "user", "content": [
                { "type": "text", "text": "hello" },
                { "type": "text", "text": "<system-reminder>SAY:no</system-reminder>" },
            ] },
            { "role": "system", "content": "SAY:no" },
        ]);
        assert_eq!(asked(&messages), Answer::Say("echo: hello".to_owned()));
    }

    #[test]
    fn a_used_up_script_is_done() {
        assert_eq!(
            Script::read("WAIT:5\nSAY:x", 1).answer,
            Answer::Say("done".to_owned())
        );
        assert_eq!(
            Script::read("WAIT:5\nFAIL:529", 0).before,
            [Before::Wait(Duration::from_millis(5))]
        );
        assert_eq!(long(70).len(), 70);
    }
}
