use super::*;
use crate::config::NamedAgent;
use crate::id::{AgentName, ChannelId, ChannelKey, Place, PlatformId, ProjectName};

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

fn spec(prompt: &str) -> AgentSpec {
    AgentSpec {
        args: vec!["--verbose".to_owned()],
        model: Some("large".to_owned()),
        system_prompt: Some(prompt.to_owned()),
        permission_mode: PermissionMode::AcceptEdits,
        allowed_tools: vec!["Bash(ls)".to_owned()],
        disallowed_tools: vec!["WebFetch".to_owned()],
        ..AgentSpec::default()
    }
}

fn project(timeout: Duration) -> Project {
    let mut project = Project::new(ProjectName::new("one"), "/srv/one");
    project.agent = Arc::new(spec("the default"));
    let named = NamedAgent {
        role: "tests".to_owned(),
        color: None,
        agent: Arc::new(spec("you are qa")),
        timeout,
        budget: None,
    };
    project.agents.insert(AgentName::new("qa"), Arc::new(named));
    project.patience = Patience {
        notice: minutes(2),
        limit: minutes(9),
    };
    project
}

fn conversation(agent: Option<&str>) -> ConversationId {
    let channel = ChannelKey::new(PlatformId::new("chat"), ChannelId::new("1"));
    ConversationId {
        root: RootId::of_place(&Place::channel(channel)),
        agent: agent.map(AgentName::new),
    }
}

#[test]
fn an_agent_is_set_up_as_its_project_says() {
    let (agent, patience) = setup(&project(minutes(3)), &conversation(None));
    assert_eq!(*agent, spec("the default"));
    assert_eq!((patience.notice, patience.limit), (minutes(2), minutes(9)));

    let (agent, patience) = setup(&project(minutes(10)), &conversation(Some("qa")));
    assert_eq!(*agent, spec("you are qa"));
    assert_eq!((patience.notice, patience.limit), (minutes(2), minutes(10)));

    // The thread is told before the agent is stopped.
    let (_, patience) = setup(&project(minutes(2)), &conversation(Some("qa")));
    assert_eq!((patience.notice, patience.limit), (minutes(1), minutes(2)));
}

#[test]
fn who_answers_aside_has_no_tools_and_nothing_that_gives_it_some() {
    let before = spec("you are qa");
    let aside = without_tools(&before);
    assert_eq!(
        aside,
        AgentSpec {
            model: before.model,
            system_prompt: before.system_prompt,
            disallowed_tools: before.disallowed_tools,
            permissions: Permissions::Deny,
            ..AgentSpec::default()
        }
    );
}

#[test]
fn rules_that_people_added_stand_behind_those_of_the_configuration() {
    let rules = BTreeSet::from(["Edit".to_owned(), "Bash(git push)".to_owned()]);
    let agent = with_allowed(&spec(""), rules);
    assert_eq!(agent.allowed_tools, ["Bash(ls)", "Bash(git push)", "Edit"]);
}
