//! How a mail is put together from the message catalogue, and the mails that administration causes.

use model::{Role, t, words};

/// A subject and a text.
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Letter {
    /// Greeting, paragraphs, and who writes.
    pub(crate) fn new(organization: &str, name: &str, subject: String, paragraphs: &[String]) -> Self {
        let greeting = t!("mail.greeting", name = name);
        let text = format!("{greeting}\n\n{}\n\n{organization}\n", paragraphs.join("\n\n"));
        Self { subject, text }
    }
}

/// An invitation.
pub(crate) fn invitation(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    let paragraphs = [
        t!("mail.invitation.text", organization = organization, name = user_name),
        t!("mail.invitation.link").to_owned(),
        link.to_owned(),
    ];
    Letter::new(organization, name, t!("mail.invitation.subject", organization = organization), &paragraphs)
}

/// A password was reset by an administrator.
pub(crate) fn password_reset(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    let paragraphs = [
        t!("mail.password-reset.text", name = user_name),
        t!("mail.password-reset.link").to_owned(),
        link.to_owned(),
        t!("mail.not-asked-for").to_owned(),
    ];
    Letter::new(organization, name, t!("mail.password-reset.subject", organization = organization), &paragraphs)
}

/// The factors were removed by an administrator.
pub(crate) fn factors_reset(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    let paragraphs = [
        t!("mail.factors-reset.text", name = user_name),
        t!("mail.factors-reset.link").to_owned(),
        link.to_owned(),
        t!("mail.not-asked-for").to_owned(),
    ];
    Letter::new(organization, name, t!("mail.factors-reset.subject", organization = organization), &paragraphs)
}

/// Somebody has become an administrator.
pub(crate) fn role_granted(organization: &str, name: &str, role: Role) -> Letter {
    let role = words::look_up(&format!("role.{}", role.as_str())).unwrap_or_else(|| role.as_str());
    let subject = t!("mail.role-granted.subject", role = role, organization = organization);
    Letter::new(organization, name, subject, &[t!("mail.role-granted.text", role = role)])
}

/// Access ends soon, theirs or what they gave.
pub(crate) fn access_ends(organization: &str, name: &str, paragraphs: &[String]) -> Letter {
    let subject = t!("mail.subject", subject = t!("mail.access-ends.subject"), organization = organization);
    Letter::new(organization, name, subject, paragraphs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_greets_tells_links_and_signs() {
        let letter = factors_reset("Example {link}", "Alice Liddell", "alice", "https://sso.example.com/start/link/x");
        assert_eq!(letter.subject, "Set up a new second factor for Example {link}");
        assert_eq!(
            letter.text,
            "Hello Alice Liddell,\n\n\
             An administrator has removed the second factors of alice and ended all sessions.\n\n\
             Open this link to set up a new one. It works for 7 days, until a factor is set up:\n\n\
             https://sso.example.com/start/link/x\n\n\
             If you did not ask for this, tell your administrator.\n\n\
             Example {link}\n"
        );
    }

    #[test]
    fn every_role_has_its_name() {
        for role in Role::ALL {
            let letter = role_granted("Example", "Alice", role);
            assert!(!letter.subject.contains(&format!(" {} ", role.as_str())), "{}", letter.subject);
        }
    }
}
