//! The routing table as a specification: each message, and what becomes of it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mpg_core::config::{NamedAgent, Project, RouteConflict, RoutingTable};
use mpg_core::control::Field;
use mpg_core::id::{
    AgentName, AskId, ChannelId, ChannelKey, MessageId, Place, PlatformId, ProjectName, RequestId,
    ThreadId, UserId,
};
use mpg_core::message::{Attachment, Author, AuthorKind, Message, Role};
use mpg_core::request::{About, Detail, Permission, Question, QuestionOption};
use mpg_core::route::{MAX_QUEUED, MAX_QUEUED_BYTES, OpenAsk, ThreadView, Waiting, route};
use mpg_core::snapshot::Ask;
use uuid::Uuid;

fn channel(name: &str) -> ChannelKey {
    ChannelKey::new(PlatformId::new("chat"), ChannelId::new(name))
}

fn table() -> RoutingTable {
    let mut open = Project::new(ProjectName::new("open"), "/srv/open");
    open.channels.insert(channel("open"));
    open.channels.insert(channel("also-open"));
    let mut closed = Project::new(ProjectName::new("closed"), "/srv/closed");
    closed.channels.insert(channel("closed"));
    closed
        .access
        .roles
        .extend(["dev".to_owned(), "42".to_owned()]);
    closed.access.users.insert(UserId::new("ann"));
    let mut team = Project::new(ProjectName::new("team"), "/srv/team");
    team.channels.insert(channel("team"));
    for name in ["pm", "engineer", "qa"] {
        let agent = NamedAgent {
            role: String::new(),
            color: None,
            agent: Arc::default(),
            timeout: Duration::from_mins(3),
            budget: None,
        };
        team.agents.insert(AgentName::new(name), Arc::new(agent));
    }
    let mut guarded = Project::new(ProjectName::new("guarded"), "/srv/guarded");
    guarded.channels.insert(channel("guarded"));
    guarded.access.users.insert(UserId::new("zoe"));
    guarded
        .access
        .roles
        .extend(["dev", "ops", "17", "root"].map(str::to_owned));
    guarded
        .access
        .admin_roles
        .extend(["ops", "17"].map(str::to_owned));
    guarded.access.unsafe_roles.insert("root".to_owned());
    RoutingTable::new([open, closed, team, guarded]).expect("no conflict")
}

fn wait(view: &mut ThreadView, agent: Option<AgentName>, turns: usize, bytes: usize) {
    view.waiting.insert(agent, Waiting { turns, bytes });
}

struct Case {
    name: &'static str,
    message: Message,
    view: ThreadView,
}

fn case(name: &'static str, place: Place, author: &str, text: &str) -> Case {
    Case {
        name,
        message: Message {
            place,
            id: MessageId::new("1"),
            author: Author {
                id: UserId::new(author),
                name: author.to_owned(),
                kind: AuthorKind::Human,
                roles: Vec::new(),
            },
            text: text.to_owned(),
            attachments: Vec::new(),
        },
        view: ThreadView::default(),
    }
}

impl Case {
    fn role(mut self, id: &str, name: Option<&str>) -> Self {
        self.message.author.roles.push(Role {
            id: id.to_owned(),
            name: name.map(str::to_owned),
        });
        self
    }

    fn bot(mut self) -> Self {
        self.message.author.kind = AuthorKind::Bot;
        self
    }

    fn file(self) -> Self {
        self.file_of(1)
    }

    fn file_of(mut self, size: u64) -> Self {
        self.message.attachments.push(Attachment {
            name: "a.png".to_owned(),
            size,
            media_type: None,
            url: "https://files.example/a.png".to_owned(),
        });
        self
    }

    fn view(mut self, change: impl FnOnce(&mut ThreadView)) -> Self {
        change(&mut self.view);
        self
    }
}

