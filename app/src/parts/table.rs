//! Tables: a head that stays in sight, columns that sort by link, one link to each row's own page.

use leptos::prelude::*;

use crate::address::Address;

/// A column's head.
pub struct Column {
    label: String,
    sort: Option<&'static str>,
    spare: bool,
    hidden: bool,
}

impl Column {
    /// A column.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), sort: None, spare: false, hidden: false }
    }

    /// Sorts by this key.
    #[must_use]
    pub fn sort(mut self, key: &'static str) -> Self {
        self.sort = Some(key);
        self
    }

    /// Left out on narrow screens.
    #[must_use]
    pub fn spare(mut self) -> Self {
        self.spare = true;
        self
    }

    /// The head is read aloud but not seen: a column of buttons.
    #[must_use]
    pub fn unseen(mut self) -> Self {
        self.hidden = true;
        self
    }

    fn view(self, address: &Address, usual: &str) -> AnyView {
        let class = self.spare.then_some("spare");
        if self.hidden {
            return view! { <th scope="col" class=class><span class="hidden-visually">{self.label}</span></th> }
                .into_any();
        }
        let Some(key) = self.sort else {
            return view! { <th scope="col" class=class>{self.label}</th> }.into_any();
        };
        let current = address.get("sort").unwrap_or(usual);
        let (state, mark, next) = if current == key {
            ("ascending", "▲", format!("-{key}"))
        } else if current.strip_prefix('-') == Some(key) {
            ("descending", "▼", key.to_owned())
        } else {
            ("none", "↕", key.to_owned())
        };
        let href = address.with(&[("sort", &next), ("page", "")]);
        view! {
            <th scope="col" class=class aria-sort=state>
                <a href=href>{self.label}<span aria-hidden="true">{mark}</span></a>
            </th>
        }
        .into_any()
    }
}

/// A table under construction.
pub struct Table {
    label: String,
    columns: Vec<Column>,
    rows: Vec<AnyView>,
    usual: &'static str,
    stacked: bool,
}

impl Table {
    /// A table; the label is its name for screen readers.
    pub fn new(label: impl Into<String>, columns: Vec<Column>) -> Self {
        Self { label: label.into(), columns, rows: Vec::new(), usual: "", stacked: false }
    }

    /// The order where the address names none.
    #[must_use]
    pub fn usual(mut self, sort: &'static str) -> Self {
        self.usual = sort;
        self
    }

    /// On narrow screens the cells of a row stand below each other: for rows with buttons at their end.
    #[must_use]
    pub fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    /// Adds a row: a view of `<tr>`.
    pub fn row(&mut self, row: impl IntoView + 'static) {
        self.rows.push(row.into_any());
    }

    /// The view. Sort links keep the other parts of the address.
    pub fn view(self, address: &Address) -> AnyView {
        let heads = self.columns.into_iter().map(|column| column.view(address, self.usual)).collect_view();
        let caption = self.label.clone();
        let class = if self.stacked { "table table-scroll stacked" } else { "table table-scroll" };
        view! {
            <div class=class tabindex="0" role="region" aria-label=self.label>
                <table>
                    <caption class="hidden-visually">{caption}</caption>
                    <thead><tr>{heads}</tr></thead>
                    <tbody>{self.rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    }
}
