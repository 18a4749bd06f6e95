//! The schema, as changes that go forward only. Each file makes one change and works with the release before it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

mod m0001_instance;
mod m0002_people;
mod m0003_sign_in;
mod m0004_administration;
mod m0005_audit;
mod m0006_outbox;
mod m0007_people_orders;
mod m0010_key_since;
mod m0011_streams;
mod m0012_access;
mod m0013_stream_state;
mod m0014_audit_request;
mod m0015_enrolment_link;
mod m0016_renewals;
mod m0017_directory_secrets;

/// All changes in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_instance::Migration),
            Box::new(m0002_people::Migration),
            Box::new(m0003_sign_in::Migration),
            Box::new(m0004_administration::Migration),
            Box::new(m0005_audit::Migration),
            Box::new(m0006_outbox::Migration),
            Box::new(m0007_people_orders::Migration),
            Box::new(m0010_key_since::Migration),
            Box::new(m0011_streams::Migration),
            Box::new(m0012_access::Migration),
            Box::new(m0013_stream_state::Migration),
            Box::new(m0014_audit_request::Migration),
            Box::new(m0015_enrolment_link::Migration),
            Box::new(m0016_renewals::Migration),
            Box::new(m0017_directory_secrets::Migration),
        ]
    }
}

/// A required text column.
fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

/// A text column that may be empty.
fn maybe_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().take()
}

/// A required whole number; moments are milliseconds since 1970 in UTC.
fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A whole number that may be empty.
fn maybe_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().take()
}

/// A yes or no.
fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().default(false).take()
}

/// A JSON column.
fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().not_null().take()
}

/// Creates a table.
async fn create(
    manager: &SchemaManager<'_>,
    table: &'static str,
    key: &[&'static str],
    columns: Vec<ColumnDef>,
    references: &[(&'static str, &'static str)],
) -> Result<(), DbErr> {
    let mut statement = Table::create();
    statement.table(table).if_not_exists();
    for column in columns {
        statement.col(bytewise(manager, column));
    }
    let mut primary = Index::create();
    for column in key {
        primary.col(*column);
    }
    statement.primary_key(&mut primary);
    for (column, parent) in references {
        statement.foreign_key(
            ForeignKey::create().from(table, *column).to(*parent, "id").on_delete(ForeignKeyAction::Cascade),
        );
    }
    manager.create_table(statement).await
}

/// Adds a column to a table that exists.
async fn add_column(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    let mut statement = Table::alter();
    statement.table(table).add_column(bytewise(manager, column));
    manager.alter_table(statement).await
}

/// Texts compare byte by byte on both databases, whatever the locale of a PostgreSQL cluster: keys are unique, prefixes are
/// ranges and pages are in order only then.
fn bytewise(manager: &SchemaManager<'_>, mut column: ColumnDef) -> ColumnDef {
    if manager.get_database_backend() == DatabaseBackend::Postgres
        && matches!(column.get_column_type(), Some(ColumnType::Text))
    {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// Adds an index.
async fn index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> Result<(), DbErr> {
    let mut statement = Index::create();
    statement.name(name).table(table).if_not_exists();
    for column in columns {
        statement.col(*column);
    }
    if unique {
        statement.unique();
    }
    manager.create_index(statement).await
}