fn cases() -> Vec<Case> {
    let open = || Place::channel(channel("open"));
    let thread = || Place::thread(channel("open"), ThreadId::new("9"));
    let closed = || Place::channel(channel("closed"));
    let full = |view: &mut ThreadView| wait(view, None, MAX_QUEUED, 0);
    vec![
        case("a message in a mapped channel", open(), "bob", "fix it"),
        case("a message in its thread", thread(), "bob", "  and this \n"),
        case(
            "a second channel",
            Place::channel(channel("also-open")),
            "bob",
            "hi",
        ),
        case(
            "an unmapped channel",
            Place::channel(channel("other")),
            "bob",
            "hi",
        ),
        case("a bot", open(), "robot", "fix it").bot(),
        case("a bot with a command", open(), "robot", "!kill").bot(),
        case("seen before", open(), "bob", "fix it").view(|view| view.seen = true),
        case("no role", closed(), "bob", "fix it"),
        case("another role", closed(), "bob", "fix it").role("7", Some("ops")),
        case("a role by name", closed(), "bob", "fix it").role("7", Some("dev")),
        case("a role by name in another case", closed(), "bob", "fix it").role("7", Some("Dev")),
        case("a role by id", closed(), "bob", "fix it").role("42", None),
        case("a user by id", closed(), "ann", "fix it"),
        case("a command without the role", closed(), "bob", "!sessions"),
        case("a command", open(), "bob", "!sessions"),
        case("a command in capitals", open(), "bob", " !Kill open"),
        case("an unknown command", open(), "bob", "!stats"),
        case("a misspelt command", open(), "bob", "!sesions"),
        case("an exclamation", open(), "bob", "!!! look"),
        case("an exclamation mark alone", open(), "bob", "!"),
        case("nothing", open(), "bob", " \n "),
        case("a file alone", open(), "bob", "").file(),
        case("a file alone that is too large", open(), "bob", "").file_of(1 << 40),
        case("a file with text", open(), "bob", "look").file(),
        case("a file of two is too large", open(), "bob", "look")
            .file_of(1 << 40)
            .file(),
        case("too fast", open(), "bob", "again").view(|view| {
            view.rate_limited_for = Some(Duration::from_secs(12));
        }),
        case("a command while too fast", open(), "bob", "!help").view(|view| {
            view.rate_limited_for = Some(Duration::from_secs(12));
        }),
        case("a full queue", thread(), "bob", "more").view(full),
        case("a command with a full queue", thread(), "bob", "!kill").view(full),
        case("too much text waits", thread(), "bob", "more").view(|view| {
            wait(view, None, 1, MAX_QUEUED_BYTES - 3);
        }),
        case("just enough room", thread(), "bob", "mor").view(|view| {
            wait(view, None, 1, MAX_QUEUED_BYTES - 3);
        }),
        case("just enough room, and a file", thread(), "bob", "mor")
            .file()
            .view(|view| wait(view, None, 1, MAX_QUEUED_BYTES - 3)),
    ]
}

/// Where a project has agents with names.
fn agents() -> Vec<Case> {
    let open = || Place::channel(channel("open"));
    let team = || Place::channel(channel("team"));
    let qa = || Some(AgentName::new("qa"));
    vec![
        case("an agent is mentioned", team(), "bob", "@QA test it"),
        case("two are mentioned", team(), "bob", "@qa and @pm: look, @qa"),
        case("a mention in code", team(), "bob", "say `@qa`"),
        case(
            "a mention in an address",
            team(),
            "bob",
            "write to a@qa.example",
        ),
        case("nobody of that name", team(), "bob", "@ops look"),
        case("a mention elsewhere", open(), "bob", "@qa test it"),
        case("a mention alone", team(), "bob", "@qa"),
        case("a mention with a file alone", team(), "bob", "@qa").file(),
        case("an agent is asked", team(), "bob", "!ask qa test it"),
        case(
            "an agent is asked with its sign",
            team(),
            "bob",
            "!ASK @Qa test @pm's work",
        ),
        case("an agent as a command", team(), "bob", "!pm what is next?"),
        case("an agent as a command alone", team(), "bob", "!pm"),
        case("nobody is asked", team(), "bob", "!ask"),
        case("somebody is asked nothing", team(), "bob", "!ask qa"),
        case("an unknown agent is asked", team(), "bob", "!ask ops look"),
        case(
            "an agent is asked where there are none",
            open(),
            "bob",
            "!ask qa look",
        ),
        case("a misspelt agent", team(), "bob", "!enginer look"),
        case("no agent at all", team(), "bob", "!constructor hi"),
        case("nor this", team(), "bob", "!__proto__ hi"),
        case("whoever is spoken to", team(), "bob", "and now?").view(|view| {
            view.spoken_to = qa();
        }),
        case(
            "whoever was spoken to is no more",
            team(),
            "bob",
            "and now?",
        )
        .view(|view| {
            view.spoken_to = Some(AgentName::new("ops"));
        }),
        case(
            "another one than is spoken to",
            team(),
            "bob",
            "@pm and now?",
        )
        .view(|view| {
            view.spoken_to = qa();
        }),
        case("a full queue of another agent", team(), "bob", "@pm look").view(|view| {
            wait(view, qa(), MAX_QUEUED, 0);
        }),
        case("a full queue of one of two", team(), "bob", "@pm @qa look").view(|view| {
            wait(view, qa(), MAX_QUEUED, 0);
        }),
        case("too fast for an agent", team(), "bob", "!qa again").view(|view| {
            view.rate_limited_for = Some(Duration::from_secs(12));
        }),
    ]
}

