//! The page of the inline policy: the editor, and what its check says.

use domain::Error;
use domain::access::permission_sets::{PermissionSetView, PolicyText};
use leptos::prelude::*;
use model::iam::{Checked, Finding, Rules, Severity};
use model::words::grouped;
use model::{PermissionSetId, t};

use super::place;
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::form::{hidden, primary, text_of};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::title::Title;
use crate::shell::Answer;

/// The inline policy of a permission set.
pub async fn page(cx: Cx) -> Answer {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let view = cx.services().permission_sets.get(cx.call(), id).await?;
    if !view.may_change {
        return Err(Error::forbidden().into());
    }
    let text = view.row.set.to_input().inline_policy.map(|policy| policy.as_str().to_owned()).unwrap_or_default();
    Ok(editor(&view, view.version, &text, None))
}

/// The editor with a text; `refused`: why it was not saved.
pub fn editor(view: &PermissionSetView, version: i64, text: &str, refused: Option<&str>) -> Page {
    let id = view.row.id;
    let name = view.row.set.name().to_string();
    let title = t!("policy.title", name = name);
    let refused = refused.map(|why| notice(Tone::Bad, why.to_owned(), None));
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        {refused}
        <form class="form wide card" method="post" action="/actions/permission-sets/policy">
            {hidden("id", id.to_string())}
            {hidden("version", version.to_string())}
            {field(text)}
            <div class="row">{primary(t!("policy.save"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Page::admin(AdminTab::PermissionSets, title, body).with_script("policy.js")
}

fn field(text: &str) -> AnyView {
    let checked = PolicyText::new(text).checked();
    let empty = text.trim().is_empty();
    let wrong = !empty && !checked.is_valid();
    let said = (!empty).then(|| findings(&checked, text));
    let value = text_of(text);
    let lines = text.split('\n').count();
    let numbers: String = (1..=lines).map(|line| format!("{line}\n")).collect();
    let most = grouped(Rules::INLINE.most as u64);
    let size = t!("policy.size", n = "{n}", most = most);
    let place = t!("policy.place", line = "{line}", column = "{column}");
    view! {
        <div
            class="field policy-editor"
            data-check="/actions/permission-sets/policy-check"
            data-size=size
            data-place=place
            data-good=t!("policy.good")
            data-warning=t!("policy.warning")
        >
            <label for="f-inline_policy">{t!("field.inline_policy")}</label>
            <p class="hint" id="f-inline_policy-hint">{t!("policy.hint")}</p>
                <div class="code-frame">
                    <pre class="gutter" aria-hidden="true">{numbers}</pre>
                    <textarea
                        id="f-inline_policy"
                        name="inline_policy"
                        class="code-text"
                        rows=lines.max(12).to_string()
                        spellcheck="false"
                        autocomplete="off"
                        autocapitalize="none"
                        wrap="off"
                        aria-describedby="f-inline_policy-hint f-inline_policy-said"
                        aria-invalid=wrong.then_some("true")
                        autofocus=wrong
                        inner_html=value
                    ></textarea>
                </div>
                <div class="said stack tight" id="f-inline_policy-said" role="status">{said}</div>
        </div>
    }
    .into_any()
}

/// What the check says about a text: its size, and each finding with its line.
pub fn findings(checked: &Checked, text: &str) -> AnyView {
    let lines: Vec<&str> = text.lines().collect();
    let line_of = |finding: &Finding| {
        let line = usize::try_from(finding.at.line).ok().and_then(|line| lines.get(line.checked_sub(1)?)).copied();
        line.map(str::trim).filter(|line| !line.is_empty()).map(|line| line.chars().take(100).collect::<String>())
    };
    let items = checked
        .findings
        .iter()
        .map(|finding| {
            let warns = finding.severity == Severity::Warning;
            let place = t!("policy.place", line = finding.at.line, column = finding.at.column);
            let warning = warns.then(|| t!("policy.warning"));
            let source = line_of(finding).map(|line| view! { <code class="source">{line}</code> });
            view! {
                <li class=if warns { "warn" } else { "bad" }>
                    <strong>{place}</strong>
                    <span>{warning}" "<code>{finding.path.clone()}</code>" "{finding.message.clone()}</span>
                    {source}
                </li>
            }
        })
        .collect_view();
    let over = checked.size > Rules::INLINE.most;
    let size = t!("policy.size", n = grouped(checked.size as u64), most = grouped(Rules::INLINE.most as u64));
    let good = checked.findings.is_empty().then(|| view! { <p class="fine">{t!("policy.good")}</p> });
    view! {
        <p class=if over { "error" } else { "hint" }>{size}</p>
        {good}
        <ol class="findings" role="list">{items}</ol>
    }
    .into_any()
}
