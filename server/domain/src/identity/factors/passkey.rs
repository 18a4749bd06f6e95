//! Passkeys (WebAuthn): discoverable, with user verification, as second step and instead of a password.
//!
//! The RP id is the host of the public address; an IP address can be none, so passkeys are off there.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::{Ceremony, FactorKind, ceremonies};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::store::entity::factor::{Column, Entity, Model};
use crate::store::entity::{session, user};

/// How long the options of a sign-in without a name are good for.
const CHALLENGE_LASTS: i64 = 5 * Timestamp::MINUTE;
/// No answer of a browser is longer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Whether passkeys cannot be used here.
pub(crate) fn off(core: &Core) -> bool {
    core.public_url.domain().is_none()
}

/// One refusal for everything that is wrong with an answer; the reason goes to the log.
pub(crate) fn refused(why: impl std::fmt::Display) -> Error {
    Error::not_accepted("The passkey was not accepted.").because(why)
}

fn party(core: &Core) -> Result<Webauthn> {
    let Some(host) = core.public_url.domain() else {
        return Err(Error::forbidden_because("Passkeys need a host name; this portal is reached by an IP address."));
    };
    let settings = core.settings();
    WebauthnBuilder::new(host, &core.public_url)
        .and_then(|builder| builder.rp_name(&settings.organization_name).build())
        .map_err(|e| Error::internal(format!("webauthn: {e}")))
}

fn internal(e: impl std::fmt::Display) -> Error {
    Error::internal(format!("webauthn: {e}"))
}

/// Reads a browser's answer.
fn read<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<T> {
    if answer.len() > LONGEST_ANSWER {
        return Err(refused("the answer is too long"));
    }
    serde_json::from_str(answer).map_err(refused)
}

/// Digest of a credential's id: unique over all people.
fn key_of(credential: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, credential).as_ref())
}

/// The passkeys of a person that may be used, with their rows.
async fn passkeys_of<C: ConnectionTrait>(conn: &C, core: &Core, user: &str) -> Result<Vec<(Model, Passkey)>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Kind.eq(FactorKind::Passkey.as_str()))
        .all(conn)
        .await?;
    rows.into_iter().map(|row| open(core, &row).map(|passkey| (row, passkey))).collect()
}

fn open(core: &Core, row: &Model) -> Result<Passkey> {
    let plain = core.keys.open(Place("factors", "sealed", &row.id), &row.sealed)?;
    serde_json::from_slice(&plain).map_err(internal)
}

/// Begins a new passkey.
pub(crate) async fn begin_new(
    core: &Core,
    now: Timestamp,
    session: &session::Model,
    person: &user::Model,
) -> Result<Ceremony> {
    let party = party(core)?;
    let known = passkeys_of(core.store.read(), core, &person.id).await?;
    let known = known.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
    let id = Uuid::parse_str(&person.id).map_err(internal)?;
    let (mut options, state) =
        party.start_passkey_registration(id, &person.user_name, &person.display_name, Some(known)).map_err(internal)?;
    // Discoverable only: signing in by name first would tell who exists.
    if let Some(selection) = options.public_key.authenticator_selection.as_mut() {
        selection.require_resident_key = true;
        selection.resident_key = serde_json::from_value(serde_json::json!("required")).ok();
    }
    let state = serde_json::to_vec(&state).map_err(internal)?;
    let ceremony =
        ceremonies::keep(core.store.write(), core, now, ceremonies::Kind::NewPasskey, session, &state).await?;
    Ok(Ceremony { id: ceremony, options: serde_json::to_string(&options).map_err(internal)? })
}

