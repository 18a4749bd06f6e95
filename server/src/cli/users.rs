//! `vestibule init` and `vestibule user …`.

use clap::{Args, Subcommand};
use domain::PageRequest;
use domain::identity::people::{LinkSent, PeopleQuery, PersonInput, PersonRow, PersonView, Status};
use model::UserId;
use serde_json::{Value, json};

use super::Failure;
use super::input::secret;
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule user create bob --email bob@example.com --given-name Bob --family-name Stone --group Engineers
  vestibule user invite bob                       prints a link to set a password, or sends it by mail
  vestibule user reset-factors bob                after a lost telephone
  vestibule user list --search bo --json
  printf %s \"$PASSWORD\" | vestibule user set-password bob";

/// The first owner.
#[derive(Args, Debug)]
pub struct Init {
    /// The name to sign in with
    #[arg(long, value_name = "NAME")]
    admin: String,
    /// The mail address
    #[arg(long, value_name = "EMAIL")]
    email: String,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everybody, or who matches
    List {
        /// The beginning of a name or of the mail address
        #[arg(long, default_value = "")]
        search: String,
        /// invited, active or disabled
        #[arg(long, value_parser = ["invited", "active", "disabled"])]
        status: Option<String>,
    },
    /// Everything about one person
    Show { name: String },
    /// Create a person
    Create(Create),
    /// Send a new invitation, or print its link where no mail is configured
    Invite { name: String },
    /// End all sessions and let nobody sign in under this name
    Disable { name: String },
    /// Let the person sign in again
    Enable { name: String },
    /// Remove the person
    Delete { name: String },
    /// Void the password, end all sessions, and send or print a link to set a new one
    ResetPassword { name: String },
    /// Remove all second factors, end all sessions, and send or print a link to set up new ones
    ResetFactors { name: String },
    /// Set a password, read from standard input
    SetPassword { name: String },
}

#[derive(Args, Debug)]
pub struct Create {
    /// The name to sign in with
    name: String,
    /// The mail address
    #[arg(long)]
    email: String,
    #[arg(long, value_name = "NAME")]
    given_name: String,
    #[arg(long, value_name = "NAME")]
    family_name: String,
    /// [default: given and family name]
    #[arg(long, value_name = "NAME", default_value = "")]
    display_name: String,
    /// A group to belong to; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Set the password read from standard input, instead of an invitation later
    #[arg(long)]
    password_stdin: bool,
}

/// `vestibule init`
pub async fn init(local: &Local, init: Init, out: Output) -> Result<(), Failure> {
    let input = PersonInput {
        given_name: init.admin.clone(),
        family_name: init.admin.clone(),
        display_name: init.admin.clone(),
        user_name: init.admin,
        email: init.email,
    };
    let link = local.services.people.init_owner(&local.call(), &input).await.or_failure()?;
    say(&format!(
        "{} is the first owner. This link sets the password and a second factor; it works once, for 30 minutes:",
        input.user_name
    ));
    out.one(&json!({ "userName": input.user_name, "link": link.expose() }), link.expose());
    Ok(())
}

/// `vestibule user …`
pub async fn run(local: &Local, command: Command, out: Output) -> Result<(), Failure> {
    let people = &local.services.people;
    let call = local.call();
    match command {
        Command::List { search, status } => list(local, search, status.as_deref(), out).await,
        Command::Show { name } => {
            let view = people.get(&call, find(local, &name).await?).await.or_failure()?;
            out.one(&view_json(&view), &view_text(&view));
            Ok(())
        }
        Command::Create(create) => self::create(local, create, out).await,
        Command::Invite { name } => {
            let sent = people.invite(&call, find(local, &name).await?).await.or_failure()?;
            link(&name, sent, out);
            Ok(())
        }
        Command::Disable { name } => {
            people.disable(&call, find(local, &name).await?).await.or_failure()?;
            done(&format!("{name} is disabled"))
        }
        Command::Enable { name } => {
            people.enable(&call, find(local, &name).await?).await.or_failure()?;
            done(&format!("{name} is enabled"))
        }
        Command::Delete { name } => {
            people.delete(&call, find(local, &name).await?).await.or_failure()?;
            done(&format!("{name} is deleted"))
        }
        Command::ResetPassword { name } => {
            let sent = people.reset_password(&call, find(local, &name).await?).await.or_failure()?;
            link(&name, sent, out);
            Ok(())
        }
        Command::ResetFactors { name } => {
            let sent = people.reset_factors(&call, find(local, &name).await?).await.or_failure()?;
            link(&name, sent, out);
            Ok(())
        }
        Command::SetPassword { name } => {
            let user = find(local, &name).await?;
            people.set_password(&call, user, &secret("password")?).await.or_failure()?;
            done(&format!("{name} has a new password"))
        }
    }
}

async fn list(local: &Local, search: String, status: Option<&str>, out: Output) -> Result<(), Failure> {
    let status = match status {
        Some("invited") => Some(Status::Invited),
        Some("active") => Some(Status::Active),
        Some("disabled") => Some(Status::Disabled),
        _ => None,
    };
    let mut query =
        PeopleQuery { search, status, page: PageRequest { cursor: None, size: Some(200) }, ..PeopleQuery::default() };
    let mut rows = Vec::new();
    loop {
        let page = local.services.people.list(&local.call(), &query).await.or_failure()?;
        rows.extend(page.rows.iter().map(|row| (row_json(row), row_cells(row))));
        if page.next.is_none() {
            break;
        }
        query.page.cursor = page.next;
    }
    out.list(&["name", "status", "mail", "last sign-in", "roles", "full name"], &rows);
    Ok(())
}