/// What takes more than the right to use a project.
#[expect(clippy::too_many_lines, reason = "one entry for each rule")]
fn guarded() -> Vec<Case> {
    let here = || Place::channel(channel("guarded"));
    let open = || Place::channel(channel("open"));
    let fast = |view: &mut ThreadView| view.rate_limited_for = Some(Duration::from_secs(12));
    let dev = |name, text| case(name, here(), "bob", text).role("1", Some("dev"));
    let ops = |name, text| case(name, here(), "bob", text).role("2", Some("ops"));
    let root = |name, text| case(name, here(), "bob", text).role("3", Some("root"));
    let late = |view: &mut ThreadView| view.late = true;
    let untold = |view: &mut ThreadView| view.untold_direct = true;
    vec![
        dev("a task without an admin role", "fix it"),
        dev("a command that looks", "!sessions"),
        dev("a command that stops a turn", "!stop"),
        dev("a command that ends a session", "!kill"),
        dev("one that takes its context away", "!restart"),
        dev("a misspelt one", "!kil"),
        ops("with an admin role by name", "!kill"),
        ops(
            "with an admin role, about the project by name",
            "!kill GUARDED",
        ),
        case("with an admin role by id", here(), "bob", "!kill").role("17", None),
        case(
            "an admin who may not use the project",
            here(),
            "bob",
            "!kill",
        )
        .role("9", Some("x")),
        case("admin roles are not set elsewhere", open(), "bob", "!kill"),
        case(
            "another project that one may not see",
            open(),
            "bob",
            "!kill guarded",
        )
        .role("17", None),
        case(
            "another project, without an admin role",
            open(),
            "zoe",
            "!kill guarded",
        ),
        case(
            "another project, with the name of one",
            open(),
            "zoe",
            "!kill guarded",
        )
        .role("2", Some("ops")),
        case(
            "another project, with the id of one",
            open(),
            "zoe",
            "!kill guarded",
        )
        .role("17", Some("ops")),
        case(
            "limits, where nobody may lift them",
            open(),
            "bob",
            "!unsafe",
        ),
        dev("limits, without an unsafe role", "!unsafe"),
        ops("limits, with an admin role alone", "!unsafe confirm"),
        root("limits, with an unsafe role", "!unsafe"),
        root("limits, confirmed", "!UNSAFE  Confirm "),
        root("limits, confirmed by another word", "!unsafe yes"),
        root("limits, said while the gateway was away", "!unsafe confirm").view(late),
        dev("limits put back", "!safe"),
        dev("limits put back, said while the gateway was away", "!safe").view(late),
        dev("a command that makes agents work, too fast", "!resume").view(fast),
        dev("a command that looks, too fast", "!session").view(fast),
        ops("a command that ends something, too fast", "!kill").view(fast),
        case(
            "a task by a command, too fast",
            Place::channel(channel("team")),
            "bob",
            "!ask pm plan",
        )
        .view(fast),
        case(
            "a direct message",
            Place::channel(channel("direct")),
            "bob",
            "hi",
        )
        .view(untold),
        case(
            "a command in a direct message",
            Place::channel(channel("direct")),
            "bob",
            "!kill",
        )
        .view(untold),
        case(
            "a direct message of a bot",
            Place::channel(channel("direct")),
            "robot",
            "hi",
        )
        .bot()
        .view(untold),
        case(
            "a direct message that was seen",
            Place::channel(channel("direct")),
            "bob",
            "hi",
        )
        .view(untold)
        .view(|view| view.seen = true),
        case("a direct message that is mapped", open(), "bob", "hi").view(untold),
        case(
            "a mapped one of somebody without a role",
            here(),
            "bob",
            "hi",
        )
        .view(untold),
    ]
}

/// A question about colours.
fn question(text: &str, multiple: bool) -> Question {
    Question {
        header: String::new(),
        text: text.to_owned(),
        options: ["red", "green", "blue"]
            .map(|label| QuestionOption {
                label: label.to_owned(),
                description: String::new(),
            })
            .to_vec(),
        multiple,
    }
}

