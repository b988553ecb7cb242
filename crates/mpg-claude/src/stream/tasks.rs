//! The list of what is to be done, put together from the calls that change it.

use mpg_core::agent::tool::{LONGEST_TASK, MAX_TASKS, Task, TaskState};
use serde_json::Value;

use super::{list, text};

/// The list, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tasks: Vec<Task>,
}

impl Tasks {
    /// Takes in a call; whether it changes the list.
    ///
    /// `TodoWrite` says the whole list. `TaskCreate` adds one, which the CLI numbers from 1, and
    /// `TaskUpdate` changes one by that number.
    pub(super) fn call(&mut self, name: &str, input: &Value) -> bool {
        match name {
            "TodoWrite" => {
                let todos = list(&input["todos"]).take(MAX_TASKS);
                self.tasks = todos.map(|todo| task(todo, "content")).collect();
                true
            }
            "TaskCreate" if self.tasks.len() < MAX_TASKS => {
                self.tasks.push(task(input, "subject"));
                true
            }
            "TaskUpdate" => {
                let id = &input["taskId"];
                let number = id.as_u64().or_else(|| id.as_str()?.parse().ok());
                let at = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
                let Some(task) = at.and_then(|at| self.tasks.get_mut(at)) else {
                    return false;
                };
                if let Some(state) = state(text(input, "status")) {
                    task.state = state;
                }
                let subject = text(input, "subject");
                if !subject.is_empty() {
                    task.text = line(subject);
                }
                true
            }
            _ => false,
        }
    }

    pub(super) fn list(&self) -> Vec<Task> {
        self.tasks.clone()
    }
}

fn task(entry: &Value, key: &str) -> Task {
    Task {
        text: line(text(entry, key)),
        state: state(text(entry, "status")).unwrap_or_default(),
    }
}

/// One line of a bounded length.
fn line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(LONGEST_TASK));
        if line.chars().count() >= LONGEST_TASK {
            break;
        }
    }
    line.chars().take(LONGEST_TASK).collect()
}

fn state(word: &str) -> Option<TaskState> {
    match word {
        "pending" => Some(TaskState::Open),
        "in_progress" => Some(TaskState::Active),
        "completed" | "deleted" => Some(TaskState::Done),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_follows_the_calls() {
        let mut tasks = Tasks::default();
        let mut shown = String::new();
        let calls = [
            (
                "TodoWrite",
                json!({ "todos": [
                { "content": "read\nit", "status": "completed" },
                { "content": "write it", "status": "in_progress", "activeForm": "writing" },
            ] }),
            ),
            (
                "TaskCreate",
                json!({ "subject": "test it", "description": "…" }),
            ),
            (
                "TaskUpdate",
                json!({ "taskId": "3", "status": "in_progress" }),
            ),
            (
                "TaskUpdate",
                json!({ "taskId": 2, "status": "completed", "subject": "wrote it" }),
            ),
            (
                "TaskUpdate",
                json!({ "taskId": "99", "status": "completed" }),
            ),
            ("TaskUpdate", json!({})),
            ("TaskList", json!({})),
            ("TodoWrite", json!({ "todos": "odd" })),
        ];
        for (name, input) in calls {
            let changed = tasks.call(name, &input);
            let list: Vec<String> = tasks
                .list()
                .iter()
                .map(|task| format!("{} {}", task.state.name(), task.text))
                .collect();
            writeln!(shown, "{name} {changed}: {list:?}").unwrap();
        }
        insta::assert_snapshot!(shown, @r#"
        TodoWrite true: ["done read it", "active write it"]
        TaskCreate true: ["done read it", "active write it", "open test it"]
        TaskUpdate true: ["done read it", "active write it", "active test it"]
        TaskUpdate true: ["done read it", "done wrote it", "active test it"]
        TaskUpdate false: ["done read it", "done wrote it", "active test it"]
        TaskUpdate false: ["done read it", "done wrote it", "active test it"]
        TaskList false: ["done read it", "done wrote it", "active test it"]
        TodoWrite true: []
        "#);
    }

    #[test]
    fn the_list_is_bounded() {
        let mut tasks = Tasks::default();
        let long = "word ".repeat(1_000);
        for _ in 0..200 {
            tasks.call("TaskCreate", &json!({ "subject": long }));
        }
        assert_eq!(tasks.list().len(), MAX_TASKS);
        let longest = tasks
            .list()
            .iter()
            .map(|task| task.text.chars().count())
            .max();
        assert_eq!(longest, Some(LONGEST_TASK));
    }
}
