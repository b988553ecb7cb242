//! What is said from outside of every platform: posted in a channel or a thread of the project. What is
//! asked is taken from there as a person's message is.

use std::collections::VecDeque;
use std::mem;

use jiff::Timestamp;
use thiserror::Error;

use super::Gateway;
use super::deliveries::MAX_OWED;
use crate::capability::TextLimit;
use crate::event::Step;
use crate::id::{
    AgentName, DeliveryId, InstallationId, MessageId, Place, ProjectName, Root, RootId, UserId,
};
use crate::message::{Author, AuthorKind, Message};
use crate::out_file::OutFile;
use crate::post::{Post, PostKind};
use crate::route::Dispatch;
use crate::snapshot::Snapshot;
use crate::split::split;
use crate::wording;

/// How long a prompt is at most, in bytes.
pub const MAX_PROMPT: usize = 128 * 1024;

/// How many of what was said last are remembered, so that each is posted once however often it is said.
/// What came before them is stored by then.
const MOST_REMEMBERED: usize = 1_024;

/// The author of what is asked from outside of every platform.
pub const OPERATOR: &str = "operator";

/// How much of a text that is too long for a post stands in the post, in units of its channel.
const BEGINNING: usize = 500;

/// What is to become of a text from outside of every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An agent answers it.
    Ask,
    /// People know it then, and nobody answers.
    Tell,
}

impl Purpose {
    /// What the file is called that holds a text too long for a post.
    fn file(self) -> &'static str {
        match self {
            Self::Ask => "prompt.md",
            Self::Tell => "message.md",
        }
    }
}

/// Something that is asked or told from outside of every platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What tells it from others: what is said again with the same one is posted once.
    pub key: String,
    /// What was posted with this key long ago, as far as it is stored: a gateway remembers only the
    /// latest.
    pub earlier: Option<DeliveryId>,
    /// What is to become of it.
    pub purpose: Purpose,
    /// The project.
    pub project: ProjectName,
    /// The thread that it is posted in; `None` is the project's first channel.
    pub thread: Option<RootId>,
    /// Who answers what is asked; `None` is the project's default agent.
    pub agent: Option<AgentName>,
    /// What is asked, as it is: nothing in it is a command or a mention.
    pub text: String,
    /// Who says it, for the others in the channel.
    pub from: String,
}

impl Prompt {
    /// The post that it becomes.
    fn delivery(&self, installation: InstallationId) -> DeliveryId {
        let purpose = match self.purpose {
            Purpose::Ask => "ask",
            Purpose::Tell => "tell",
        };
        let thread = self.thread.as_ref().map(RootId::to_string);
        let said = [
            purpose,
            self.project.as_str(),
            thread.as_deref().unwrap_or_default(),
            self.agent.as_ref().map_or("", AgentName::as_str),
            self.text.trim(),
        ];
        DeliveryId::of_prompt(installation, &self.key, &said.join("\0"))
    }
}

/// What was said lately from outside of every platform, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Prompts(VecDeque<DeliveryId>);

impl Prompts {
    /// What is still owed.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut prompts = Self::default();
        let threads = snapshot.threads.values();
        for post in threads.flat_map(|thread| &thread.deliveries) {
            if matches!(post.kind, PostKind::Prompt { .. } | PostKind::Told) {
                prompts.remember(post.id);
            }
        }
        prompts
    }

    /// What was said with the same key.
    fn like(&self, id: DeliveryId) -> Option<DeliveryId> {
        self.0.iter().copied().find(|known| known.begins_like(&id))
    }

    fn remember(&mut self, id: DeliveryId) {
        if self.0.len() >= MOST_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    /// What was left out may be said again.
    pub(super) fn forget(&mut self, id: DeliveryId) {
        self.0.retain(|known| *known != id);
    }
}

