//! What is said about what waits, what was done and what a worktree holds.

use uuid::Uuid;

use super::at;
use crate::agent::Usage;
use crate::gateway::Ends;
use crate::id::{
    AgentName, ChannelId, ChannelKey, ConversationId, MessageId, MessageRef, Place, PlatformId,
    RootId, TurnId, UserId,
};
use crate::job::{PastTurn, Turns};
use crate::snapshot::{Origin, QueuedTurn};
use crate::wording::work::*;
use crate::workspace::{Diff, Patch, WorkspaceState};

fn place() -> Place {
    Place::channel(ChannelKey::new(
        PlatformId::new("chat"),
        ChannelId::new("1"),
    ))
}

fn asked(prompt: &str) -> QueuedTurn {
    QueuedTurn {
        id: TurnId::from_uuid(Uuid::nil()),
        cause: MessageRef {
            place: place(),
            message: MessageId::new("1"),
        },
        author: UserId::new("ann"),
        prompt: prompt.to_owned(),
        attachments: Vec::new(),
        at: at(0),
        origin: Origin::Person,
    }
}

#[test]
fn a_list_of_what_waits_ends_with_how_many_more_there_are() {
    let id = ConversationId {
        root: RootId::of_place(&place()),
        agent: Some(AgentName::new("qa")),
    };
    let listed = |length: usize| {
        let waiting = vec![(id.clone(), asked("look")); length];
        queue(&waiting, true, UserId::to_string, at(60))
    };
    let last = "\n30. ann to @qa, 1m ago: `look`\n";
    let end = "`!queue drop N` takes one back, `!queue clear` all";
    assert!(
        listed(30).ends_with(&format!("{last}{end}")),
        "{}",
        listed(30)
    );
    assert!(listed(31).ends_with(&format!("{last}and 1 more\n{end}")));
    assert_eq!(no_such_number(2, 0), "nothing waits here");
    assert_eq!(no_such_number(2, 1), "there is no 2: 1 message waits here");
}

#[test]
fn what_was_asked_is_told_in_sixty_characters_that_format_nothing() {
    let most = "x".repeat(60);
    let told = |prompt: &str| dropped(&asked(prompt), "a\u{7}n*n");
    assert_eq!(told(&most), format!("dropped what a?n\\*n asked: `{most}`"));
    let cut = format!("dropped what a?n\\*n asked: `{}…`", &most[1..]);
    assert_eq!(told(&format!("{most}x")), cut);
}

#[test]
fn a_history_tells_how_many_turns_came_before() {
    let turn = PastTurn {
        id: TurnId::from_uuid(Uuid::nil()),
        agent: None,
        author: UserId::new("ann"),
        prompt: "look".to_owned(),
        by_person: true,
        outcome: "answered".to_owned(),
        usage: Usage::default(),
        at: at(0),
    };
    let told = |ended| {
        let turns = Turns {
            ended,
            usage: Usage::default(),
            last: vec![turn.clone()],
        };
        history(&turns, at(60), UserId::to_string)
    };
    let last = "- 1m ago, ann: `look` — answered, 0 ms";
    assert_eq!(told(1), last);
    assert_eq!(
        told(3),
        format!("{last}\n- and 2 before; `!history N` shows more")
    );
}

#[test]
fn a_diff_says_what_it_leaves_out() {
    let shown = |summary: String, text: String, cut| {
        diff(&Diff {
            uncommitted: Patch { summary, text, cut },
            ..Diff::default()
        })
    };
    insta::assert_snapshot!(
        [
            shown("a.rs | 1 +".to_owned(), "+a".to_owned(), false),
            shown("a.rs | 1 +".to_owned(), "+a".to_owned(), true),
            shown(String::new(), format!("{}\n+b", "x".repeat(6_001)), true)
                .replace("xxxxxxxxxx", ""),
        ]
        .join("\n────\n")
    );
    let lines = |length: usize, count: usize| format!("{}\n", "x".repeat(length)).repeat(count);
    let ends = |text: String, end: &str| {
        let shown = shown(String::new(), text, false);
        assert!(shown.ends_with(end), "not {end}");
    };
    ends("+a\n".repeat(120), "+a\n```");
    ends("+a\n".repeat(121), "+a\n```\n1 more line left out");
    // What is between fifty-nine lines counts too: they are 5,899 bytes.
    let most = lines(99, 59) + &lines(101, 1);
    ends(most.clone(), "x\n```");
    ends(format!("{most}+a"), "x\n```\n1 more line left out");
    ends(
        lines(99, 59) + &lines(102, 1),
        "x\n```\n1 more line left out",
    );
    let summary = shown(lines(500, 3), "+a".to_owned(), false);
    assert!(summary.contains("x\n(1 line more)\n```"), "three lines");
}

#[test]
fn whoever_discards_a_worktree_is_told_what_it_ends_and_what_is_lost() {
    let state = WorkspaceState {
        directory: "/srv/shop/.worktrees/1".to_owned(),
        ..WorkspaceState::default()
    };
    let names = |name: &str| [name.to_owned()].into_iter().collect();
    let lost = [
        WorkspaceState {
            unsaved: 1,
            ..state.clone()
        },
        WorkspaceState {
            dirty: names("a.rs"),
            ..state.clone()
        },
        WorkspaceState {
            unfinished: Some("merge".to_owned()),
            ..state.clone()
        },
        WorkspaceState {
            ignored: names("target"),
            ..state.clone()
        },
    ];
    let ended = [
        (0, 0, false),
        (1, 0, false),
        (0, 0, true),
        (1, 0, true),
        (0, 2, false),
        (2, 1, true),
    ]
    .map(|(sessions, waiting, runs)| Ends {
        sessions,
        waiting,
        runs,
    });
    let agent = AgentName::new("qa");
    let lost = lost
        .iter()
        .map(|state| asks_to_discard(state, Some(&agent), Ends::default()));
    let ended = ended
        .into_iter()
        .map(|ends| asks_to_discard(&state, None, ends));
    insta::assert_snapshot!(lost.chain(ended).collect::<Vec<_>>().join("\n────\n"));
}
