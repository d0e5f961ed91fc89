//! How words join.

use super::{ALL, NONE, Rows};

pub(crate) const USER: Rows = &[
    // `&&` binds tighter than `||`.
    ("1 = 1 || 1 = 1 && 1 = 2", ALL),
    ("1 = 2 && 1 = 1 || 1 = 1", ALL),
    ("(1 = 1 || 1 = 1) && 1 = 2", NONE),
    ("1 = 2 && (1 = 1 || 1 = 1)", NONE),
    ("t = 'alpha' || b = true && n > 10", "afh"),
    ("(t = 'alpha' || b = true) && n > 10", "fh"),
    ("b = true && n > 10 || t = 'alpha'", "afh"),
    ("b = true && (n > 10 || t = 'alpha')", "afh"),
    ("t = 'alpha' || t = '' || t = '5'", "abcd"),
    ("b = true && n >= 5 && n < 10", "ad"),
    // Blanks and comments.
    ("t='alpha'", "a"),
    ("t='alpha'&&n=5||t=''", "abc"),
    ("\t t\n=\n'alpha' \n", "a"),
    ("t = 'alpha' // and nothing else", "a"),
    ("// first\nt = // second\n'alpha'", "a"),
    ("((((t = 'alpha'))))", "a"),
    ("( t = 'alpha' )", "a"),
    // Quotes.
    ("t = \"alpha\"", "a"),
    ("'it\\'s' = \"it's\"", ALL),
    ("\"say \\\"x\\\"\" = 'say \"x\"'", ALL),
    (r"'\n' = '\\n'", NONE),
    (r"t = 'a\b' && '\n' != 'n'", "g"),
    ("'// no comment' = '// no comment'", ALL),
    ("'&& t = 1 ||' != ''", ALL),
    ("'a\nb' = 'a\nb'", ALL),
    ("'日本' ~ '本'", ALL),
    // Numbers.
    ("-5 < 0", ALL),
    ("n=-3", "e"),
    ("007 = 7", ALL),
    ("1.50 = 1.5", ALL),
];