/// Why something is neither asked nor told.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PromptRefusal {
    /// There is no such project.
    #[error("there is no project {0}; `mpgd project list` shows those that there are")]
    NoProject(ProjectName),
    /// The project has no channel.
    #[error("the project {0} has no channel to say it in")]
    NoChannel(ProjectName),
    /// The project has no such thread.
    #[error("the project {0} has no such thread; it may be forgotten")]
    NoThread(ProjectName),
    /// The project has no such agent.
    #[error("the project {project} has no agent {agent}")]
    NoAgent {
        /// The project.
        project: ProjectName,
        /// Who was asked.
        agent: AgentName,
    },
    /// It says nothing.
    #[error("there is nothing to say: the text is empty")]
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
    #[error("too much waits to be posted there; say it again later")]
    Busy,
    /// Something else was said with the same key.
    #[error("something else was said with this key, and this is not said; take another key")]
    KeyTaken,
    /// The gateway is being stopped.
    #[error("the gateway is being stopped; say it again when it runs")]
    Draining,
}

impl Gateway {
    /// Asks or tells something: it is posted in the first channel of its project, or in a thread. What
    /// is asked is taken as a person's message once it is there. Returns the post, and what follows.
    ///
    /// # Errors
    ///
    /// [`PromptRefusal`] if it is not said; nothing is changed then.
    pub fn ask(
        &mut self,
        now: Timestamp,
        prompt: &Prompt,
    ) -> Result<(DeliveryId, Step), PromptRefusal> {
        let said = self.say(now, prompt);
        self.acts_by_itself();
        said.map(|id| {
            self.settle();
            (id, mem::take(&mut self.step))
        })
    }

    fn say(&mut self, now: Timestamp, prompt: &Prompt) -> Result<DeliveryId, PromptRefusal> {
        let id = prompt.delivery(self.state.installation);
        if let Some(known) = prompt.earlier.or_else(|| self.prompts.like(id)) {
            return Some(known)
                .filter(|known| *known == id)
                .ok_or(PromptRefusal::KeyTaken);
        }
        let (root, post) = self.prompt_post(id, prompt)?;
        let owed = self.thread(&root).map(|thread| &thread.deliveries);
        if owed.map_or(0, VecDeque::len) >= MAX_OWED {
            return Err(PromptRefusal::Busy);
        }
        self.now = self.now.max(now);
        if self.thread(&root).is_none() {
            self.bind(&root, Place::channel(root.channel.clone()));
        }
        self.prompts.remember(id);
        self.plan(&root, post);
        Ok(id)
    }

    fn prompt_post(
        &self,
        id: DeliveryId,
        prompt: &Prompt,
    ) -> Result<(RootId, Post), PromptRefusal> {
        if self.draining {
            return Err(PromptRefusal::Draining);
        }
        let thread = self.prompt_thread(prompt)?;
        let text = prompt.text.trim();
        if text.is_empty() {
            return Err(PromptRefusal::Empty);
        }
        let length = text.len();
        if length > MAX_PROMPT {
            return Err(PromptRefusal::TooLong { length });
        }
        let footer = Post::footer(&wording::asked_by(&prompt.from, prompt.agent.as_ref()));
        let can = self.capabilities(&thread.channel);
        let room = can.room(None, footer.as_deref());
        let (footer, room) = if room.max >= TextLimit::SMALLEST {
            (footer, room)
        } else {
            (None, can.post_limit)
        };
        let kind = match prompt.purpose {
            Purpose::Ask => PostKind::Prompt {
                agent: prompt.agent.clone(),
            },
            Purpose::Tell => PostKind::Told,
        };
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
            post.files = vec![OutFile::text(prompt.purpose.file(), text)];
        }
        Ok((thread, post))
    }

    /// Where it is posted.
    fn prompt_thread(&self, prompt: &Prompt) -> Result<RootId, PromptRefusal> {
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
        let Some(root) = &prompt.thread else {
            let channel = project.channels.first();
            let channel = channel.ok_or_else(|| PromptRefusal::NoChannel(name.clone()))?;
            return Ok(self.reply_root(&Place::channel(channel.clone())));
        };
        // What is said where a side question stands belongs to the thread around it.
        let is_aside = matches!(root.root, Root::Aside(_));
        let is_here = project.channels.contains(&root.channel) && self.thread(root).is_some();
        (is_here && !is_aside)
            .then(|| root.clone())
            .ok_or_else(|| PromptRefusal::NoThread(name.clone()))
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
