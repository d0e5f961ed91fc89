//! Operands in SQL.

use super::compare::compares;
use super::dialect::Dialect;
use super::fragment::Fragment;
use super::typed_sql::{SqlOperand, TypedSql};
use crate::operand::{Field, Operand, Source};
use crate::operator::Relation;
use crate::value::{Operated, Role, Scalar};
use crate::{Context, FieldKind, json};

impl Operand {
    /// Whether its value depends on the record.
    pub(super) fn reads_record(&self) -> bool {
        self.sources().iter().any(|source| matches!(source, Source::Field(_)))
    }

    /// Its value; many values are rows of a column called `name`.
    pub(super) fn sql_operand<'a>(
        &'a self,
        dialect: Dialect,
        context: &'a dyn Context,
        name: &str,
    ) -> SqlOperand<'a> {
        match self {
            Operand::Source(Source::Field(field)) => SqlOperand::Computed(TypedSql::field(field, dialect)),
            Operand::Lower(Source::Field(field)) => {
                SqlOperand::Computed(TypedSql::field(field, dialect).lower(dialect))
            }
            Operand::Length(Source::Field(field)) => {
                SqlOperand::Computed(TypedSql::length(&field.name, dialect))
            }
            Operand::Each(Source::Field(field)) => {
                SqlOperand::Computed(TypedSql::each(&dialect.array(&field.name), dialect, name))
            }
            Operand::Each(_) => {
                let values: Vec<_> =
                    self.values(context).into_iter().map(|operated| operated.scalar).collect();
                SqlOperand::Computed(TypedSql::each(&Fragment::text(&json::array(&values)), dialect, name))
            }
            Operand::Changed { body, field: Source::Field(field) } => changed(body, field, dialect, context),
            known => SqlOperand::Known(known.value(context)),
        }
    }
}

impl TypedSql {
    pub(super) fn field(field: &Field, dialect: Dialect) -> Self {
        let name = &field.name;
        match field.kind {
            FieldKind::Text | FieldKind::Multiple => {
                let role = if field.kind == FieldKind::Text { Role::Column } else { Role::Computed };
                let text = Some(dialect.text(name, field.kind));
                TypedSql { number: None, rendered: text.clone(), text, role, rows: None }
            }
            FieldKind::Number | FieldKind::Bool => {
                TypedSql::number(dialect.number(name, field.kind), Role::Column, dialect)
            }
            FieldKind::Json => TypedSql::json(&dialect.json(name, &field.path), Role::Json, dialect),
        }
    }

    pub(super) fn length(name: &str, dialect: Dialect) -> Self {
        TypedSql::number(dialect.length(name), Role::Computed, dialect)
    }

    pub(super) fn lower(self, dialect: Dialect) -> Self {
        let role = if self.role == Role::Json { Role::Json } else { Role::Computed };
        let text = self.rendered.map(|rendered| dialect.lower(&rendered));
        TypedSql { number: None, rendered: text.clone(), text, role, rows: None }
    }

    fn number(number: Fragment, role: Role, dialect: Dialect) -> Self {
        let rendered = Some(dialect.rendered_number(&number));
        TypedSql { number: Some(number), text: None, rendered, role, rows: None }
    }

    fn json(value: &Fragment, role: Role, dialect: Dialect) -> Self {
        TypedSql {
            number: Some(dialect.number_of_json(value)),
            text: Some(dialect.text_of_json(value)),
            rendered: Some(dialect.rendered_json(value)),
            role,
            rows: None,
        }
    }

    fn each(array: &Fragment, dialect: Dialect, name: &str) -> Self {
        let value = Fragment::new(name);
        let rows = Some(dialect.each(array, name));
        TypedSql { rows, ..TypedSql::json(&value, Role::Computed, dialect) }
    }
}

/// `:changed`: decided if the body does not have it.
fn changed<'a>(body: &Source, field: &Field, dialect: Dialect, context: &dyn Context) -> SqlOperand<'a> {
    if body.read(context).is_none() {
        return SqlOperand::Known(Operated { scalar: Scalar::from(false), role: Role::Computed });
    }
    let (body, field) =
        (SqlOperand::Known(body.value(context)), SqlOperand::Computed(TypedSql::field(field, dialect)));
    let differs = compares(&body, Relation::NotEqual, &field, dialect);
    let number = Fragment::compose("CASE WHEN ? THEN 1.0 ELSE 0.0 END", [&differs]);
    SqlOperand::Computed(TypedSql {
        rendered: Some(Fragment::compose("CASE WHEN ? THEN '1' ELSE '0' END", [&differs])),
        number: Some(number),
        text: None,
        role: Role::Computed,
        rows: None,
    })
}
