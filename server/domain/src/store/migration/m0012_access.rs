//! Accounts, permission sets, who may use which where, applications, and what of an organisation file waits for its capability.

use sea_orm_migration::prelude::*;

use super::{create, flag, index, json, maybe_number, maybe_text, number, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        accounts_and_sets(manager).await?;
        assignments(manager).await?;
        applications(manager).await?;
        create(
            manager,
            "account_marks",
            &["user_id", "account_id"],
            vec![text("user_id"), text("account_id"), flag("favourite"), maybe_number("last_used_at")],
            &[("user_id", "users"), ("account_id", "accounts")],
        )
        .await?;
        create(
            manager,
            "access_drafts",
            &["id"],
            vec![text("id"), text("user_id"), text("kind"), text("body"), number("at")],
            &[("user_id", "users")],
        )
        .await?;
        create(
            manager,
            "stored_sections",
            &["kind", "name"],
            vec![text("kind"), text("name"), number("position"), json("body"), number("updated_at")],
            &[],
        )
        .await?;
        create(
            manager,
            "api_keys",
            &["id"],
            vec![
                text("id"),
                text("user_id"),
                text("role"),
                text("sealed_secret"),
                text("description"),
                number("created_at"),
                maybe_number("expires_at"),
                maybe_number("last_used_at"),
                maybe_number("revoked_at"),
            ],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "api_keys_user", "api_keys", &["user_id"], false).await?;
        manager.alter_table(Table::alter().table("administrators").add_column(maybe_text("scope")).to_owned()).await
    }
}

async fn accounts_and_sets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "accounts",
        &["id"],
        vec![
            text("id"),
            text("name"),
            text("name_key"),
            text("email"),
            text("path"),
            text("status"),
            json("broker"),
            json("tags"),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ],
        &[],
    )
    .await?;
    index(manager, "accounts_name", "accounts", &["name_key", "id"], false).await?;
    index(manager, "accounts_path", "accounts", &["path", "id"], false).await?;
    create(
        manager,
        "permission_sets",
        &["id"],
        vec![
            text("id"),
            text("name"),
            text("name_key"),
            text("description"),
            number("session_seconds"),
            text("relay_state"),
            json("managed_policies"),
            json("customer_policies"),
            maybe_text("inline_policy"),
            json("boundary"),
            json("tags"),
            flag("require_fresh_factor"),
            maybe_number("last_used_at"),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ],
        &[],
    )
    .await?;
    index(manager, "permission_sets_name", "permission_sets", &["name_key"], true).await
}

async fn assignments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // `target` is an account's twelve digits or a path rule; a principal is a person or a group, so nothing can refer to it.
    create(
        manager,
        "assignments",
        &["id"],
        vec![
            text("id"),
            text("principal_kind"),
            text("principal_id"),
            text("permission_set_id"),
            text("target"),
            maybe_number("expires_at"),
            text("reason"),
            number("created_at"),
            text("created_by"),
            maybe_number("warned_at"),
        ],
        &[("permission_set_id", "permission_sets")],
    )
    .await?;
    index(manager, "assignments_principal", "assignments", &["principal_id", "target", "permission_set_id"], true)
        .await?;
    index(manager, "assignments_target", "assignments", &["target", "permission_set_id", "principal_id"], false)
        .await?;
    index(manager, "assignments_set", "assignments", &["permission_set_id", "target", "principal_id"], false).await?;
    // Few expire; only those are in the index.
    manager
        .get_connection()
        .execute_unprepared(
            "CREATE INDEX IF NOT EXISTS assignments_expiry ON assignments (expires_at, id) WHERE expires_at IS NOT NULL",
        )
        .await?;
    // The stamp of everything that decides who may go where, and what was touched at each step of it.
    create(manager, "access_stamps", &["id"], vec![number("id"), number("version")], &[]).await?;
    manager.get_connection().execute_unprepared("INSERT INTO access_stamps (id, version) VALUES (1, 1)").await?;
    create(
        manager,
        "access_touches",
        &["version", "touched"],
        vec![number("version"), text("touched"), number("at")],
        &[],
    )
    .await?;
    // Applied changes of assignments, with what undoes them.
    create(
        manager,
        "access_changes",
        &["id"],
        vec![
            text("id"),
            number("at"),
            text("actor_id"),
            text("actor_name"),
            json("summary"),
            maybe_number("undone_at"),
        ],
        &[],
    )
    .await?;
    index(manager, "access_changes_at", "access_changes", &["at", "id"], false).await?;
    create(
        manager,
        "access_journal",
        &["change_id", "part"],
        vec![text("change_id"), number("part"), text("body")],
        &[("change_id", "access_changes")],
    )
    .await
}

async fn applications(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "applications",
        &["id"],
        vec![
            text("id"),
            text("name"),
            text("name_key"),
            text("description"),
            text("start_url"),
            text("status"),
            flag("visible"),
            flag("everyone"),
            json("saml"),
            number("created_at"),
            number("updated_at"),
            number("version"),
        ],
        &[],
    )
    .await?;
    index(manager, "applications_name", "applications", &["name_key"], true).await?;
    create(
        manager,
        "application_assignments",
        &["application_id", "principal_id"],
        vec![text("application_id"), text("principal_kind"), text("principal_id"), number("created_at")],
        &[("application_id", "applications")],
    )
    .await?;
    index(manager, "application_assignments_principal", "application_assignments", &["principal_id"], false).await
}
