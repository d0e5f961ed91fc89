//! A table: its columns and indexes, as every kind of database has them.

/// A table the store owns.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in SQL, which is the name of the collection.
    pub name: &'static str,
    /// Its columns, in the order in which a [`Row`](crate::Row) keeps their values. One of them is `id`.
    pub columns: &'static [Column],
    pub(crate) indexes: &'static [Index],
}

/// A column of a table. Whatever another program left in it is read as a value of its kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, which is the name of the field.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    pub(crate) default: DefaultValue,
}

/// What a column holds. Only [`ColumnKind::Json`] can be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text; also dates, addresses, choices.
    Text,
    /// A finite number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Bool,
    /// JSON, kept as the text it was written as.
    Json,
}

/// What a column holds in a row that somebody else inserted without naming it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DefaultValue {
    /// Empty, zero, false or null.
    Nothing,
    /// A fresh record id, as PocketBase makes it.
    Id,
    /// The time of the insert.
    Now,
    /// This SQL expression.
    Constant(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Index {
    /// On PostgreSQL a violation is told by this name: it has the first column's name as one of its words.
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) kind: IndexKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    Plain,
    Unique,
    /// Any number of rows may leave the (one) column empty.
    UniqueUnlessEmpty,
}

impl Table {
    /// The column with this very name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The place of a column's value in a row.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether only rows with something in the column are in its index.
    pub(crate) fn index_leaves_out_empty(&self, column: &str) -> bool {
        self.indexes
            .iter()
            .any(|index| index.kind == IndexKind::UniqueUnlessEmpty && index.columns == [column])
    }
}

impl Column {
    pub(super) const fn id() -> Self {
        Column { name: "id", kind: ColumnKind::Text, default: DefaultValue::Id }
    }

    pub(super) const fn time(name: &'static str) -> Self {
        Column { name, kind: ColumnKind::Text, default: DefaultValue::Now }
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Column::new(name, ColumnKind::Text)
    }

    pub(super) const fn number(name: &'static str) -> Self {
        Column::new(name, ColumnKind::Number)
    }

    pub(super) const fn integer(name: &'static str) -> Self {
        Column::new(name, ColumnKind::Integer)
    }

    pub(super) const fn flag(name: &'static str) -> Self {
        Column::new(name, ColumnKind::Bool)
    }

    pub(super) const fn json(name: &'static str) -> Self {
        Column::new(name, ColumnKind::Json)
    }

    pub(super) const fn or(self, default: &'static str) -> Self {
        Column { default: DefaultValue::Constant(default), ..self }
    }

    const fn new(name: &'static str, kind: ColumnKind) -> Self {
        Column { name, kind, default: DefaultValue::Nothing }
    }
}
