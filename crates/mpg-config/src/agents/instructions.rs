//! What an agent is told about itself, the others and how to hand over to them.

use std::fmt::Write as _;

use mpg_core::handoff::HandoffMode;
use mpg_core::id::AgentName;

/// An agent of the project.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a AgentName,
    pub(super) role: &'a str,
    /// What its preset says.
    pub(super) preset: Option<&'a str>,
    /// What the file says.
    pub(super) prompt: Option<&'a str>,
}

/// Composes the text that is added to an agent's system prompt: the project's own, who the agent
/// is, who else there is, and the form of a handoff. `me` is `None` for the project's default agent.
/// `None` where there is nothing to say.
pub(super) fn instructions(
    project: Option<&str>,
    me: Option<&Member<'_>>,
    members: &[Member<'_>],
    mode: HandoffMode,
) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(project.map(|text| text.trim().to_owned()));
    parts.extend(me.map(identity));
    let others: Vec<&Member<'_>> = members
        .iter()
        .filter(|member| me.is_none_or(|me| me.name != member.name))
        .collect();
    if let Some(first) = others.first() {
        parts.push(team(&others));
        parts.push(form(mode, first));
    }
    if me.is_some() {
        parts.push(TITLE.to_owned());
    }
    let text = parts.join("\n\n");
    (!text.is_empty()).then_some(text)
}

/// How an agent gives its thread a title.
const TITLE: &str = "# The title of the thread\n\nOnce it is clear what the thread is about, you can give it a \
title with a line of your answer that is nothing but\n\nTHREAD_NAME: a few words\n\nThat counts once in a \
thread, and people do not see the line.";

fn identity(me: &Member<'_>) -> String {
    let mut text = format!("# Who you are\n\nYou are @{}: {}.", me.name, me.role);
    for part in [me.preset, me.prompt].into_iter().flatten() {
        text.push_str("\n\n");
        text.push_str(part.trim());
    }
    text
}

fn team(others: &[&Member<'_>]) -> String {
    let mut text = String::from(
        "# Who else there is\n\nYou answer people in a chat thread. These agents of the same \
         project can take part in it, each with a memory of its own:\n",
    );
    for other in others {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n- @{}: {}", other.name, other.role);
    }
    text
}

fn form(mode: HandoffMode, other: &Member<'_>) -> String {
    let name = other.name;
    let how = match mode {
        HandoffMode::Mention => format!(
            "To hand work over, begin a line of your answer with the agent's name, as in\n\n\
             @{name} what is to be done\n\n\
             To only speak of an agent, write its name without the @."
        ),
        HandoffMode::Directive => format!(
            "To hand work over, write a line of your answer that is nothing but\n\n\
             HANDOFF @{name}: what is to be done"
        ),
        HandoffMode::Off => {
            return format!(
                "You cannot start them. When one of them should go on, say so to the people of \
                 the thread, who can write to it: @{name}."
            );
        }
    };
    format!(
        "# Handing over\n\n{how}\n\n\
         The other agent starts when your answer is complete, and gets all of it: say everything \
         that it needs, because it may know nothing else of this thread. Name several agents in \
         this way only if they can work at the same time; you then get their answers together. \
         How often work may change hands is limited, so hand over when there is something to do, \
         never to thank or to confirm. When nothing is left to do, hand over to nobody."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> [AgentName; 3] {
        ["pm", "engineer", "qa"].map(AgentName::new)
    }

    fn members(names: &[AgentName; 3]) -> Vec<Member<'_>> {
        let [pm, engineer, qa] = names;
        let member = |name, role, preset, prompt| Member {
            name,
            role,
            preset,
            prompt,
        };
        vec![
            member(
                pm,
                "Product Manager",
                Some("Plan."),
                Some("Write tasks in French.\n"),
            ),
            member(engineer, "Software Engineer", Some("Build.\n"), None),
            member(qa, "Tester", None, Some("Test.")),
        ]
    }

    #[test]
    fn an_agent_is_told_who_it_is_and_how_to_hand_over() {
        let names = names();
        let members = members(&names);
        for mode in HandoffMode::ALL {
            let text = instructions(Some("Be brief.\n"), members.first(), &members, mode);
            insta::assert_snapshot!(format!("pm_{}", mode.name()), text.unwrap());
        }
    }

    #[test]
    fn the_default_agent_is_told_of_the_others() {
        let names = names();
        let members = members(&names);
        let text = instructions(None, None, &members, HandoffMode::Mention);
        insta::assert_snapshot!("default", text.unwrap());
        assert_eq!(instructions(None, None, &[], HandoffMode::Mention), None);
        let alone = instructions(Some("Be brief."), None, &[], HandoffMode::Mention);
        assert_eq!(alone.as_deref(), Some("Be brief."));
    }

    #[test]
    fn an_agent_alone_is_told_of_nobody() {
        let names = names();
        let members = members(&names);
        let text = instructions(None, members.get(2), &members[2..], HandoffMode::Mention);
        assert_eq!(
            text.as_deref(),
            Some(format!("# Who you are\n\nYou are @qa: Tester.\n\nTest.\n\n{TITLE}").as_str())
        );
    }

    #[test]
    fn what_it_says_is_a_handoff_is_one() {
        let names = names();
        let members = members(&names);
        for mode in [HandoffMode::Mention, HandoffMode::Directive] {
            let text = form(mode, &members[1]);
            let found = mpg_core::handoff::handoffs(&text, Some(&names[0]), &names, mode);
            assert_eq!(found.targets, [names[1].clone()], "{mode:?}");
        }
    }
}
