//! Who may do what: by people's ids, and by their roles' ids or exact names.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::{Access, Project, RoutingTable};
use crate::id::Place;
use crate::message::{Author, Message, Role};

/// Whether `author` is among those whom `access` admits.
pub fn admits(access: &Access, author: &Author) -> bool {
    if access.roles.is_empty() && access.users.is_empty() {
        return true;
    }
    access.users.contains(&author.id) || has_role(&access.roles, author)
}

/// Whether somebody may give commands about a project that change or end things, from a place.
///
/// What a role is called says nothing outside of the project's own channels: from elsewhere only its
/// id counts.
pub fn is_admin(project: &Project, place: &Place, author: &Author) -> bool {
    let admins = &project.access.admin_roles;
    if admins.is_empty() {
        return true;
    }
    if project.channels.contains(&place.channel) {
        return has_role(admins, author);
    }
    author.roles.iter().any(|role| admins.contains(&role.id))
}

/// Whether somebody may lift the limits on tools; nobody may where no role is named.
pub fn may_lift_limits(access: &Access, author: &Author) -> bool {
    has_role(&access.unsafe_roles, author)
}

/// Whether somebody may allow tools and approve plans, of those who may use the project.
pub fn may_approve(access: &Access, author: &Author) -> bool {
    access.approver_roles.is_empty() || has_role(&access.approver_roles, author)
}

/// Whether the author of a message may see and change the conversations of a project.
///
/// In the project's own channels that is who may use it. From elsewhere only a person whom it names
/// may: who can see a channel, and what a role is called, says nothing about another one.
pub(crate) fn reaches(project: &Project, message: &Message) -> bool {
    reaches_from(project, &message.place, &message.author)
}

/// Whether somebody may see and change the conversations of a project from a place.
pub(crate) fn reaches_from(project: &Project, place: &Place, author: &Author) -> bool {
    if project.channels.contains(&place.channel) {
        return admits(&project.access, author);
    }
    let platform = &place.channel.platform;
    project.access.users.contains(&author.id)
        && project
            .channels
            .iter()
            .any(|channel| channel.platform == *platform)
}

/// The project that the author of a message means by a name, in any case, of those that they may see
/// and change.
pub(crate) fn meant<'a>(
    table: &'a RoutingTable,
    message: &Message,
    name: &str,
) -> Option<&'a Arc<Project>> {
    let name = name.to_lowercase();
    let mut projects = table.projects();
    projects.find(|p| reaches(p, message) && p.name.as_str().to_lowercase() == name)
}

fn has_role(roles: &BTreeSet<String>, author: &Author) -> bool {
    let is_listed = |role: &Role| {
        let name = role.name.as_ref();
        roles.contains(&role.id) || name.is_some_and(|name| roles.contains(name))
    };
    author.roles.iter().any(is_listed)
}
