//! What people can do with what stands on the terminal, each by the number of a key.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mpg_core::control::{Control, Form};
use mpg_core::id::DeliveryId;
use mpg_core::interaction::ActionId;
use mpg_core::post::Post;

/// How many posts can be acted on at a time; the oldest are passed over first.
const POSTS: usize = 16;

/// The keys of the posts on a terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel(Arc<Mutex<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    posts: VecDeque<(DeliveryId, Vec<Key>)>,
    last: usize,
}

#[derive(Clone, Debug)]
struct Key {
    number: usize,
    does: Does,
}

#[derive(Clone, Debug)]
enum Does {
    Press(ActionId),
    Open(Form),
    /// One of a list, of which so many can be chosen.
    Choose {
        id: ActionId,
        value: String,
        most: usize,
    },
}

/// What a typed line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// To press a button, or to choose these values.
    Act(ActionId, Vec<String>),
    /// To fill in a form.
    Fill(Form),
}

impl Panel {
    /// Takes in what can be done with a post, and gives the lines that say it.
    pub(crate) fn offer(&self, post: &Post) -> Vec<String> {
        let mut keys = self.lock();
        if let Some(replaced) = post.replaces {
            keys.posts.retain(|(delivery, _)| *delivery != replaced);
        }
        if keys.posts.is_empty() {
            keys.last = 0;
        }
        if post.controls.is_empty() {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut own = Vec::new();
        let mut key = |does, label: &str, lines: &mut Vec<String>| {
            keys.last += 1;
            let number = keys.last;
            lines.push(format!("[{number}] {label}"));
            own.push(Key { number, does });
        };
        for control in &post.controls {
            match control {
                Control::Button(button) => {
                    let does = match &button.opens {
                        Some(form) => Does::Open(form.clone()),
                        None => Does::Press(button.id.clone()),
                    };
                    key(does, &button.label, &mut lines);
                }
                Control::Choice(choice) => {
                    let many = match choice.most {
                        ..=1 => String::new(),
                        most => format!(" (up to {most}, as in 1,2)"),
                    };
                    lines.push(format!("? {}{many}", choice.prompt));
                    for option in &choice.options {
                        let does = Does::Choose {
                            id: choice.id.clone(),
                            value: option.value.clone(),
                            most: choice.most,
                        };
                        let label = match &option.description {
                            Some(more) => format!("{} — {more}", option.label),
                            None => option.label.clone(),
                        };
                        key(does, &label, &mut lines);
                    }
                }
            }
        }
        keys.posts.push_back((post.id, own));
        if keys.posts.len() > POSTS {
            keys.posts.pop_front();
        }
        lines.iter().map(|line| line.replace('\n', " ")).collect()
    }

    /// What a typed line asks for; `None` of one that is a message: anything but numbers of keys, and
    /// several of those only where they are of one list.
    pub(crate) fn choose(&self, line: &str) -> Option<Chosen> {
        let numbers = line.split([',', ' ']).filter(|part| !part.is_empty());
        let numbers: Option<Vec<usize>> = numbers.map(|part| part.parse().ok()).collect();
        let keys = self.lock();
        let all = || keys.posts.iter().flat_map(|(_, keys)| keys);
        let find = |number: &usize| all().find(|key| key.number == *number);
        let chosen: Option<Vec<&Key>> = numbers?.iter().map(find).collect();
        let chosen = chosen?;
        match &chosen.first()?.does {
            Does::Press(id) if chosen.len() == 1 => Some(Chosen::Act(id.clone(), Vec::new())),
            Does::Open(form) if chosen.len() == 1 => Some(Chosen::Fill(form.clone())),
            Does::Press(_) | Does::Open(_) => None,
            Does::Choose { id, most, .. } => {
                let mut values = Vec::new();
                for key in &chosen {
                    match &key.does {
                        Does::Choose { id: of, value, .. } if of == id => {
                            if !values.contains(value) {
                                values.push(value.clone());
                            }
                        }
                        Does::Choose { .. } | Does::Press(_) | Does::Open(_) => return None,
                    }
                }
                (values.len() <= (*most).max(1)).then(|| Chosen::Act(id.clone(), values))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use mpg_core::control::{Button, ButtonStyle, Choice, ChoiceOption, Field};
    use mpg_core::id::TurnId;
    use mpg_core::post::PostKind;
    use uuid::Uuid;

    use super::*;

    fn id(text: &str) -> ActionId {
        ActionId::parse(text).unwrap()
    }

    fn delivery(number: u32) -> DeliveryId {
        DeliveryId::of_turn(TurnId::from_uuid(Uuid::from_u128(1)), number)
    }

    fn asking(number: u32) -> Post {
        let form = Form {
            id: id("why"),
            title: "Why".to_owned(),
            fields: vec![Field {
                name: "reason".to_owned(),
                label: "Reason".to_owned(),
                long: true,
                required: true,
            }],
        };
        let button = |name: &str| Button::new(id(name), name, ButtonStyle::Plain);
        let option = |value: &str| ChoiceOption {
            value: value.to_owned(),
            label: format!("the {value}"),
            description: (value == "b").then(|| "or\nnot".to_owned()),
        };
        let choice = Choice {
            id: id("pick"),
            prompt: "Which?".to_owned(),
            options: ["a", "b", "c"].map(option).into(),
            most: 2,
        };
        Post {
            controls: vec![
                Control::Button(button("yes")),
                Control::Button(Button {
                    opens: Some(form),
                    ..button("no, because…")
                }),
                Control::Choice(choice),
            ],
            ..Post::new(delivery(number), PostKind::Notice, "May it?")
        }
    }

    fn act(name: &str, values: &[&str]) -> Chosen {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        Chosen::Act(id(name), values)
    }

    #[test]
    fn keys_do_what_stands_beside_them() {
        let panel = Panel::default();
        assert_eq!(
            panel.offer(&asking(1)),
            [
                "[1] yes",
                "[2] no, because…",
                "? Which? (up to 2, as in 1,2)",
                "[3] the a",
                "[4] the b — or not",
                "[5] the c",
            ]
        );
        assert_eq!(panel.choose("1"), Some(act("yes", &[])));
        assert!(matches!(panel.choose(" 2 "), Some(Chosen::Fill(form)) if form.id == id("why")));
        assert_eq!(panel.choose("3"), Some(act("pick", &["a"])));
        assert_eq!(panel.choose("5, 3,5"), Some(act("pick", &["c", "a"])));
        for message in [
            "", ",", "0", "6", "1,2", "1 3", "3 1", "3,4,5", "yes", "1 yes", "-1",
        ] {
            assert_eq!(panel.choose(message), None, "{message:?}");
        }
    }

    #[test]
    fn keys_go_with_their_post() {
        let panel = Panel::default();
        panel.offer(&asking(1));
        assert!(panel.offer(&asking(2))[0].starts_with("[6] "));
        let told = |replaces| Post {
            replaces: Some(delivery(replaces)),
            ..Post::new(delivery(9), PostKind::Notice, "done")
        };
        assert_eq!(panel.offer(&told(1)), Vec::<String>::new());
        assert_eq!(panel.choose("1"), None);
        assert_eq!(panel.choose("6"), Some(act("yes", &[])));
        panel.offer(&told(2));
        assert!(panel.offer(&asking(3))[0].starts_with("[1] "));
        for number in 10..30 {
            panel.offer(&asking(number));
        }
        assert_eq!(panel.lock().posts.len(), POSTS);
    }
}
