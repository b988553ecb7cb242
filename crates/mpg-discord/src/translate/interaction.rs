//! Interactions as what the core hears.

use mpg_core::id::{MessageId, Place, UserId};
use mpg_core::interaction::{self, Action, ActionId};
use mpg_core::message::{Author, AuthorKind, Role};

use crate::directory::{Directory, channel_place, is_thread, thread_place};
use crate::event::interaction::{COMMAND, COMPLETION, COMPONENT, FORM, Interaction, Part};

/// What the core hears of an interaction; `None` of a command that is still being typed, and of
/// what Discord has thought of since.
pub(crate) fn heard(
    interaction: &Interaction,
    directory: &Directory,
) -> Option<interaction::Interaction> {
    let data = &interaction.data;
    let action_id = || ActionId::parse(data.custom_id.as_deref().unwrap_or_default());
    let action = match interaction.kind {
        COMMAND => Action::Command {
            name: data.name.clone()?,
            arguments: data
                .options
                .iter()
                .map(|option| (option.name.clone(), option.text()))
                .collect(),
        },
        COMPONENT => Action::Press {
            id: action_id()?,
            values: data.values.clone(),
        },
        FORM => Action::Submit {
            id: action_id()?,
            fields: data.components.iter().flat_map(Part::fields).collect(),
        },
        COMPLETION.. | 0..COMMAND => return None,
    };
    Some(interaction::Interaction {
        place: place_of(interaction, directory)?,
        id: MessageId::new(interaction.id.to_string()),
        author: author_of(interaction, directory)?,
        action,
    })
}

/// Where it happened. Interactions bring the channel with them.
pub(crate) fn place_of(interaction: &Interaction, directory: &Directory) -> Option<Place> {
    let channel = interaction.channel.as_ref();
    let id = interaction
        .channel_id
        .or(channel.map(|channel| channel.id))?;
    let kind = channel.map(|channel| channel.kind);
    if let Some(parent) = channel.and_then(|channel| channel.parent_id)
        && kind.is_some_and(is_thread)
    {
        return Some(thread_place(parent, id));
    }
    Some(
        directory
            .place(id, kind)
            .unwrap_or_else(|| channel_place(id)),
    )
}

/// Who it was, with what is known of the roles.
pub(crate) fn author_of(interaction: &Interaction, directory: &Directory) -> Option<Author> {
    let user = interaction.author()?;
    let member = interaction.member.as_ref();
    let name = member
        .and_then(|member| member.nick.clone())
        .or_else(|| user.global_name.clone())
        .unwrap_or_else(|| user.username.clone());
    let roles = member
        .map(|member| member.roles.as_slice())
        .unwrap_or_default();
    Some(Author {
        id: UserId::new(user.id.to_string()),
        name,
        kind: if user.bot {
            AuthorKind::Bot
        } else {
            AuthorKind::Human
        },
        roles: roles
            .iter()
            .map(|role| Role {
                id: role.to_string(),
                name: interaction
                    .guild_id
                    .and_then(|guild| directory.role_name(guild, *role))
                    .map(str::to_owned),
            })
            .collect(),
    })
}
