//! What people see.

use mpg_core::id::{AgentName, DeliveryId, TurnId};
use mpg_core::persona::Persona;
use mpg_core::port::LiveLine;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn turn(number: u128) -> TurnId {
    TurnId::from_uuid(Uuid::from_u128(number))
}

fn frame(turn_number: u128, text: &str, activity: Option<&str>) -> LiveFrame {
    LiveFrame {
        turn: turn(turn_number),
        text: text.to_owned(),
        lines: Vec::new(),
        activity: activity.map(ToOwned::to_owned),
        persona: None,
    }
}

fn post(kind: PostKind, text: &str) -> Post {
    Post::new(DeliveryId::of_turn(turn(99), 0), kind, text)
}

fn answer(turn_number: u128, text: &str) -> Post {
    let kind = PostKind::Answer {
        turn: turn(turn_number),
        agent: None,
    };
    post(kind, text)
}

/// A screen with what it shows, and with what a person types on it.
struct Seen {
    screen: Screen,
    text: String,
}

impl Seen {
    fn new(interactive: bool, colour: bool) -> Self {
        let mut screen = Screen::new(interactive, colour);
        let text = screen.start();
        Self { screen, text }
    }

    fn typed(&mut self, line: &str, prompt: Prompt) {
        self.text += line;
        self.text += "\n";
        self.text += &self.screen.entered(prompt);
    }

    fn show(&mut self, turn: u128, text: &str, activity: Option<&str>) {
        self.text += &self.screen.show(&frame(turn, text, activity));
    }

    fn show_as(&mut self, name: &str, turn: u128, text: &str, activity: Option<&str>) {
        self.text += &self.screen.show(&LiveFrame {
            persona: Some(Persona::new(name, None)),
            ..frame(turn, text, activity)
        });
    }

    fn post(&mut self, post: &Post) {
        self.text += &self.screen.post(post, &[]);
    }
}

fn exchange(colour: bool) -> String {
    let mut seen = Seen::new(true, colour);
    seen.typed("", Prompt::Message);
    seen.typed("fix the test \\", Prompt::Continued);
    seen.typed("in src/lib.rs", Prompt::None);
    seen.show(1, "I'll lo", None);
    seen.show(1, "I'll look.", None);
    seen.show(1, "I'll look.", Some("Read src/lib.rs"));
    seen.show(1, "I'll look.", Some("Read src/lib.rs"));
    seen.show(1, "I'll look.", Some("Edit src/lib.rs"));
    seen.show(1, "I'll look.\n\nThe te", None);
    seen.show(1, "I'll look.\n\nThe test passes", None);
    seen.post(&answer(1, "The test passes now."));
    seen.typed("!help", Prompt::None);
    seen.post(&post(PostKind::Reply, "!help, !stop"));
    seen.post(&post(PostKind::Notice, "two messages wait"));
    seen.typed("again", Prompt::None);
    seen.post(&post(PostKind::Failure { turn: turn(2) }, "out of tokens"));
    seen.typed("too long", Prompt::TooLong);
    let spoken = PostKind::Answer {
        turn: turn(3),
        agent: Some(AgentName::new("pm")),
    };
    let named = |kind: PostKind, text: &str| Post {
        persona: Some(Persona::new("Product manager", Some(0x0022_8be6))),
        footer: Some("tools are not limited".to_owned()),
        ..post(kind, text)
    };
    seen.show_as("QA", 4, "I'll te", None);
    seen.show_as("QA", 4, "I'll test.", Some("Bash cargo test"));
    seen.show_as("QA", 4, "I'll test.\n\nIt", None);
    seen.post(&named(spoken, "Two lines\nof mine."));
    seen.show_as("QA", 4, "I'll test.\n\nIt works.", None);
    let tested = PostKind::Answer {
        turn: turn(4),
        agent: Some(AgentName::new("qa")),
    };
    seen.post(&Post {
        persona: Some(Persona::new("QA", None)),
        ..post(tested, "It works.")
    });
    seen.post(&named(PostKind::Failure { turn: turn(5) }, "out of tokens"));
    seen.post(&named(PostKind::Notice, "it waits"));
    seen.text
}

