//! Import of accounts: the list as text, and what it would change before it does.

use domain::access::accounts::import::{ImportPlan, LineFault};
use domain::authz::{Action, Resource, authorize};
use leptos::prelude::*;
use model::words::{count, grouped, look_up};
use model::{Refusal, t};
use serde_json::Value;

use super::{LIST, place};
use crate::actions::table::most_bytes;
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::form::{field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// Lines of one kind that a preview shows.
const SHOWN: usize = 200;

/// `/admin/accounts/import`, and the same with a list that waits.
pub async fn page(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageAccounts, Resource::Organisation)?;
    let body = match cx.address.get("draft") {
        None => form(cx.error_of("text"), String::new()),
        Some(draft) => {
            let text = cx.services().accounts.proposed_import(cx.call(), draft).await?;
            match cx.services().accounts.preview_import(cx.call(), draft).await {
                Ok(plan) => preview(&cx, draft, &plan, text),
                Err(error) if error.kind() == Refusal::Invalid => {
                    form(Some(format!("{} {}.", t!("field.text"), error.outside())), text)
                }
                Err(error) => return Err(Stop::Refused(error)),
            }
        }
    };
    let body = view! {
        {Title::new(t!("import.title")).under(t!("accounts.title"), LIST).view()}
        {body}
    };
    Ok(Page::admin(AdminTab::Accounts, t!("import.title"), body).with_script("file.js"))
}

/// A file instead of a pasted text: `public/file.js` shows it, reads the file and puts it into the text field.
fn file_chooser() -> AnyView {
    view! {
        <div
            class="field file-chooser"
            hidden
            data-most=most_bytes("/actions/accounts/import").to_string()
            data-read=t!("import.file-read", name = "{name}", n = "{n}")
            data-large=t!("import.file-large", name = "{name}")
        >
            <label for="file">{t!("import.file")}</label>
            <input type="file" id="file" accept=".csv,.json,.txt,text/csv,application/json,text/plain"/>
            <p class="hint" role="status">{t!("import.file-hint")}</p>
        </div>
    }
    .into_any()
}

fn form(error: Option<String>, text: String) -> AnyView {
    let text = field("text", t!("import.text")).value(text).error(error).lines(14).mono();
    view! {
        <form class="form wide card" method="post" action="/actions/accounts/import">
            <p>{t!("import.hint-csv")}</p>
            <p>{t!("import.hint-json")}</p>
            {file_chooser()}
            {text.view()}
            <div class="row">
                {primary(t!("import.look"))}
                <span class="muted small">{t!("import.look-hint")}</span>
            </div>
        </form>
    }
    .into_any()
}

fn preview(cx: &Cx, draft: &str, plan: &ImportPlan, text: String) -> AnyView {
    if !plan.faults.is_empty() {
        return view! {
            {notice(Tone::Bad, t!("import.faults"), None)}
            {section(count("count.faults", plan.faults.len() as u64), None, faults(cx, &plan.faults))}
            {form(None, text)}
        }
        .into_any();
    }
    let many = plan.new.len() as u64 + plan.changed.len() as u64;
    let apply = plan.changes_something().then(|| {
        view! {
            <form method="post" action="/actions/accounts/import-apply">
                {hidden("draft", draft)}
                {hidden("fingerprint", plan.fingerprint())}
                <div class="row">
                    {primary(t!("import.apply", count = count("count.accounts", many)))}
                    <a class="button quiet" href=LIST>{t!("cancel")}</a>
                </div>
            </form>
        }
    });
    let nothing = (!plan.changes_something()).then(|| notice(Tone::Good, t!("import.nothing"), None));
    let tile = |n: u64, label: &'static str| {
        view! { <div class="tile"><strong>{grouped(n)}</strong><span>{label}</span></div> }
    };
    view! {
        <h2>{t!("import.preview")}</h2>
        {nothing}
        <div class="tiles">
            {tile(plan.new.len() as u64, t!("import.new"))}
            {tile(plan.changed.len() as u64, t!("import.changed"))}
            {tile(plan.unchanged, t!("import.unchanged"))}
        </div>
        {apply}
        {changed(cx, plan)}
        {new(cx, plan)}
        <details class="more">
            <summary>{t!("import.again")}</summary>
            {form(None, text)}
        </details>
    }
    .into_any()
}

/// How many lines a table leaves out.
fn more(all: usize) -> Option<AnyView> {
    let left = all.saturating_sub(SHOWN);
    (left > 0).then(|| view! { <p class="section-note">{t!("import.more", n = grouped(left as u64))}</p> }.into_any())
}

fn faults(cx: &Cx, faults: &[LineFault]) -> AnyView {
    let columns = vec![Column::new(t!("import.fault-line")), Column::new(t!("import.fault-what"))];
    let mut table = Table::new(t!("import.fault-what"), columns);
    for fault in faults.iter().take(SHOWN) {
        let label = look_up(&format!("field.{}", fault.field)).map_or_else(|| fault.field.clone(), str::to_owned);
        let said = t!("refused.field", field = label, reason = fault.reason);
        table.row(view! { <tr><th scope="row">{grouped(fault.line)}</th><td><bdi>{said}</bdi></td></tr> });
    }
    view! { {table.view(&cx.address)} {more(faults.len())} }.into_any()
}

fn new(cx: &Cx, plan: &ImportPlan) -> Option<AnyView> {
    if plan.new.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new(t!("field.name")),
        Column::new(t!("field.id")),
        Column::new(t!("field.path")).spare(),
        Column::new(t!("field.email")).spare(),
    ];
    let mut table = Table::new(t!("import.new"), columns);
    for account in plan.new.iter().take(SHOWN) {
        table.row(view! {
            <tr>
                <th scope="row"><bdi>{account.name.to_string()}</bdi></th>
                <td class="nowrap"><code>{account.id.to_string()}</code></td>
                <td class="spare"><bdi>{account.path.to_string()}</bdi></td>
                <td class="spare"><bdi>{account.email().to_owned()}</bdi></td>
            </tr>
        });
    }
    let table = view! { {table.view(&cx.address)} {more(plan.new.len())} };
    Some(section(t!("import.new"), None, table))
}

fn changed(cx: &Cx, plan: &ImportPlan) -> Option<AnyView> {
    if plan.changed.is_empty() {
        return None;
    }
    let columns = vec![
        Column::new(t!("field.name")),
        Column::new(t!("import.fields")),
        Column::new(t!("import.was")),
        Column::new(t!("import.becomes")),
    ];
    let mut table = Table::new(t!("import.changed"), columns);
    for changed in plan.changed.iter().take(SHOWN) {
        for (field, difference) in &changed.differences {
            let label = look_up(&format!("field.{field}")).map_or_else(|| field.clone(), str::to_owned);
            let side = |key: &str| said(difference.get(key));
            table.row(view! {
                <tr>
                    <th scope="row">
                        <a href=place(changed.account.id)><bdi>{changed.account.name.to_string()}</bdi></a>
                        <div class="sub"><code>{changed.account.id.to_string()}</code></div>
                    </th>
                    <td>{label}</td>
                    <td><bdi>{side("from")}</bdi></td>
                    <td><bdi>{side("to")}</bdi></td>
                </tr>
            });
        }
    }
    let table = view! { {table.view(&cx.address)} {more(plan.changed.len())} };
    Some(section(t!("import.changed"), None, table))
}

/// A value as people read it.
fn said(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(tags)) => {
            let pairs = tags.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            pairs.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