/// Messages in a thread in which agents wait for people.
fn answers() -> Vec<Case> {
    let thread = || Place::thread(channel("team"), ThreadId::new("9"));
    let asks = |about: About| {
        move |view: &mut ThreadView| {
            view.asks.push(OpenAsk {
                ask: Ask {
                    id: AskId::from_uuid(Uuid::from_u128(view.asks.len() as u128)),
                    request: RequestId::new("r"),
                    about,
                    at: Timestamp::UNIX_EPOCH,
                    until: Timestamp::UNIX_EPOCH,
                    replies: Vec::new(),
                    verdict: None,
                },
                agent: Some(AgentName::new("pm")),
                shown: MessageId::new("0"),
                numbered: false,
            });
        }
    };
    let one = || asks(About::Questions(vec![question("which?", false)]));
    let some = || asks(About::Questions(vec![question("which?", true)]));
    let tool = || {
        asks(About::Permission(Permission {
            tool: "Bash".to_owned(),
            summary: "make".to_owned(),
            detail: Detail::Command("make".to_owned()),
            rule: "Bash(make)".to_owned(),
        }))
    };
    let plan = || {
        asks(About::Plan {
            text: "1. write".to_owned(),
        })
    };
    let form = |names: &[&str]| {
        let fields = names.iter().map(|name| Field {
            name: (*name).to_owned(),
            label: (*name).to_owned(),
            long: false,
            required: *name != "port",
        });
        asks(About::Form {
            from: "a server".to_owned(),
            message: String::new(),
            fields: fields.collect(),
        })
    };
    let said = |name, text| case(name, thread(), "bob", text);
    let numbered = |view: &mut ThreadView| view.asks[0].numbered = true;
    vec![
        said("a reply to a question", "whatever you like").view(one()),
        said("an option in another case", "GREEN").view(one()),
        said("an option by number", "2").view(one()),
        said("several options", "3, red").view(some()),
        said("several numbers", "1 2").view(some()),
        said("an option and something else", "red, or so").view(some()),
        said("to the agent that asks", "@pm green").view(one()),
        said("to another agent", "@qa green").view(one()),
        said("a task for the agent that asks", "!ask pm green").view(one()),
        said("a command while something is asked", "!stop").view(one()),
        said("a reply with a file", "green").view(one()).file(),
        said("what was written before", "green")
            .view(one())
            .view(|view| view.asks[0].shown = MessageId::new("1")),
        said("a permission by its label", "Allow for this session").view(tool()),
        said("a permission by a word", "allow.").view(tool()),
        said("a denial with a reason", "deny: not today").view(tool()),
        said("a number where none was shown", "1").view(tool()),
        said("a number where some were shown", "1")
            .view(tool())
            .view(numbered),
        said("a reason behind a number", "5 not today")
            .view(tool())
            .view(numbered),
        said("something else while a tool waits", "allow it if you must").view(tool()),
        said("a plan that is good", "approve").view(plan()),
        said(
            "a plan that is good, with edits",
            "Approve and accept edits",
        )
        .view(plan()),
        said("a plan that is not", "tests are missing").view(plan()),
        said("a plan that is not, by its label", "keep planning: tests").view(plan()),
        said("the one field of a form", "a b").view(form(&["name"])),
        said("the fields of a form", "name: a\nhost: b").view(form(&["name", "host", "port"])),
        said("a form with something missing", "name: a").view(form(&["name", "host"])),
        said("a form that is declined", "decline").view(form(&["name", "host"])),
        said("a question behind a tool that waits", "red")
            .view(tool())
            .view(one()),
    ]
}

#[test]
fn the_routing_table() {
    let table = table();
    let mut text = String::new();
    for Case {
        name,
        message,
        view,
    } in cases()
        .into_iter()
        .chain(agents())
        .chain(guarded())
        .chain(answers())
    {
        let decision = route(&table, &view, &message);
        writeln!(text, "{name}").expect("a string takes everything");
        writeln!(
            text,
            "    {} {}: {:?}\n    -> {decision}",
            message.place, message.author.name, message.text
        )
        .expect("a string takes everything");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_channel_leads_to_one_project() {
    let project = |name: &str| {
        let mut project = Project::new(ProjectName::new(name), "/srv");
        project.channels.insert(channel("shared"));
        project
    };
    let conflict = RoutingTable::new([project("a"), project("b")]);
    assert_eq!(
        conflict,
        Err(RouteConflict::Channel {
            channel: channel("shared"),
            first: ProjectName::new("a"),
            second: ProjectName::new("b"),
        })
    );
}
