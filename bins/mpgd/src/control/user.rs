//! Who sits at the command line, for the audit log.

use mpg_core::audit::Actor;
use tokio::fs;

/// The users of the machine: <https://man7.org/linux/man-pages/man5/passwd.5.html>.
const USERS: &str = "/etc/passwd";

/// A user of this machine, as the kernel knows it; by number, where it has no name.
pub(crate) async fn local(uid: u32) -> Actor {
    let users = fs::read_to_string(USERS).await.unwrap_or_default();
    let user = name_in(&users, uid).unwrap_or_else(|| format!("user {uid}"));
    Actor::Local { user }
}

fn name_in(users: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    let mut lines = users.lines().map(|line| line.split(':'));
    let name = lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    });
    name.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0::/:/bin/sh\nbroken\nann:x:1000:1000::/srv/ann:/bin/sh\n";
        assert_eq!(name_in(users, 1000).as_deref(), Some("ann"));
        assert_eq!(name_in(users, 0).as_deref(), Some("root"));
        assert_eq!(name_in(users, 7), None);
    }
}
