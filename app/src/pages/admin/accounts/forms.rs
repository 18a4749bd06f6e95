//! The forms of an account: a new one, another state of one, and the question before one is deleted.

use domain::Error;
use domain::access::accounts::{Account, AccountStatus, Broker, PERMISSION_SET};
use domain::authz::{Action, Resource, authorize};
use leptos::prelude::*;
use model::words::count;
use model::{AccountId, t};

use super::{LIST, place, status_name};
use crate::context::Cx;
use crate::parts::confirm::Confirm;
use crate::parts::form::{choices, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::title::Title;
use crate::shell::{Answer, Stop};

/// A new account.
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageAccounts, Resource::Organisation)?;
    let id = field("id", t!("field.id"))
        .hint(t!("accounts.id-hint"))
        .value(cx.typed("id").unwrap_or_default())
        .error(cx.error_of("id"))
        .inputmode("numeric")
        .length(12, 12);
    // After a refusal the field that was wrong has the focus.
    let id = if cx.flash.is_none() { id.focus() } else { id };
    let body = view! {
        {Title::new(t!("accounts.new")).under(t!("accounts.title"), LIST).view()}
        <form class="form card" method="post" action="/actions/accounts/create">
            {id.view()}
            {fields(&cx, None).await?}
            <div class="row">{primary(t!("accounts.create"))}<a class="button quiet" href=LIST>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Accounts, t!("accounts.new"), body))
}

/// Another state of an account.
pub async fn edit(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageAccounts, Resource::Organisation)?;
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let view = cx.services().accounts.get(cx.call(), id).await?;
    let name = view.account.name.to_string();
    let title = t!("accounts.edit", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        <form class="form card" method="post" action="/actions/accounts/update">
            {hidden("id", id.to_string())}
            {hidden("version", view.version.to_string())}
            {fields(&cx, Some(&view.account)).await?}
            <div class="row">{primary(t!("accounts.save"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Accounts, title, body))
}

async fn fields(cx: &Cx, account: Option<&Account>) -> Result<AnyView, Stop> {
    let value = |name: &str, is: fn(&Account) -> String| match cx.typed(name) {
        Some(typed) => typed.to_owned(),
        None => account.map(is).unwrap_or_default(),
    };
    let paths = cx.services().accounts.tree(cx.call()).await?.into_iter().map(|at| at.path.to_string()).collect();
    let statuses = AccountStatus::ALL.map(|status| (status.as_str().to_owned(), status_name(status).to_owned()));
    let written = |account: &Account| {
        account.tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n")
    };
    let name = field("name", t!("field.name"))
        .value(value("name", |account| account.name.to_string()))
        .error(cx.error_of("name"))
        .length(1, 50);
    let email = field("email", t!("field.email"))
        .kind("email")
        .hint(t!("accounts.email-hint"))
        .value(value("email", |account| account.email().to_owned()))
        .error(cx.error_of("email"))
        .optional();
    let path = field("path", t!("field.path"))
        .hint(t!("accounts.path-hint"))
        .value(value("path", |account| account.path.to_string()))
        .error(cx.error_of("path"))
        .list("paths", paths)
        .optional();
    let tags = field("tags", t!("field.tags"))
        .hint(t!("accounts.tags-hint"))
        .value(value("tags", written))
        .error(cx.error_of("tags"))
        .lines(3)
        .optional();
    let status = field("status", t!("field.status"))
        .hint(t!("accounts.status-hint"))
        .options(statuses.into())
        .value(value("status", |account| account.status.to_string()))
        .error(cx.error_of("status"));
    Ok(view! {
        {name.view()}
        {email.view()}
        {path.view()}
        {tags.view()}
        {account.is_some().then(|| status.view())}
        {broker(cx, account.map(|account| &account.broker))}
    }
    .into_any())
}

/// The way to credentials. Fields that the chosen way does not have are put out of sight by the style sheet; where that does
/// not happen they may stay empty.
fn broker(cx: &Cx, broker: Option<&Broker>) -> AnyView {
    let local = Broker::default();
    let broker = broker.unwrap_or(&local);
    let (provider, role, region, endpoint, external) = match broker {
        Broker::Local {} => ("", "", "", "", ""),
        Broker::AwsSaml { saml_provider, role, region, sts_endpoint } => {
            (saml_provider.as_str(), role.as_str(), region.as_str(), sts_endpoint.as_deref().unwrap_or_default(), "")
        }
        Broker::AwsRole { role, external_id, region } => {
            ("", role.as_str(), region.as_str(), "", external_id.as_deref().unwrap_or_default())
        }
    };
    let text = |name: &'static str, label: &'static str, hint: String, value: &str| {
        let value = cx.typed(name).unwrap_or(value).to_owned();
        field(name, label).hint(hint).value(value).error(cx.error_of(name)).free().view()
    };
    let wrong = cx.error_of("broker").map(|error| view! { <p class="error">{error}</p> });
    let ways = vec![
        ("local", t!("accounts.broker-local").to_owned(), Some(t!("accounts.broker-local-hint").to_owned())),
        ("aws-saml", t!("accounts.broker-aws-saml").to_owned(), Some(t!("accounts.broker-aws-saml-hint").to_owned())),
        ("aws-role", t!("accounts.broker-aws-role").to_owned(), Some(t!("accounts.broker-aws-role-hint").to_owned())),
    ];
    view! {
        <div class="broker stack">
            {wrong}
            {choices("broker", t!("accounts.broker-legend"), cx.typed("broker").unwrap_or(broker.kind()), ways)}
            <div class="of-saml">
                {text("saml_provider", t!("field.saml_provider"), t!("accounts.provider-hint").to_owned(), provider)}
            </div>
            <div class="of-aws">
                {text("role_arn", t!("field.role_arn"), t!("accounts.role-hint", set = PERMISSION_SET), role)}
            </div>
            <div class="of-aws">{text("region", t!("field.region"), t!("accounts.region-hint").to_owned(), region)}</div>
            <div class="of-saml">
                {text("sts_endpoint", t!("field.sts_endpoint"), t!("accounts.endpoint-hint").to_owned(), endpoint)}
            </div>
            <div class="of-role">
                {text("external_id", t!("field.external_id"), t!("accounts.external-hint").to_owned(), external)}
            </div>
        </div>
    }
    .into_any()
}

/// Before an account is deleted.
pub async fn delete(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageAccounts, Resource::Organisation)?;
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let view = cx.services().accounts.get(cx.call(), id).await?;
    if !view.may_change {
        return Err(Error::forbidden().into());
    }
    let name = view.account.name.to_string();
    let assigned = (view.assignments > 0)
        .then(|| t!("confirm.account.assigned", count = count("count.assignments", view.assignments)));
    let confirm =
        Confirm::new(t!("confirm.account.title", name = name), "/actions/accounts/delete", t!("confirm.account.do"))
            .effect_where(assigned)
            .effect(t!("confirm.account.registry"))
            .effect(t!("confirm.account.rules", path = view.account.path));
    let title = confirm.title.clone();
    let body = confirm.with("id", id.to_string()).view(name, &place(id));
    Ok(Page::admin(AdminTab::Accounts, title, body))
}
