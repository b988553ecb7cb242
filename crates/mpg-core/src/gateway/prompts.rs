//! What is asked from outside of every platform: posted in a channel of the project, and taken from
//! there as a person's message is.

use std::collections::VecDeque;
use std::mem;

use jiff::Timestamp;
use thiserror::Error;

use super::Gateway;
use super::deliveries::MAX_OWED;
use crate::capability::TextLimit;
use crate::event::Step;
use crate::id::{AgentName, DeliveryId, MessageId, Place, ProjectName, UserId};
use crate::message::{Author, AuthorKind, Message};
use crate::out_file::OutFile;
use crate::post::{Post, PostKind};
use crate::route::Dispatch;
use crate::split::split;
use crate::wording;

/// How long a prompt is at most, in bytes.
pub const MAX_PROMPT: usize = 128 * 1024;

/// The author of what is asked from outside of every platform.
pub const OPERATOR: &str = "operator";

/// What the file is called that holds a prompt too long for a post.
const NAME: &str = "prompt.md";

/// How much of such a prompt stands in the post, in units of its channel.
const BEGINNING: usize = 500;

/// Something that is asked from outside of every platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What tells it from others; asking again with the same one while it is not posted yet does
    /// nothing.
    pub key: String,
    /// The project.
    pub project: ProjectName,
    /// Who answers; `None` is the project's default agent.
    pub agent: Option<AgentName>,
    /// What is asked, as it is: nothing in it is a command or a mention.
    pub text: String,
    /// Who asks, for the others in the channel.
    pub from: String,
}

/// Why something is not asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PromptRefusal {
    /// There is no such project.
    #[error("there is no project {0}; `mpgd project list` shows those that there are")]
    NoProject(ProjectName),
    /// The project has no channel.
    #[error("the project {0} has no channel to ask in")]
    NoChannel(ProjectName),
    /// The project has no such agent.
    #[error("the project {project} has no agent {agent}")]
    NoAgent {
        /// The project.
        project: ProjectName,
        /// Who was asked.
        agent: AgentName,
    },
    /// It says nothing.
    #[error("there is nothing to ask: the text is empty")]
    Empty,
    /// It is longer than what is taken.
    #[error("the text is too long: {length} bytes, at most {MAX_PROMPT}")]
    TooLong {
        /// How long it is, in bytes.
        length: usize,
    },
    /// It is longer than a post, and the channel takes no files.
    #[error(
        "the text is too long for the channel: at most {most} characters, as it takes no files"
    )]
    TooLongForPost {
        /// How long it may be.
        most: usize,
    },
    /// Too much is to be posted in the channel already.
    #[error("too much waits to be posted in the channel; ask again later")]
    Busy,
    /// The gateway is being stopped.
    #[error("the gateway is being stopped; ask again when it runs")]
    Draining,
}

impl Gateway {
    /// Asks an agent something: it is posted in the first channel of its project, and what it became
    /// is taken as a person's message from then on. Returns the post, and what follows.
    ///
    /// # Errors
    ///
    /// [`PromptRefusal`] if it is not asked; nothing is changed then.
    pub fn ask(
        &mut self,
        now: Timestamp,
        prompt: &Prompt,
    ) -> Result<(DeliveryId, Step), PromptRefusal> {
        let (place, post) = match self.prompt_post(prompt) {
            Ok(planned) => planned,
            Err(refusal) => {
                self.acts_by_itself();
                return Err(refusal);
            }
        };
        self.now = self.now.max(now);
        let id = post.id;
        let root = self.reply_root(&place);
        let owed = self.thread(&root).map(|thread| &thread.deliveries);
        let known = owed.is_some_and(|owed| owed.iter().any(|post| post.id == id));
        if owed.map_or(0, VecDeque::len) >= MAX_OWED && !known {
            self.acts_by_itself();
            return Err(PromptRefusal::Busy);
        }
        if !known {
            if self.thread(&root).is_none() {
                self.bind(&root, place);
            }
            self.plan(&root, post);
        }
        self.acts_by_itself();
        self.settle();
        Ok((id, mem::take(&mut self.step)))
    }

    fn prompt_post(&self, prompt: &Prompt) -> Result<(Place, Post), PromptRefusal> {
        if self.draining {
            return Err(PromptRefusal::Draining);
        }
        let name = &prompt.project;
        let project = self.config.routing.project(name);
        let project = project.ok_or_else(|| PromptRefusal::NoProject(name.clone()))?;
        if let Some(agent) = &prompt.agent
            && !project.agents.contains_key(agent)
        {
            return Err(PromptRefusal::NoAgent {
                project: name.clone(),
                agent: agent.clone(),
            });
        }
        let channel = project.channels.first();
        let channel = channel.ok_or_else(|| PromptRefusal::NoChannel(name.clone()))?;
        let text = prompt.text.trim();
        if text.is_empty() {
            return Err(PromptRefusal::Empty);
        }
        let length = text.len();
        if length > MAX_PROMPT {
            return Err(PromptRefusal::TooLong { length });
        }
        let footer = Post::footer(&wording::asked_by(&prompt.from, prompt.agent.as_ref()));
        let can = self.capabilities(channel);
        let room = can.room(None, footer.as_deref());
        let (footer, room) = if room.max >= TextLimit::SMALLEST {
            (footer, room)
        } else {
            (None, can.post_limit)
        };
        let kind = PostKind::Prompt {
            agent: prompt.agent.clone(),
        };
        let id = DeliveryId::of_prompt(self.state.installation, &prompt.key);
        let mut post = Post::new(id, kind, text);
        post.footer = footer;
        if room.unit.count(text) > room.max {
            let files = can.files.filter(|files| files.count > 0);
            if files.is_none_or(|files| (length as u64) > files.size) {
                return Err(PromptRefusal::TooLongForPost { most: room.max });
            }
            let limit = TextLimit {
                max: room.max.min(BEGINNING),
                ..room
            };
            let head = &text[..text.floor_char_boundary(8 * BEGINNING)];
            post.text = split(head, limit).into_iter().next().unwrap_or_default();
            post.files = vec![OutFile::text(NAME, text)];
        }
        Ok((Place::channel(channel.clone()), post))
    }

    /// A prompt is on its platform: what it asks is asked now, in a thread that grows from it.
    pub(super) fn prompted(&mut self, place: &Place, post: &Post, message: MessageId) {
        let PostKind::Prompt { agent } = &post.kind else {
            return;
        };
        let message = Message {
            place: place.clone(),
            id: message,
            author: Author {
                id: UserId::new(OPERATOR),
                name: OPERATOR.to_owned(),
                kind: AuthorKind::Human,
                roles: Vec::new(),
            },
            text: post.said().to_owned(),
            attachments: Vec::new(),
        };
        let Some(project) = self.project_of(&place.channel).cloned() else {
            return;
        };
        // That the post was seen is not noted: what people wrote before it may not have been read yet.
        let root = self.root_of(&message);
        let dispatch = Dispatch {
            project,
            agents: vec![agent.clone()],
            prompt: message.text.clone(),
            attachments: Vec::new(),
            left_out: Vec::new(),
        };
        self.dispatch(dispatch, &message, &root);
    }
}