async fn create(local: &Local, create: Create, out: Output) -> Result<(), Failure> {
    let (people, call) = (&local.services.people, local.call());
    // Before anything is changed: who forgot the password has created nobody.
    let password = create.password_stdin.then(|| secret("password")).transpose()?;
    let mut groups = Vec::new();
    for group in &create.groups {
        groups.push(local.services.groups.find(&call, group).await.or_failure()?);
    }
    let input = PersonInput {
        user_name: create.name,
        email: create.email,
        given_name: create.given_name,
        family_name: create.family_name,
        display_name: create.display_name,
    };
    let user = people.create(&call, &input, &groups).await.or_failure()?;
    match password {
        Some(password) => {
            if let Err(error) = people.set_password(&call, user, &password).await.or_failure() {
                people.delete(&call, user).await.or_failure()?;
                return Err(error);
            }
            say(&format!("{} is created and can sign in", input.user_name));
        }
        None => {
            say(&format!("{} is created; `vestibule user invite {}` lets them in", input.user_name, input.user_name));
        }
    }
    out.one(&json!({ "userName": input.user_name, "id": user.to_string() }), &user.to_string());
    Ok(())
}

async fn find(local: &Local, name: &str) -> Result<UserId, Failure> {
    local.services.people.find(&local.call(), name).await.or_failure()
}

fn link(name: &str, sent: LinkSent, out: Output) {
    match sent {
        LinkSent::ByMail => {
            say(&format!("a link is on its way to {name} by mail"));
            if out.json {
                out.one(&json!({ "userName": name, "sent": "mail" }), "");
            }
        }
        LinkSent::ShowOnce(link) => {
            say(&format!("no mail is configured: give {name} this link; it works once"));
            out.one(&json!({ "userName": name, "sent": "here", "link": link.expose() }), link.expose());
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a command")]
fn done(text: &str) -> Result<(), Failure> {
    say(text);
    Ok(())
}

fn status_text(status: Status) -> &'static str {
    match status {
        Status::Invited => "invited",
        Status::Active => "active",
        Status::Disabled => "disabled",
    }
}

fn row_json(row: &PersonRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "userName": row.user_name,
        "displayName": row.display_name,
        "email": row.email,
        "status": row.status,
        "hasFactor": row.has_factor,
        "roles": row.roles,
        "createdAt": time(row.created_at),
        "lastSignInAt": row.last_sign_in_at.map(time),
    })
}

fn row_cells(row: &PersonRow) -> Vec<String> {
    let roles: Vec<&str> = row.roles.iter().map(|role| role.as_str()).collect();
    vec![
        row.user_name.clone(),
        status_text(row.status).to_owned(),
        row.email.clone(),
        row.last_sign_in_at.map_or_else(|| "never".to_owned(), time),
        roles.join(","),
        row.display_name.clone(),
    ]
}

fn view_json(view: &PersonView) -> Value {
    let mut value = row_json(&view.row);
    if let Value::Object(fields) = &mut value {
        let groups: Vec<&str> = view.groups.iter().map(|(_, name)| name.as_str()).collect();
        fields.insert("givenName".to_owned(), view.given_name.clone().into());
        fields.insert("familyName".to_owned(), view.family_name.clone().into());
        fields.insert("directory".to_owned(), view.directory.clone().into());
        fields.insert("attributes".to_owned(), view.attributes.clone().into());
        fields.insert("groups".to_owned(), json!(groups));
        fields.insert(
            "factors".to_owned(),
            json!(view.factors.iter().map(|factor| factor.name.clone()).collect::<Vec<_>>()),
        );
        fields.insert("enrolBy".to_owned(), json!(view.enrol_by.map(time)));
        fields.insert("mustChangePassword".to_owned(), view.must_change_password.into());
        fields.insert("passwordSetAt".to_owned(), json!(view.password_set_at.map(time)));
        fields.insert("breakGlass".to_owned(), view.break_glass.into());
    }
    value
}

fn view_text(view: &PersonView) -> String {
    let row = &view.row;
    let list = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    [
        ("name", row.user_name.clone()),
        ("full name", row.display_name.clone()),
        ("mail", row.email.clone()),
        ("status", status_text(row.status).to_owned()),
        ("roles", list(row.roles.iter().map(|role| role.as_str()).collect())),
        ("groups", list(view.groups.iter().map(|(_, name)| name.as_str()).collect())),
        ("factors", list(view.factors.iter().map(|factor| factor.name.as_str()).collect())),
        ("password", view.password_set_at.map_or_else(|| "none".to_owned(), |at| format!("set {}", time(at)))),
        ("last sign-in", row.last_sign_in_at.map_or_else(|| "never".to_owned(), time)),
        ("created", time(row.created_at)),
        ("id", row.id.to_string()),
    ]
    .map(|(label, value)| format!("{label:<13} {value}"))
    .join("\n")
}
