//! Who a post speaks for: an agent's name and colour, as people see them.

use std::fmt;

use crate::config::Project;
use crate::id::AgentName;

/// The name and the colour that a post of an agent appears under.
///
/// The name is one line that is not blank, of at most [`Persona::LONGEST_NAME`] code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    name: String,
    color: Option<u32>,
}

/// The longest role that appears whole, in code points: what a configuration allows.
const LONGEST_ROLE: usize = 100;

/// The colours of agents that have none of their own, told apart on dark and on light ground.
const COLORS: [u32; 10] = [
    0x22_8b_e6, 0x40_c0_57, 0xfa_b0_05, 0xfd_7e_14, 0xfa_52_52, 0xbe_4b_db, 0x15_aa_bf, 0x82_c9_1e,
    0x86_8e_96, 0xd6_33_6c,
];

impl Persona {
    /// The longest name, in code points: platforms set it above each post.
    pub const LONGEST_NAME: usize = 144;

    /// A persona. Of a name that is too long it takes the beginning, and puts what stands on several
    /// lines on one; of a colour, the lower 24 bits.
    pub fn new(name: &str, color: Option<u32>) -> Self {
        let name = one_line(name, Self::LONGEST_NAME);
        Self {
            name: if name.is_empty() {
                "agent".to_owned()
            } else {
                name
            },
            color: color.map(|color| color & 0xff_ff_ff),
        }
    }

    /// The persona of an agent of a project: its role, with its name where another agent of the
    /// project has the same one. An agent that is not in the configuration any more has its name.
    pub fn of(project: Option<&Project>, agent: &AgentName) -> Self {
        let named = project.and_then(|project| project.agents.get(agent));
        let color = named.and_then(|named| named.color);
        let color = Some(color.unwrap_or_else(|| color_of(agent)));
        let role = named.map(|named| one_line(&named.role, LONGEST_ROLE));
        let Some(role) = role.filter(|role| !role.is_empty()) else {
            return Self::new(&capitalised(agent), color);
        };
        let others = project.into_iter().flat_map(|project| &project.agents);
        let shared = others
            .filter(|(other, _)| *other != agent)
            .any(|(_, named)| {
                let other = one_line(&named.role, LONGEST_ROLE);
                other.to_lowercase() == role.to_lowercase()
            });
        if shared {
            Self::new(&format!("{role} (@{agent})"), color)
        } else {
            Self::new(&role, color)
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The colour, as 0xRRGGBB.
    pub fn color(&self) -> Option<u32> {
        self.color
    }
}

impl fmt::Display for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The colour of an agent that has none of its own: the same for the same name, always (32-bit
/// FNV-1a).
pub fn color_of(agent: &AgentName) -> u32 {
    let hash = agent.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let place = hash as usize % COLORS.len();
    COLORS.get(place).copied().unwrap_or_default()
}

/// The beginning of a text as one line, without control characters, of at most `longest` code points.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::new();
    let mut room = longest;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        let gap = usize::from(!line.is_empty());
        if room <= gap {
            break;
        }
        if gap > 0 {
            line.push(' ');
        }
        room -= gap;
        line.extend(word.chars().take(room));
        room -= word.chars().take(room).count();
    }
    line
}

fn capitalised(agent: &AgentName) -> String {
    let mut letters = agent.as_str().chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::agent::AgentSpec;
    use crate::config::NamedAgent;
    use crate::id::ProjectName;

    fn project(agents: &[(&str, &str, Option<u32>)]) -> Project {
        let mut project = Project::new(ProjectName::new("site"), "/site");
        for (name, role, color) in agents {
            let named = NamedAgent {
                role: (*role).to_owned(),
                color: *color,
                agent: Arc::new(AgentSpec::default()),
                timeout: Duration::from_mins(3),
                budget: None,
            };
            let name = AgentName::new(*name);
            project.agents.insert(name, Arc::new(named));
        }
        project
    }

    #[test]
    fn an_agent_appears_under_its_role() {
        let project = project(&[
            ("pm", "Product manager", Some(0x0022_8be6)),
            ("qa", "Tests", None),
            ("qa-2", "tests ", None),
            ("odd", " \u{7} ", None),
        ]);
        let shown = ["pm", "qa", "qa-2", "odd", "gone"].map(|name| {
            let persona = Persona::of(Some(&project), &AgentName::new(name));
            let color = persona.color().unwrap();
            format!("{name}: {persona}, {color:06x}")
        });
        insta::assert_snapshot!(shown.join("\n"), @"
        pm: Product manager, 228be6
        qa: Tests (@qa), 40c057
        qa-2: tests (@qa-2), 228be6
        odd: Odd, 868e96
        gone: Gone, 868e96
        ");
        let unmapped = Persona::of(None, &AgentName::new("pm"));
        assert_eq!(unmapped.name(), "Pm");
        assert_eq!(unmapped.color(), Some(color_of(&AgentName::new("pm"))));
    }

    #[test]
    fn a_shared_role_of_the_longest_kind_still_tells_the_agents_apart() {
        let role = "r".repeat(LONGEST_ROLE);
        let (one, other) = ("a".repeat(32), "b".repeat(32));
        let project = project(&[(&one, &role, None), (&other, &role, None)]);
        let name = Persona::of(Some(&project), &AgentName::new(one.as_str()));
        assert!(name.name().ends_with(&format!("(@{one})")), "{name}");
    }

    proptest! {
        #[test]
        fn a_name_is_one_short_line(name in "[\\s\\S]{0,300}", color in any::<Option<u32>>()) {
            let persona = Persona::new(&name, color);
            prop_assert!((1..=Persona::LONGEST_NAME).contains(&persona.name().chars().count()));
            prop_assert!(!persona.name().chars().any(char::is_control));
            prop_assert_eq!(persona.name().trim(), persona.name());
            prop_assert!(persona.color().is_none_or(|color| color <= 0xff_ff_ff));
            let again = Persona::new(persona.name(), persona.color());
            prop_assert_eq!(again, persona);
        }
    }
}