/// Ends it: the passkey as it is stored, and its unique key. The ceremony is used up by the caller's change.
pub(crate) async fn finish_new(
    core: &Core,
    now: Timestamp,
    session: &session::Model,
    ceremony: &str,
    answer: &str,
) -> Result<(Vec<u8>, String)> {
    let state = ceremonies::look(core.store.read(), core, now, ceremonies::Kind::NewPasskey, session, ceremony).await?;
    let state: PasskeyRegistration = serde_json::from_slice(&state).map_err(internal)?;
    let answer: RegisterPublicKeyCredential = read(answer)?;
    let passkey = party(core)?.finish_passkey_registration(&answer, &state).map_err(refused)?;
    Ok((serde_json::to_vec(&passkey).map_err(internal)?, key_of(passkey.cred_id())))
}

/// Begins proving one of a person's passkeys.
pub(crate) async fn begin_proof(
    core: &Core,
    now: Timestamp,
    kind: ceremonies::Kind,
    session: &session::Model,
) -> Result<Ceremony> {
    let party = party(core)?;
    let known: Vec<Passkey> = passkeys_of(core.store.read(), core, &session.user_id)
        .await?
        .into_iter()
        .filter(|(row, _)| !row.flagged)
        .map(|(_, passkey)| passkey)
        .collect();
    if known.is_empty() {
        return Err(Error::not_found("passkey"));
    }
    let (options, state) = party.start_passkey_authentication(&known).map_err(internal)?;
    let state = serde_json::to_vec(&state).map_err(internal)?;
    let ceremony = ceremonies::keep(core.store.write(), core, now, kind, session, &state).await?;
    Ok(Ceremony { id: ceremony, options: serde_json::to_string(&options).map_err(internal)? })
}

/// What a browser's answer turned out to be.
pub(crate) enum Proof {
    /// Right; what is stored of the passkey from now on.
    Right(Used),
    /// Its counter went backwards, or it did so before: it may have been copied.
    Copied(Model),
}

/// A passkey that was proven.
pub(crate) struct Used {
    pub(crate) row: Model,
    sealed: String,
}

/// Ends proving one of a person's passkeys. The ceremony is used up by the caller's change.
pub(crate) async fn finish_proof(
    core: &Core,
    now: Timestamp,
    kind: ceremonies::Kind,
    session: &session::Model,
    ceremony: &str,
    answer: &str,
) -> Result<Proof> {
    let state = ceremonies::look(core.store.read(), core, now, kind, session, ceremony).await?;
    let state: PasskeyAuthentication = serde_json::from_slice(&state).map_err(internal)?;
    let answer: PublicKeyCredential = read(answer)?;
    let row = by_credential(core, &answer.raw_id).await?.filter(|row| row.user_id == session.user_id);
    let row = row.ok_or_else(|| refused("no such credential of this person"))?;
    let outcome = party(core)?.finish_passkey_authentication(&answer, &state);
    judged(core, row, outcome)
}

/// What travels with a sign-in without a name, sealed: such a ceremony leaves nothing in the database until it is answered.
#[derive(Serialize, Deserialize)]
struct Carried {
    expires_at: i64,
    state: DiscoverableAuthentication,
}

/// Begins a sign-in without a name.
pub(crate) fn begin_nameless(core: &Core, now: Timestamp) -> Result<Ceremony> {
    let (mut options, state) = party(core)?.start_discoverable_authentication().map_err(internal)?;
    // Whether the browser offers passkeys in the name field or asks at once is the page's choice.
    options.mediation = None;
    let carried = Carried { expires_at: now.plus(CHALLENGE_LASTS).0, state };
    let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
    let plain = serde_json::to_vec(&carried).map_err(internal)?;
    let sealed = core.keys.seal(&core.entropy, Place("ceremonies", "carried", &id), &plain)?;
    Ok(Ceremony {
        id: URL_SAFE_NO_PAD.encode(format!("{id}:{sealed}")),
        options: serde_json::to_string(&options).map_err(internal)?,
    })
}

/// A sign-in without a name, answered: whose passkey, and the mark that must be set with its use.
pub(crate) struct Nameless {
    pub(crate) proof: Proof,
    id: String,
    expires_at: i64,
}

