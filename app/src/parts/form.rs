//! Forms: a field with its label, hint and error, and the buttons.

use leptos::prelude::*;
use model::t;

/// A labelled input under construction.
pub struct Field {
    name: &'static str,
    label: String,
    kind: &'static str,
    value: String,
    hint: Option<String>,
    error: Option<String>,
    autocomplete: &'static str,
    inputmode: Option<&'static str>,
    class: &'static str,
    input_class: Option<&'static str>,
    optional: bool,
    focus: bool,
    length: Option<(u32, u32)>,
    options: Option<Vec<(String, String)>>,
    plain_text: bool,
    placeholder: Option<String>,
    list: Option<(&'static str, Vec<String>)>,
    lines: Option<u32>,
}

/// A one-line text that must be filled.
pub fn field(name: &'static str, label: impl Into<String>) -> Field {
    Field {
        name,
        label: label.into(),
        kind: "text",
        value: String::new(),
        hint: None,
        error: None,
        autocomplete: "off",
        inputmode: None,
        class: "field",
        input_class: None,
        optional: false,
        focus: false,
        length: None,
        options: None,
        plain_text: true,
        placeholder: None,
        list: None,
        lines: None,
    }
}

impl Field {
    /// The input's type: `email`, `password`, `search`, `number`, `date`.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// What stands in it.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    /// What to write there.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to write there, inside the empty field.
    #[must_use]
    pub fn hint_unseen(mut self, hint: impl Into<String>) -> Self {
        self.placeholder = Some(hint.into());
        self
    }

