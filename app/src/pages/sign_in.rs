//! The steps of signing in, one question a page.

use axum::http::header;
use domain::identity::factors::TotpOffer;
use leptos::prelude::*;
use model::{LocalPath, t};
use qrcode::QrCode;
use qrcode::render::svg;

use crate::context::Cx;
use crate::parts::copy::secret;
use crate::parts::form::{button, field, hidden, primary};
use crate::parts::frame::Page;
use crate::parts::passkey::{Passkey, without};
use crate::shell::{Answer, Stop};

/// Where the reader wanted to go, if it is a path of this site.
fn wanted(cx: &Cx) -> Option<String> {
    let text = cx.typed("next").or_else(|| cx.address.get("next"))?;
    LocalPath::parse(text).ok().map(|path| path.as_str().to_owned())
}

/// User name and password, or a passkey.
pub async fn sign_in(cx: Cx) -> Answer {
    let next = wanted(&cx);
    if cx.signed_in().is_some() {
        return Err(Stop::Go(next.unwrap_or_else(|| "/start".to_owned())));
    }
    let next_field = || next.clone().map(|next| hidden("next", next));
    let typed = cx.typed("username").unwrap_or_default().to_owned();
    let name_is_known = !typed.is_empty();
    let name = field("username", t!("field.username")).autocomplete("username webauthn").value(typed).length(1, 256);
    let password = field("password", t!("field.password")).kind("password").autocomplete("current-password");
    let (name, password) = if name_is_known { (name, password.focus()) } else { (name.focus(), password) };
    let passkey = Passkey {
        ceremony: "get",
        begin: "/actions/sign-in/passkey-begin",
        finish: "/actions/sign-in/passkey",
        label: t!("sign-in.passkey"),
        class: "",
        with: next_field().into_any(),
    };
    let body = view! {
        <h1>{t!("sign-in.title")}</h1>
        <form class="form" method="post" action="/actions/sign-in/password">
            {name.view()}
            {password.view()}
            {next_field()}
            {primary(t!("sign-in.do"))}
        </form>
        {passkey.view()}
        <p><a href="/start/forgotten">{t!("sign-in.forgotten")}</a></p>
    };
    Ok(Page::step(t!("sign-in.title"), body).with_passkeys().with_fragments())
}

/// A code or a passkey as second step.
pub async fn second_factor(cx: Cx) -> Answer {
    let choices = match cx.services().sign_in.second_factor_choices(cx.call()).await {
        Ok(choices) => choices,
        Err(_) if cx.signed_in().is_some() => return Err(Stop::Go("/start".to_owned())),
        Err(error) => return Err(elsewhere(&cx, error)),
    };
    let passkey = (choices.passkey && !choices.passkeys_off).then(|| {
        Passkey {
            ceremony: "get",
            begin: "/actions/sign-in/second-passkey-begin",
            finish: "/actions/sign-in/second-passkey",
            label: t!("second-factor.passkey"),
            class: "primary",
            with: ().into_any(),
        }
        .view()
    });
    let has_passkey = passkey.is_some();
    let code = (choices.totp || choices.recovery_codes).then(|| {
        let hint = if choices.totp { t!("second-factor.code-hint") } else { t!("second-factor.recovery-hint") };
        let label = if choices.totp { t!("field.code") } else { t!("field.recovery-code") };
        let input = field("code", label).hint(hint).autocomplete("one-time-code").code().focus().length(6, 64);
        view! {
            <form class="form" method="post" action="/actions/sign-in/code">
                {input.view()}
                {primary(t!("second-factor.do"))}
            </form>
            {choices.totp.then(|| view! { <p class="hint">{t!("second-factor.lost")}</p> })}
        }
    });
    let both = has_passkey && code.is_some();
    let body = view! {
        <h1>{t!("second-factor.title")}</h1>
        {passkey}
        {(has_passkey && !both).then(without)}
        {both.then(|| view! { <p class="or">{t!("or")}</p> })}
        {code}
        {button("/actions/sign-in/out", &[], t!("second-factor.other"), "quiet compact")}
    };
    let page = Page::step(t!("second-factor.title"), body);
    Ok(if has_passkey { page.with_passkeys() } else { page })
}

