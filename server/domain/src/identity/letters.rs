//! The words of the mails that administration causes.

/// A subject and a text.
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
}

fn letter(organization: &str, name: &str, subject: String, body: &str) -> Letter {
    Letter { subject, text: format!("Hello {name},\n\n{body}\n\n{organization}\n") }
}

/// An invitation.
pub(crate) fn invitation(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    letter(
        organization,
        name,
        format!("Your account at {organization}"),
        &format!(
            "an account was made for you at {organization}. Your user name is: {user_name}\n\n\
             Open this link to choose a password. It works once, within 7 days:\n\n{link}"
        ),
    )
}

/// A password was reset by an administrator.
pub(crate) fn password_reset(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    letter(
        organization,
        name,
        format!("Choose a new password for {organization}"),
        &format!(
            "an administrator has reset the password of {user_name} and ended all sessions.\n\n\
             Open this link to choose a new password. It works once, within 30 minutes:\n\n{link}\n\n\
             If you did not ask for this, tell your administrator."
        ),
    )
}

/// The factors were removed by an administrator.
pub(crate) fn factors_reset(organization: &str, name: &str, user_name: &str, link: &str) -> Letter {
    letter(
        organization,
        name,
        format!("Set up a new second factor for {organization}"),
        &format!(
            "an administrator has removed the second factors of {user_name} and ended all sessions.\n\n\
             Open this link to set up a new one. It works once, within 7 days:\n\n{link}\n\n\
             If you did not ask for this, tell your administrator."
        ),
    )
}

/// Somebody has become an administrator.
pub(crate) fn role_granted(organization: &str, name: &str, role: &str) -> Letter {
    letter(
        organization,
        name,
        format!("You are now {role} at {organization}"),
        &format!("you have been given the administrator role {role}. Administrators sign in with a second factor."),
    )
}