#[test]
fn a_paragraph_that_a_reply_interrupts_is_printed_from_its_beginning_again() {
    let mut seen = Seen::new(false, false);
    seen.show(1, "I'll look.\n\nThe te", None);
    seen.post(&post(PostKind::Reply, "model as configured"));
    seen.show(1, "I'll look.\n\nThe test pa", None);
    seen.show(1, "I'll look.\n\nThe test passes", None);
    seen.post(&answer(1, "The test passes now."));
    seen.show(2, "It was", None);
    seen.post(&post(PostKind::Reply, "yes"));
    seen.post(&answer(2, "It was a typo."));
    let expected = "I'll look.\n\nThe te\nmodel as configured\nThe test passes now.\n\
                    It was\nyes\nIt was a typo.\n";
    assert_eq!(seen.text, expected);
}

#[test]
fn lines_stand_where_they_came_and_once() {
    let line = |number, at, text: &str| LiveLine {
        number,
        at,
        text: text.to_owned(),
    };
    let with = |text: &str, lines: &[LiveLine]| LiveFrame {
        lines: lines.to_vec(),
        ..frame(1, text, None)
    };
    let mut seen = Seen::new(false, false);
    let look = "I'll look.\n\nIt is there: \u{e4}";
    let read = line(
        0,
        10,
        "\u{2713} read `a\u{1b}[31m` \u{b7} 0.4s\n  \u{21b3} `fn a`",
    );
    let ran = line(1, 10, "\u{2717} ran `b`");
    // In the middle of a letter, and beyond the end.
    let odd = line(5, look.len() - 1, "odd");
    let late = line(6, 1_000, "late");
    for shown in [
        with("I'll lo", &[]),
        with(look, &[read.clone(), ran.clone()]),
        with(look, &[read.clone(), ran.clone()]),
        with(look, &[ran, odd, late]),
        with("I'll look.\n\nIt is there: \u{e4}, and ends.", &[read]),
    ] {
        seen.text += &seen.screen.show(&shown);
    }
    seen.post(&answer(1, "It is there: \u{e4}, and ends."));
    let late = with("", &[line(9, 0, "never")]);
    seen.text += &seen.screen.show(&late);
    let expected = "I'll look.\n\u{2713} read `a\u{fffd}[31m` \u{b7} 0.4s\n  \u{21b3} `fn a`\n\u{2717} ran `b`\n\
                    It is there: \u{e4}\nodd\nlate\n, and ends.\n";
    assert_eq!(seen.text, expected);
}

#[test]
fn a_whole_exchange() {
    insta::assert_snapshot!(exchange(false));
}

#[test]
fn colours_are_the_only_difference() {
    let coloured = exchange(true);
    assert!(coloured.contains("\u{1b}[2m· Read src/lib.rs\u{1b}[0m\n"));
    assert!(coloured.contains("\u{1b}[1;38;5;32mProduct manager:\u{1b}[0m Two lines\n"));
    let mut plain = coloured;
    for code in ["[0m", "[1m", "[1;38;5;32m", "[2m", "[31m", "[33m"] {
        plain = plain.replace(&format!("\u{1b}{code}"), "");
    }
    assert_eq!(plain, exchange(false));
}

#[test]
fn without_a_person_there_are_no_prompts() {
    let mut seen = Seen::new(false, false);
    seen.text += &seen.screen.entered(Prompt::None);
    seen.show(1, "Hel", None);
    seen.show(1, "Hello", None);
    seen.post(&answer(1, "Hello"));
    assert_eq!(seen.text, "Hello\n");
}

#[test]
fn escape_codes_of_others_are_not_obeyed() {
    let hostile = "\u{1b}]0;title\u{7}\u{1b}[2Jgone\rover\u{9b}31m\u{7f}\u{8}\u{202e}txt\tkept\n";
    let expected = "�]0;title��[2Jgoneover�31m���txt\tkept\n";
    let mut seen = Seen::new(false, true);
    seen.post(&answer(1, hostile));
    assert_eq!(seen.text, expected);

    let mut seen = Seen::new(false, false);
    seen.show(1, hostile, Some("Bash \u{1b}[31m\nrm"));
    seen.post(&post(PostKind::Reply, hostile));
    assert_eq!(seen.text, format!("{expected}· Bash �[31m rm\n{expected}"));
}

#[test]
fn text_that_grows_inside_a_character_is_printed_once() {
    let mut seen = Seen::new(false, false);
    for text in [
        "Gr",
        "Grü",
        "Grüße 👨",
        "Grüße 👨\u{200d}👩",
        "Grüße 👨\u{200d}👩.",
    ] {
        seen.show(1, text, None);
    }
    assert_eq!(seen.text, "Grüße 👨\u{200d}👩.");
}

