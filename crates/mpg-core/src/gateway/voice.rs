//! In whose name a thread is spoken to, and how much fits then.

use super::Gateway;
use super::lane::Started;
use crate::capability::TextLimit;
use crate::id::{ConversationId, DeliveryId, RootId};
use crate::persona::Persona;
use crate::post::{Post, PostKind};
use crate::wording::limits;

/// What all posts have in common that say one thing.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// The longest text of each.
    pub(super) room: TextLimit,
    persona: Option<Persona>,
    footer: Option<String>,
}

impl Voice {
    /// One of the posts.
    pub(super) fn post(&self, id: DeliveryId, kind: PostKind, text: String) -> Post {
        Post {
            persona: self.persona.clone(),
            footer: self.footer.clone(),
            ..Post::new(id, kind, text)
        }
    }
}

impl Gateway {
    /// The gateway's own voice in a thread.
    pub(super) fn own_voice(&self, root: &RootId) -> Voice {
        Voice {
            room: self.capabilities(&root.channel).post_limit,
            persona: None,
            footer: None,
        }
    }

    /// The voice of a conversation's agent; that of a default agent has no name.
    pub(super) fn voice(&self, id: &ConversationId) -> Voice {
        let project = self.lanes.get(id).map(|lane| lane.project.as_ref());
        let project = project.or_else(|| self.project_of(&id.root.channel).map(AsRef::as_ref));
        let persona = id.agent.as_ref().map(|agent| Persona::of(project, agent));
        let lane = self.lanes.get(id);
        let unlimited = lane.is_some_and(|lane| lane.started == Started::Unlimited);
        let footer = unlimited.then(|| limits::footer().to_owned());
        self.fitting(&id.root, persona, footer)
    }

    /// A voice with what there is room for: where posts are short, the text comes first, the footer
    /// second.
    fn fitting(&self, root: &RootId, persona: Option<Persona>, footer: Option<String>) -> Voice {
        let can = self.capabilities(&root.channel);
        let with = |persona: Option<&Persona>, footer: Option<&str>| {
            let limit = can.room(persona, footer);
            (limit.max >= TextLimit::SMALLEST).then_some(limit)
        };
        if let Some(limit) = with(persona.as_ref(), footer.as_deref()) {
            Voice {
                room: limit,
                persona,
                footer,
            }
        } else if let Some(limit) = with(None, footer.as_deref()) {
            Voice {
                room: limit,
                persona: None,
                footer,
            }
        } else {
            self.own_voice(root)
        }
    }
}