/// The first second factor: which kind.
pub async fn enrol(cx: Cx) -> Answer {
    at_stage(&cx, domain::Stage::Enrol)?;
    let name = field("name", t!("factor.name"))
        .hint(t!("factor.name-hint-passkey"))
        .value(t!("factor.name-passkey"))
        .length(1, 64);
    let passkey = Passkey {
        ceremony: "create",
        begin: "/actions/sign-in/enrol-passkey-begin",
        finish: "/actions/sign-in/enrol-passkey",
        label: t!("enrol.passkey-do"),
        class: "",
        with: name.view(),
    };
    let body = view! {
        <h1>{t!("enrol.title")}</h1>
        <p>{t!("enrol.why")}</p>
        <section class="card">
            <h2>{t!("enrol.app")}</h2>
            <p>{t!("enrol.app-text")}</p>
            <p><a class="button primary" href="/start/enrol/app">{t!("enrol.app-do")}</a></p>
        </section>
        <section class="card">
            <h2>{t!("enrol.passkey")}</h2>
            <p>{t!("enrol.passkey-text")}</p>
            {passkey.view()}
            {without()}
        </section>
        {button("/actions/sign-in/out", &[], t!("second-factor.other"), "quiet compact")}
    };
    Ok(Page::step(t!("enrol.title"), body).with_passkeys())
}

/// The first second factor: an app.
pub async fn enrol_app(cx: Cx) -> Answer {
    at_stage(&cx, domain::Stage::Enrol)?;
    let offer = cx.services().sign_in.enrol_totp_begin(cx.call()).await?;
    let body = view! {
        <h1>{t!("enrol.app")}</h1>
        {totp_form(&cx, &offer, "/actions/sign-in/enrol-app")}
        <p><a href="/start/enrol">{t!("enrol.back")}</a></p>
    };
    cx.header(header::CACHE_CONTROL, "no-store");
    Ok(Page::step(t!("enrol.app"), body).with_islands())
}

/// The picture to scan, the secret to type instead, and the first code.
pub fn totp_form(cx: &Cx, offer: &TotpOffer, action: &'static str) -> AnyView {
    // A code too long for a picture does not exist: the address is ours. If it ever did, typing still works.
    let picture = QrCode::new(offer.uri.expose()).ok().map(|code| {
        let dark = code.render::<svg::Color<'_>>().min_dimensions(180, 180).quiet_zone(true).build();
        let dark = dark.split_once("?>").map_or(dark.as_str(), |(_, svg)| svg).to_owned();
        view! { <div class="qr" role="img" aria-label=t!("enrol.picture") inner_html=dark></div> }
    });
    let name = cx.typed("name").unwrap_or(t!("factor.name-app")).to_owned();
    let code = field("code", t!("enrol.first-code"))
        .hint(t!("enrol.first-code-hint"))
        .autocomplete("one-time-code")
        .inputmode("numeric")
        .code()
        .error(cx.error_of("code"))
        .length(6, 10);
    let name = field("name", t!("factor.name"))
        .hint(t!("factor.name-hint-app"))
        .value(name)
        .error(cx.error_of("name"))
        .length(1, 64);
    view! {
        <p>{t!("enrol.scan")}</p>
        {picture}
        <details class="more">
            <summary>{t!("enrol.type")}</summary>
            {secret(grouped_by_four(offer.secret.expose()))}
        </details>
        <form class="form" method="post" action=action>
            {hidden("ceremony", offer.ceremony.clone())}
            {code.view()}
            {name.view()}
            {primary(t!("enrol.app-finish"))}
        </form>
    }
    .into_any()
}

