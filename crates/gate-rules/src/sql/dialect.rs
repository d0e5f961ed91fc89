//! The SQL a database understands.

use super::fragment::Fragment;
use crate::{FieldKind, json};

/// The SQL a database understands.
///
/// Of the columns both take for granted: text is valid and without NUL; JSON is valid text, or empty. On PostgreSQL text
/// and JSON are `TEXT`, numbers any numeric type, booleans `BOOLEAN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite with JSON, as sqlx builds it.
    Sqlite,
    /// PostgreSQL 13 and newer.
    Postgres,
}

impl Dialect {
    /// A column of numbers or booleans.
    pub(super) fn number(self, name: &str, kind: FieldKind) -> Fragment {
        Fragment::new(match (self, kind) {
            (Dialect::Sqlite, _) => format!(r#""{name}""#),
            (Dialect::Postgres, FieldKind::Bool) => format!(r#""{name}"::int::double precision"#),
            (Dialect::Postgres, _) => format!(r#""{name}"::double precision"#),
        })
    }

    /// A column of texts, or of JSON as its text.
    pub(super) fn text(self, name: &str, kind: FieldKind) -> Fragment {
        Fragment::new(match (self, kind) {
            // A column of type JSON has numeric affinity, which the cast takes away.
            (Dialect::Sqlite, FieldKind::Multiple) => format!(r#"CAST("{name}" AS TEXT)"#),
            (Dialect::Sqlite, _) => format!(r#""{name}""#),
            (Dialect::Postgres, _) => format!(r#""{name}" COLLATE "C""#),
        })
    }

    /// What lies at a path in a column of JSON.
    pub(super) fn json(self, name: &str, path: &[Box<str>]) -> Fragment {
        let steps: String = path.iter().map(|segment| self.json_step(segment)).collect();
        let document = self.document(name);
        Fragment::new(match self {
            Dialect::Sqlite => format!("json_extract({document}, '${steps}')"),
            Dialect::Postgres => format!("({document}{steps})"),
        })
    }

    /// A column as JSON; null if it is none. PostgreSQL does not read an escaped NUL, so no one does.
    fn document(self, name: &str) -> String {
        match self {
            Dialect::Sqlite => {
                format!(
                    r#"CASE WHEN json_valid("{name}") AND instr("{name}", '\u0000') = 0 THEN "{name}" END"#
                )
            }
            Dialect::Postgres => {
                format!(
                    r#"(CASE WHEN "{name}" <> '' AND strpos("{name}", '\u0000') = 0 THEN "{name}"::json END)"#
                )
            }
        }
    }

    /// Segments are letters, digits and `_`.
    fn json_step(self, segment: &str) -> String {
        match (self, json::place(segment)) {
            (Dialect::Sqlite, Some(place)) => format!("[{place}]"),
            (Dialect::Sqlite, None) => format!(r#"."{segment}""#),
            (Dialect::Postgres, Some(place)) => format!(" -> {place}"),
            (Dialect::Postgres, None) => format!(" -> '{segment}'"),
        }
    }

    /// A value of JSON as a number, if it is one or a boolean.
    pub(super) fn number_of_json(self, value: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("CASE WHEN typeof(?) <> 'text' THEN ? END", [value, value]),
            Dialect::Postgres => Fragment::compose(
                "CASE json_typeof(?) WHEN 'number' THEN (? #>> '{}')::double precision \
                 WHEN 'boolean' THEN (? #>> '{}')::boolean::int END",
                [value, value, value],
            ),
        }
    }

    /// A value of JSON as a text, if it is one, an array or an object.
    pub(super) fn text_of_json(self, value: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("CASE WHEN typeof(?) = 'text' THEN ? END", [value, value]),
            Dialect::Postgres => Fragment::compose(
                r#"(CASE WHEN json_typeof(?) IN ('string', 'array', 'object') THEN ? #>> '{}' END COLLATE "C")"#,
                [value, value],
            ),
        }
    }

    /// A value of JSON as it reads.
    pub(super) fn rendered_json(self, value: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("CAST(? AS TEXT)", [value]),
            Dialect::Postgres => Fragment::compose(
                "(CASE json_typeof(?) WHEN 'boolean' THEN (? #>> '{}')::boolean::int::text ELSE ? #>> '{}' END)",
                [value, value, value],
            ),
        }
    }

    /// A number as it reads: whole ones without a fraction, others with 15 digits.
    pub(super) fn rendered_number(self, number: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("CAST(? AS TEXT)", [number]),
            Dialect::Postgres => Fragment::compose("(?)::numeric::text", [number]),
        }
    }

    /// ASCII capitals in lower case.
    pub(super) fn lower(self, text: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("LOWER(?)", [text]),
            Dialect::Postgres => Fragment::compose(r#"LOWER(? COLLATE "C")"#, [text]),
        }
    }

    /// How many values a column has; null if it is null.
    pub(super) fn length(self, name: &str) -> Fragment {
        let document = self.document(name);
        let length = match self {
            Dialect::Sqlite => format!("COALESCE(json_array_length({document}), 0)"),
            Dialect::Postgres => format!(
                "CASE json_typeof({document}) WHEN 'array' THEN json_array_length({document}) ELSE 0 END"
            ),
        };
        Fragment::new(format!(r#"CASE WHEN "{name}" IS NOT NULL THEN {length} END"#))
    }

    /// An array: a column's, or an empty one if it has none.
    pub(super) fn array(self, name: &str) -> Fragment {
        let document = self.document(name);
        Fragment::new(match self {
            Dialect::Sqlite => {
                format!("CASE json_type({document}) WHEN 'array' THEN {document} ELSE '[]' END")
            }
            Dialect::Postgres => {
                format!("CASE json_typeof({document}) WHEN 'array' THEN {document} ELSE '[]' END")
            }
        })
    }

    /// The values of an array as rows with one column, which is called `name`. SQLite's function has more of them (`id`,
    /// `path`, …), which must hide no column of the record: neither from the array nor from what is compared.
    pub(super) fn each(self, array: &Fragment, name: &str) -> Fragment {
        match self {
            Dialect::Sqlite => {
                let rows = format!(
                    "(SELECT item.value AS {name} FROM (SELECT ? AS document) AS source, json_each(source.document) AS item)"
                );
                Fragment::compose(&rows, [array])
            }
            Dialect::Postgres => {
                Fragment::compose(&format!("json_array_elements((?)::json) AS {name}_rows({name})"), [array])
            }
        }
    }

    /// Whether a text matches a pattern, without the case of ASCII letters.
    pub(super) fn like(self, text: &Fragment, pattern: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose(r"? LIKE ? ESCAPE '\'", [text, pattern]),
            // Its own escape is the backslash, too.
            Dialect::Postgres => {
                Fragment::compose(r#"LOWER(? COLLATE "C") LIKE LOWER(? COLLATE "C")"#, [text, pattern])
            }
        }
    }

    /// Bytes of a text.
    pub(super) fn bytes(self, text: &Fragment) -> Fragment {
        match self {
            Dialect::Sqlite => Fragment::compose("LENGTH(CAST(? AS BLOB))", [text]),
            Dialect::Postgres => Fragment::compose("OCTET_LENGTH(?)", [text]),
        }
    }
}
