//! Everything a form can do. Each action is a server function with an explicit path: it decodes, makes one service call and
//! answers 303 to a path of this site. The door in [`door`] stands in front of all of them.

pub mod accounts;
pub mod admin;
pub mod api_keys;
pub mod applications;
pub mod assignments;
pub mod door;
pub mod groups;
pub mod me;
pub mod permission_sets;
pub mod portal;
pub mod sign_in;
pub mod streams;
pub mod table;
pub mod users;

use std::sync::{Arc, Mutex};

use domain::{Call, Error, Services};
use leptos::prelude::{ServerFnError, use_context};
use model::{LocalPath, Refusal, UserId, t};

use crate::address::encode;
use crate::context::Cx;
use crate::parts::frame::Page;
use crate::parts::notice::Flash;

/// What an action answers where it cannot answer 303.
#[derive(Clone, Default)]
pub struct Slot(Arc<Mutex<Filling>>);

#[derive(Default)]
struct Filling {
    ran: bool,
    refused: Option<Error>,
    again: Option<Again>,
}

/// A form that is the answer to itself: what was wrong, and the page, made where it is rendered.
struct Again {
    path: String,
    error: Error,
    page: Box<dyn FnOnce(&Error) -> Page + Send>,
}

impl Slot {
    /// Whether the body of the action ran: if not, its form could not be decoded.
    fn ran(&self) -> bool {
        self.0.lock().is_ok_and(|filling| filling.ran)
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().ok().and_then(|mut filling| filling.refused.take())
    }

    fn take_again(&self) -> Option<Again> {
        self.0.lock().ok().and_then(|mut filling| filling.again.take())
    }
}

/// One run of an action.
pub struct Act {
    /// The request.
    pub cx: Cx,
    slot: Slot,
}

impl Act {
    /// The first line of every action.
    pub fn begin() -> Result<Self, ServerFnError> {
        let (Some(cx), Some(slot)) = (Cx::take(), use_context::<Slot>()) else {
            return Err(ServerFnError::new("no request"));
        };
        if let Ok(mut filling) = slot.0.lock() {
            filling.ran = true;
        }
        Ok(Self { cx, slot })
    }

    /// All rules.
    pub fn services(&self) -> &Services {
        self.cx.services()
    }

    /// Who asks.
    pub fn call(&self) -> &Call {
        self.cx.call()
    }

    /// Done: go there.
    pub fn go(&self, path: &str) {
        self.cx.see_other(path);
    }

    /// Done: go there and say so.
    pub fn go_saying(&self, path: &str, flash: &Flash) {
        self.cx.leave(flash);
        self.cx.see_other(path);
    }

    /// Refused: back to the form with the reason beside the field and what had been typed, where a change of the form can
    /// help; to the step that is missing, where one is; otherwise an error page with the refusal's status.
    pub fn refuse(&self, error: Error, form: &str, typed: &[(&str, &str)]) {
        match error.kind() {
            Refusal::Invalid | Refusal::Conflict => {
                let mut flash = Flash::new("refused").about(spoken(&error));
                if let Some(field) = error.field() {
                    flash.error = Some((field.to_owned(), spoken(&error)));
                }
                flash.typed = typed.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
                self.go_saying(form, &flash);
            }
            Refusal::ConfirmNeeded => self.go(&format!("/start/confirm?next={}", encode(form))),
            Refusal::SignInNeeded => {
                let place = crate::shell::sign_in_path(&self.cx);
                // The action itself is no place to come back to.
                self.go(if place.starts_with("/start/sign-in") { "/start/sign-in" } else { &place });
            }
            Refusal::Forbidden | Refusal::NotFound | Refusal::Throttled | Refusal::Unavailable | Refusal::Internal => {
                self.problem(error);
            }
        }
    }

    /// Refused with an error page.
    pub fn problem(&self, error: Error) {
        if let Ok(mut filling) = self.slot.0.lock() {
            filling.refused = Some(error);
        }
    }

    /// Refused with the form once more, as the answer itself: for what is too large to wait in a cookie for the next page. `form` is
    /// the address of the form, `page` makes it.
    pub fn again(&self, form: &str, error: Error, page: impl FnOnce(&Error) -> Page + Send + 'static) {
        if let Ok(mut filling) = self.slot.0.lock() {
            filling.again = Some(Again { path: form.to_owned(), error, page: Box::new(page) });
        }
    }

    /// The end of most actions: go there and say so, or refuse.
    pub fn finish(&self, outcome: Result<(), Error>, place: &str, flash: &Flash) {
        match outcome {
            Ok(()) => self.go_saying(place, flash),
            Err(error) => self.refuse(error, place, &[]),
        }
    }
}

/// A refusal as a sentence, with the field named as people know it.
pub(crate) fn spoken(error: &Error) -> String {
    match error.field() {
        Some(field) => {
            let label =
                model::words::look_up(&format!("field.{field}")).map_or_else(|| field.replace('_', " "), str::to_owned);
            t!("refused.field", field = label, reason = error.outside().trim_end_matches('.'))
        }
        None => error.outside().to_owned(),
    }
}

/// Where a form wants to go afterwards; anything but a path of this site is ignored.
fn local(path: &str) -> Option<LocalPath> {
    LocalPath::parse(path).ok()
}

/// A person's id from a form.
fn person_id(text: &str) -> Result<UserId, Error> {
    id(text, t!("noun.person"))
}

/// An id from a form.
fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::not_found(what))
}