impl Nameless {
    /// Uses the ceremony up.
    pub(crate) async fn use_up<C: ConnectionTrait>(&self, txn: &C) -> Result<()> {
        ceremonies::mark_used(txn, &self.id, self.expires_at).await
    }
}

/// Ends a sign-in without a name.
pub(crate) async fn finish_nameless(core: &Core, now: Timestamp, ceremony: &str, answer: &str) -> Result<Nameless> {
    let party = party(core)?;
    let text = URL_SAFE_NO_PAD
        .decode(ceremony)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(ceremonies::over)?;
    let (id, sealed) = text.split_once(':').ok_or_else(ceremonies::over)?;
    let plain = core.keys.open(Place("ceremonies", "carried", id), sealed).map_err(|_| ceremonies::over())?;
    let carried: Carried = serde_json::from_slice(&plain).map_err(internal)?;
    if now.0 >= carried.expires_at {
        return Err(ceremonies::over());
    }
    let answer: PublicKeyCredential = read(answer)?;
    let (person, credential) = party.identify_discoverable_authentication(&answer).map_err(refused)?;
    let row = by_credential(core, credential).await?.filter(|row| row.user_id == person.to_string());
    let row = row.ok_or_else(|| refused("no such credential"))?;
    let passkey = open(core, &row)?;
    let outcome = party.finish_discoverable_authentication_v2(&answer, carried.state, &passkey);
    Ok(Nameless { proof: judged(core, row, outcome)?, id: id.to_owned(), expires_at: carried.expires_at })
}

async fn by_credential(core: &Core, credential: &[u8]) -> Result<Option<Model>> {
    Ok(Entity::find()
        .filter(Column::CredentialKey.eq(key_of(credential)))
        .filter(Column::Kind.eq(FactorKind::Passkey.as_str()))
        .one(core.store.read())
        .await?)
}

fn judged(
    core: &Core,
    row: Model,
    outcome: std::result::Result<webauthn_rs::prelude::AuthenticationResult, WebauthnError>,
) -> Result<Proof> {
    let result = match outcome {
        Ok(result) => result,
        Err(WebauthnError::CredentialPossibleCompromise) => return Ok(Proof::Copied(row)),
        Err(error) => return Err(refused(error)),
    };
    if row.flagged {
        return Ok(Proof::Copied(row));
    }
    if !result.user_verified() {
        return Err(refused("the person was not verified"));
    }
    let mut passkey = open(core, &row)?;
    let sealed = match passkey.update_credential(&result) {
        None => return Err(refused("another credential")),
        Some(false) => row.sealed.clone(),
        Some(true) => {
            let plain = serde_json::to_vec(&passkey).map_err(internal)?;
            core.keys.seal(&core.entropy, Place("factors", "sealed", &row.id), &plain)?
        }
    };
    Ok(Proof::Right(Used { row, sealed }))
}

impl Used {
    /// Stores the new counter. Refused where the passkey was used, flagged or removed meanwhile.
    pub(crate) async fn store<C: ConnectionTrait>(&self, txn: &C, now: Timestamp) -> Result<()> {
        let stored = Entity::update_many()
            .col_expr(Column::Sealed, Expr::value(&self.sealed))
            .col_expr(Column::LastUsedAt, Expr::value(now.0))
            .filter(Column::Id.eq(&self.row.id))
            .filter(Column::Sealed.eq(&self.row.sealed))
            .filter(Column::Flagged.eq(false))
            .exec(txn)
            .await?;
        if stored.rows_affected == 1 { Ok(()) } else { Err(refused("used at the same moment elsewhere")) }
    }
}

/// Marks a passkey that may have been copied.
pub(crate) async fn flag<C: ConnectionTrait>(txn: &C, row: &Model) -> Result<()> {
    Entity::update_many().col_expr(Column::Flagged, Expr::value(true)).filter(Column::Id.eq(&row.id)).exec(txn).await?;
    Ok(())
}