#[test]
fn text_that_is_not_what_was_printed_begins_anew() {
    let mut seen = Seen::new(false, false);
    seen.show(1, "Grüße", None);
    seen.show(1, "Grö", None);
    seen.post(&answer(1, "Größe"));
    assert_eq!(seen.text, "Grüße\nGröße\n");
}

#[test]
fn a_frame_behind_its_answer_is_not_printed() {
    let mut seen = Seen::new(true, false);
    seen.post(&answer(1, "Done."));
    seen.show(1, "Done.", Some("Read"));
    assert_eq!(seen.text, "> \nDone.\n> ");
}

#[test]
fn turns_that_run_together_share_the_screen() {
    let mut seen = Seen::new(true, false);
    seen.typed("go", Prompt::None);
    seen.show(1, "One", None);
    seen.post(&answer(2, "Two"));
    seen.show(1, "One more", None);
    seen.show(3, "Thr", None);
    seen.show(1, "One more time", None);
    seen.post(&answer(3, "Three"));
    seen.post(&answer(1, "One more time"));
    let expected = "> go\nOne\nTwo\n> \n more\nThr\n time\nee\n> ";
    assert_eq!(seen.text, expected);
}

proptest! {
    #[test]
    fn text_is_the_same_however_it_grows(
        pieces in prop::collection::vec("[a\\n\\r ü]{0,3}", 0..12),
        activity in prop::option::of("[a-z]{1,3}"),
    ) {
        let whole = pieces.concat();
        let mut grown = Seen::new(true, false);
        let mut at_once = Seen::new(true, false);
        for seen in [&mut grown, &mut at_once] {
            seen.typed("go", Prompt::None);
            seen.show(1, "", activity.as_deref());
        }
        let mut text = String::new();
        for piece in &pieces {
            text += piece;
            grown.show(1, &text, activity.as_deref());
        }
        at_once.show(1, &whole, activity.as_deref());
        prop_assert_eq!(&grown.text, &at_once.text);
        for seen in [&mut grown, &mut at_once] {
            seen.post(&answer(1, &whole));
        }
        prop_assert_eq!(&grown.text, &at_once.text);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed(
        text in prop::collection::vec(any::<char>(), 0..100),
        kind in 0..4_u8,
    ) {
        let text: String = text.into_iter().collect();
        let kind = match kind {
            0 => PostKind::Answer { turn: turn(2), agent: Some(AgentName::new(text.as_str())) },
            1 => PostKind::Failure { turn: turn(2) },
            2 => PostKind::Notice,
            _ => PostKind::Reply,
        };
        let mut seen = Seen::new(true, false);
        seen.show(1, &text, Some(&text));
        seen.post(&post(kind, &text));
        let obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        prop_assert!(!seen.text.contains(obeyed), "{:?}", seen.text);
    }
}

#[test]
fn a_post_upon_a_half_typed_line_gives_its_prompt_back() {
    let notice = post(PostKind::Notice, "two messages wait");
    let mut seen = Seen::new(true, false);
    // The terminal shows what is typed by itself, before anybody is told.
    seen.text += "fix the ";
    seen.post(&notice);
    seen.typed("test \\", Prompt::Continued);
    seen.text += "in ";
    seen.post(&notice);
    seen.typed("src", Prompt::None);
    let expected = "> fix the \nnote: two messages wait\n> test \\\n\
        | in \nnote: two messages wait\n| src\n";
    assert_eq!(seen.text, expected);
}

#[test]
fn a_notice_about_a_running_turn_gives_no_floor() {
    let mut seen = Seen::new(true, false);
    seen.typed("go", Prompt::None);
    seen.show(1, "One", None);
    seen.post(&post(PostKind::Notice, "it tries again"));
    seen.show(1, "One two", None);
    seen.post(&answer(1, "One two"));
    assert_eq!(seen.text, "> go\nOne\nnote: it tries again\n two\n> ");
}

#[test]
fn a_turn_without_an_end_holds_no_prompt_back() {
    let mut seen = Seen::new(true, false);
    seen.typed("go", Prompt::None);
    seen.show(1, "One", None);
    seen.typed("!kill", Prompt::None);
    seen.post(&post(PostKind::Reply, "1 session ended"));
    seen.typed("again", Prompt::None);
    seen.post(&answer(2, "Two"));
    assert_eq!(
        seen.text,
        "> go\nOne!kill\n1 session ended\n> again\nTwo\n> "
    );
}