/// A secret in groups of four is easier to type; apps ignore the spaces.
fn grouped_by_four(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A new password before going on.
pub async fn new_password(cx: Cx) -> Answer {
    at_stage(&cx, domain::Stage::NewPassword)?;
    let body = view! {
        <h1>{t!("new-password.title")}</h1>
        <p>{t!("new-password.why")}</p>
        <form class="form" method="post" action="/actions/sign-in/new-password">
            {new_password_fields(&cx, true)}
            {primary(t!("new-password.do"))}
        </form>
        {button("/actions/sign-in/out", &[], t!("second-factor.other"), "quiet compact")}
    };
    Ok(Page::step(t!("new-password.title"), body))
}

/// The new password and its repetition.
pub fn new_password_fields(cx: &Cx, focus: bool) -> AnyView {
    let least = cx.settings().password_policy.min_length;
    let new = field("new", t!("field.new"))
        .kind("password")
        .autocomplete("new-password")
        .hint(t!("password.hint", least = least))
        .error(cx.error_of("new"));
    let new = if focus { new.focus() } else { new };
    let again =
        field("again", t!("field.again")).kind("password").autocomplete("new-password").error(cx.error_of("again"));
    view! { {new.view()} {again.view()} }.into_any()
}

/// Recovery codes on the way in, shown once.
pub async fn recovery_codes(cx: Cx) -> Answer {
    let next = wanted(&cx).unwrap_or_else(|| "/start".to_owned());
    let Some(codes) = codes_shown_once(&cx).await? else {
        return Err(Stop::Go(next));
    };
    let body = view! {
        <h1>{t!("codes.title")}</h1>
        {codes}
        <p><a class="button primary wide" href=next>{t!("codes.done")}</a></p>
    };
    Ok(Page::step(t!("codes.title"), body))
}

/// The codes that an action left with the session; they are forgotten with this answer.
pub async fn codes_shown_once(cx: &Cx) -> Result<Option<AnyView>, Stop> {
    let Some(notice) = cx.once().filter(|notice| notice.message == "recovery-codes") else {
        return Ok(None);
    };
    let codes = notice.values.iter().map(|code| view! { <li>{code.clone()}</li> }).collect_view();
    cx.services().sessions.clear_notice(cx.call()).await?;
    cx.header(header::CACHE_CONTROL, "no-store");
    Ok(Some(
        view! {
            <p>{t!("codes.text")}</p>
            <ol class="codes" role="list" aria-label=t!("codes.title")>{codes}</ol>
            <p class="hint">{t!("codes.once")}</p>
        }
        .into_any(),
    ))
}

/// "Confirm it is you", before something sensitive.
pub async fn confirm(cx: Cx) -> Answer {
    let choices = cx.services().me.confirm_choices(cx.call()).await?;
    let next = wanted(&cx).unwrap_or_else(|| "/me/security".to_owned());
    let passkey = (choices.passkey && !choices.passkeys_off).then(|| {
        Passkey {
            ceremony: "get",
            begin: "/actions/me/confirm-passkey-begin",
            finish: "/actions/me/confirm-passkey",
            label: t!("confirm.passkey"),
            class: "primary",
            with: hidden("next", next.clone()),
        }
        .view()
    });
    let has_passkey = passkey.is_some();
    let by_password = !choices.totp && !choices.passkey && !choices.recovery_codes;
    let proof = if by_password {
        field("proof", t!("field.password")).kind("password").autocomplete("current-password").focus()
    } else {
        let hint = if choices.totp { t!("second-factor.code-hint") } else { t!("second-factor.recovery-hint") };
        field("proof", t!("field.code")).hint(hint).autocomplete("one-time-code").code().focus().length(6, 64)
    };
    let proof = proof.error(cx.error_of("proof"));
    let code = (by_password || choices.totp || choices.recovery_codes).then(|| {
        view! {
            <form class="form" method="post" action="/actions/me/confirm">
                {hidden("next", next.clone())}
                {proof.view()}
                {primary(t!("confirm.do"))}
            </form>
        }
    });
    let both = has_passkey && code.is_some();
    let body = view! {
        <h1>{t!("confirm.title")}</h1>
        <p>{t!("confirm.why")}</p>
        {passkey}
        {(has_passkey && !both).then(without)}
        {both.then(|| view! { <p class="or">{t!("or")}</p> })}
        {code}
        <p><a href="/start">{t!("confirm.cancel")}</a></p>
    };
    let page = Page::step(t!("confirm.title"), body);
    Ok(if has_passkey { page.with_passkeys() } else { page })
}

/// Pages of a step are for whoever is at that step; everybody else goes where they belong.
fn at_stage(cx: &Cx, stage: domain::Stage) -> Result<(), Stop> {
    match cx.person().map(|person| person.stage) {
        Some(at) if at == stage => Ok(()),
        Some(domain::Stage::Full) => Err(Stop::Go("/start".to_owned())),
        Some(_) => Err(Stop::Go(crate::shell::sign_in_path(cx))),
        None => Err(Stop::Go("/start/sign-in".to_owned())),
    }
}

/// A step that is not the reader's leads to the one that is.
fn elsewhere(cx: &Cx, error: domain::Error) -> Stop {
    use model::Refusal::{Forbidden, SignInNeeded};
    match error.kind() {
        Forbidden | SignInNeeded => match cx.person() {
            Some(_) => Stop::Go(crate::shell::sign_in_path(cx)),
            None => Stop::Go("/start/sign-in".to_owned()),
        },
        _ => Stop::Refused(error),
    }
}
