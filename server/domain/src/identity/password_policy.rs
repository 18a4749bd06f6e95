//! What a new password must be: long enough, not one of those tried first, not one used before.
//!
//! No rules of composition: sixteen random small letters are a fine password.

use zxcvbn::Score;

use super::passwords::{Hasher, Password, Verdict};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::settings::PasswordPolicy;
use crate::store::entity::user;

/// Checks a new password typed twice; gives it in the form in which it is hashed.
pub(crate) fn typed_twice(new: &Secret, again: &Secret) -> Result<Password> {
    let password = Password::parse("new", new)?;
    if !new.same_as(again) {
        return Err(Error::invalid("again", "is not the same as the new password"));
    }
    Ok(password)
}

/// The least length for a person with or without a second factor.
pub fn min_length(policy: &PasswordPolicy, has_factor: bool) -> u32 {
    if has_factor { policy.min_length_with_factor } else { policy.min_length }
}

/// Refuses what is too short or too easily guessed. `person` and `organisation` are words that guessers try first.
pub(crate) async fn check(
    field: &'static str,
    password: &Password,
    policy: &PasswordPolicy,
    has_factor: bool,
    person: &user::Model,
    organisation: &str,
) -> Result<()> {
    let words = words_of(person, organisation);
    check_words(field, password, policy, has_factor, words).await
}

/// [`check`] for whoever is not a person in the database yet.
pub(crate) async fn check_words(
    field: &'static str,
    password: &Password,
    policy: &PasswordPolicy,
    has_factor: bool,
    words: Vec<String>,
) -> Result<()> {
    let least = min_length(policy, has_factor);
    let length = password.expose().chars().count();
    if length < usize::try_from(least).unwrap_or(usize::MAX) {
        return Err(Error::invalid(field, format!("must have at least {least} characters")));
    }
    let wanted = if has_factor { Score::Two } else { Score::Three };
    let password = password.clone();
    // Some milliseconds of work: not on the threads that answer requests.
    let score = tokio::task::spawn_blocking(move || {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        zxcvbn::zxcvbn(password.expose(), &words).score().min(beside(password.expose(), &words))
    })
    .await
    .map_err(|e| Error::internal(format!("judging a password: {e}")))?;
    if score < wanted {
        return Err(Error::invalid(
            field,
            "is one that is guessed early; choose one that says less about you or is less common",
        ));
    }
    Ok(())
}

/// What a password is worth beside the words that are known of the person: too little is left of `examplecorp2026`.
fn beside(password: &str, words: &[&str]) -> Score {
    let mut left = password.to_lowercase();
    let mut longest_first: Vec<&&str> = words.iter().filter(|word| word.chars().count() > 2).collect();
    longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in longest_first {
        left = left.replace(*word, "");
    }
    if left.chars().count() < 6 { Score::Zero } else { Score::Four }
}

/// Names of the person and of the house, whole and in parts.
fn words_of(person: &user::Model, organisation: &str) -> Vec<String> {
    let whole = [
        &person.user_name,
        &person.email,
        &person.display_name,
        &person.given_name,
        &person.family_name,
        organisation,
        "vestibule",
    ];
    let mut words = Vec::new();
    for text in whole {
        words.push(text.to_lowercase());
        words.extend(
            text.to_lowercase()
                .split(|c: char| !c.is_alphanumeric())
                .filter(|part| part.chars().count() > 2)
                .map(str::to_owned),
        );
    }
    words.sort_unstable();
    words.dedup();
    words.retain(|word| !word.is_empty());
    words
}

/// Refuses the present password and those before it that the policy remembers.
pub(crate) async fn check_history(
    field: &'static str,
    pool: &Hasher,
    password: &Password,
    earlier: &[String],
) -> Result<()> {
    for hash in earlier {
        if pool.verify(password, Some(hash)).await? != Verdict::Wrong {
            return Err(Error::invalid(field, "was used before; choose another"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn judge(text: &str, has_factor: bool) -> Result<()> {
        let password = Password::parse("new", &Secret::new(text)).unwrap();
        let words = ["alice", "alice@example.com", "liddell", "vestibule", "example corp", "example", "corp"]
            .map(str::to_owned)
            .to_vec();
        check_words("new", &password, &PasswordPolicy::default(), has_factor, words).await
    }

    #[tokio::test]
    async fn short_common_and_personal_passwords_are_refused() {
        for (bad, has_factor) in [
            ("fourteen chars", false),
            ("q7#Tz!w", true),
            ("password", true),
            ("12345678", true),
            ("iloveyou", true),
            ("football1", true),
            ("qwertyuiop", true),
            ("passwordpassword", false),
            ("1234567890123456", false),
            ("qwertyuiopasdfgh", false),
            ("aaaaaaaaaaaaaaaaaaaa", false),
            ("alice@example.com", false),
            ("vestibulevestibule", false),
            ("examplecorp2026", false),
            ("aliceliddell1", true),
        ] {
            assert!(judge(bad, has_factor).await.is_err(), "{bad} (PW-28)");
        }
        for (good, has_factor) in [
            ("qjzkvwxmphgtrbnd", false),
            ("correct horse battery staple", false),
            ("kX9#mQ2z", true),
            ("žluťoučký kůň úpěl", false),
            ("🦊🌲🚲🎻🏔🧭🪁🛶🧵🎲🪴🧊🥁🪐🦉", false),
        ] {
            assert!(judge(good, has_factor).await.is_ok(), "{good} (PW-28)");
        }
    }

    #[test]
    fn both_typings_must_agree() {
        let error = typed_twice(&Secret::new("one"), &Secret::new("two")).unwrap_err();
        assert_eq!(error.field(), Some("again"));
    }
}