    /// What is wrong with what was written.
    #[must_use]
    pub fn error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// What browsers and password managers may fill in.
    #[must_use]
    pub fn autocomplete(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    /// May stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// May stay empty, and everybody knows: no word beside the label.
    #[must_use]
    pub fn free(mut self) -> Self {
        self.optional = true;
        self.plain_text = false;
        self
    }

    /// Has the focus when the page opens.
    #[must_use]
    pub fn focus(mut self) -> Self {
        self.focus = true;
        self
    }

    /// Digits or codes: monospace, large, with the right keyboard.
    #[must_use]
    pub fn code(mut self) -> Self {
        self.input_class = Some("code-input");
        self
    }

    /// Many signs that are compared one by one: monospace.
    #[must_use]
    pub fn mono(mut self) -> Self {
        self.input_class = Some("mono");
        self
    }

    /// The keyboard of a telephone.
    #[must_use]
    pub fn inputmode(mut self, mode: &'static str) -> Self {
        self.inputmode = Some(mode);
        self
    }

    /// Narrow.
    #[must_use]
    pub fn short(mut self) -> Self {
        self.class = "field short";
        self
    }

    /// Takes the room that is left in a line of filters.
    #[must_use]
    pub fn grow(mut self) -> Self {
        self.class = "field grow";
        self
    }

    /// At least and at most so many characters.
    #[must_use]
    pub fn length(mut self, least: u32, most: u32) -> Self {
        self.length = Some((least, most));
        self
    }

    /// One of these: value and label.
    #[must_use]
    pub fn options(mut self, options: Vec<(String, String)>) -> Self {
        self.options = Some(options);
        self
    }

    /// A text of several lines; so many are in sight.
    #[must_use]
    pub fn lines(mut self, lines: u32) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Suggestions while typing.
    #[must_use]
    pub fn list(mut self, id: &'static str, values: Vec<String>) -> Self {
        self.list = Some((id, values));
        self
    }

    /// The view.
    pub fn view(self) -> AnyView {
        let id = format!("f-{}", self.name);
        let hint_id = format!("{id}-hint");
        let error_id = format!("{id}-error");
        let described = match (&self.hint, &self.error) {
            (Some(_), Some(_)) => Some(format!("{hint_id} {error_id}")),
            (Some(_), None) => Some(hint_id.clone()),
            (None, Some(_)) => Some(error_id.clone()),
            (None, None) => None,
        };
        let invalid = self.error.is_some().then_some("true");
        let (least, most) = self.length.unzip();
        let list_id = self.list.as_ref().map(|(id, _)| *id);
        let list = self.list.map(|(id, values)| {
            let values = values.into_iter().map(|value| view! { <option value=value></option> }).collect_view();
            view! { <datalist id=id>{values}</datalist> }
        });
        let input = match self.options {
            Some(options) => {
                let chosen = self.value;
                let options = options
                    .into_iter()
                    .map(|(value, label)| {
                        let selected = value == chosen;
                        view! { <option value=value selected=selected>{label}</option> }
                    })
                    .collect_view();
                view! {
                    <select id=id.clone() name=self.name aria-describedby=described aria-invalid=invalid required=!self.optional>
                        {options}
                    </select>
                }
                .into_any()
            }
            None if self.lines.is_some() => view! {
                <textarea
                    id=id.clone()
                    name=self.name
                    rows=self.lines.map(|lines| lines.to_string())
                    class=self.input_class
                    autocomplete=self.autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby=described
                    aria-invalid=invalid
                    maxlength=most.map(|most| most.to_string())
                    required=!self.optional
                    autofocus=self.focus || self.error.is_some()
                    inner_html=text_of(&self.value)
                ></textarea>
            }
            .into_any(),
            None => view! {
                <input
                    id=id.clone()
                    name=self.name
                    type=self.kind
                    value=(!self.value.is_empty()).then_some(self.value)
                    class=self.input_class
                    autocomplete=self.autocomplete
                    autocapitalize=(self.kind == "text").then_some("none")
                    spellcheck=matches!(self.kind, "text" | "password").then_some("false")
                    inputmode=self.inputmode
                    list=list_id
                    placeholder=self.placeholder
                    aria-describedby=described
                    aria-invalid=invalid
                    minlength=least.filter(|least| *least > 1).map(|least| least.to_string())
                    maxlength=most.map(|most| most.to_string())
                    required=!self.optional
                    autofocus=self.focus || self.error.is_some()
                />
            }
            .into_any(),
        };
        let optional = (self.optional && self.plain_text)
            .then(|| view! { " "<span class="optional">{t!("form.optional")}</span> });
        view! {
            <div class=self.class>
                <label for=id>{self.label}{optional}</label>
                {self.hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
                {self.error.map(|error| view! { <p class="error" id=error_id>{error}</p> })}
                {input}
                {list}
            </div>
        }
        .into_any()
    }
}

/// A text inside `<textarea>`: browsers drop one line feed at its beginning, and nothing in it but these two signs is markup.
pub fn text_of(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;"))
}

/// A box to tick, with an explanation under its label.
pub fn check(name: &'static str, label: impl Into<String>, hint: Option<String>, on: bool) -> AnyView {
    let id = format!("f-{name}");
    let hint_id = format!("{id}-hint");
    let described = hint.is_some().then(|| hint_id.clone());
    view! {
        <div class="check">
            <input type="checkbox" id=id.clone() name=name value="on" checked=on aria-describedby=described/>
            <div>
                <label for=id>{label.into()}</label>
                {hint.map(|hint| view! { <span class="hint" id=hint_id>{hint}</span> })}
            </div>
        </div>
    }
    .into_any()
}

/// One of a few, all in sight: value, label and explanation of each.
pub fn choices(
    name: &'static str,
    legend: impl Into<String>,
    chosen: &str,
    options: Vec<(&'static str, String, Option<String>)>,
) -> AnyView {
    let options = options
        .into_iter()
        .map(|(value, label, hint)| {
            let id = format!("f-{name}-{value}");
            let hint_id = format!("{id}-hint");
            let described = hint.is_some().then(|| hint_id.clone());
            view! {
                <div class="check">
                    <input type="radio" id=id.clone() name=name value=value checked=value == chosen aria-describedby=described/>
                    <div>
                        <label for=id>{label}</label>
                        {hint.map(|hint| view! { <span class="hint" id=hint_id>{hint}</span> })}
                    </div>
                </div>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>{legend.into()}</legend>
            <div class="choices">{options}</div>
        </fieldset>
    }
    .into_any()
}

/// A value that goes with the form unseen.
pub fn hidden(name: &'static str, value: impl Into<String>) -> AnyView {
    view! { <input type="hidden" name=name value=value.into()/> }.into_any()
}

/// The button that does what the page is for.
pub fn primary(label: impl Into<String>) -> AnyView {
    view! { <button class="primary">{label.into()}</button> }.into_any()
}

/// The button that cannot be taken back.
pub fn danger(label: impl Into<String>) -> AnyView {
    view! { <button class="danger primary">{label.into()}</button> }.into_any()
}

/// A form that is one button: a post with a few hidden values.
pub fn button(
    action: &'static str,
    values: &[(&'static str, &str)],
    label: impl Into<String>,
    class: &'static str,
) -> AnyView {
    let values = values.iter().map(|(name, value)| hidden(name, *value)).collect_view();
    view! {
        <form method="post" action=action>
            {values}
            <button class=class>{label.into()}</button>
        </form>
    }
    .into_any()
}

/// The same with a name for screen readers that says which of several lines it belongs to.
pub fn button_for(
    action: &'static str,
    values: &[(&'static str, &str)],
    label: impl Into<String>,
    whom: impl Into<String>,
    class: &'static str,
) -> AnyView {
    let values = values.iter().map(|(name, value)| hidden(name, *value)).collect_view();
    view! {
        <form method="post" action=action>
            {values}
            <button class=class>{label.into()}<span class="hidden-visually">" "{whom.into()}</span></button>
        </form>
    }
    .into_any()
}
