//! Texts that are nowhere else, and looking for them.

/// Everything that must not be seen.
#[derive(Default)]
pub(super) struct Canaries {
    /// May be in no output and in no file.
    nowhere: Vec<Canary>,
    /// May be in the database and its copies: hashes, keys of tokens, ciphertext.
    in_the_database: Vec<Canary>,
}

struct Canary {
    what: String,
    text: String,
}

impl Canaries {
    /// A new one, to be used as what it is called.
    pub(super) fn make(&mut self, what: &str) -> String {
        let text = format!("canary{:032x}", rand::random::<u128>());
        self.learn(what, &text);
        text
    }

    /// One that came about elsewhere, such as a token.
    pub(super) fn learn(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 16, "{what} is too short to be looked for");
        self.nowhere.push(Canary { what: what.to_owned(), text: text.to_owned() });
    }

    /// A token: its signature is what makes it one.
    pub(super) fn learn_token(&mut self, what: &str, token: &str) {
        let (_, signature) = token.rsplit_once('.').expect("a token has a signature");
        self.learn(what, signature);
    }

    /// One that the database is made to keep.
    pub(super) fn learn_at_rest(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 16, "{what} is too short to be looked for");
        if !self.in_the_database.iter().any(|canary| canary.text == text) {
            self.in_the_database.push(Canary { what: what.to_owned(), text: text.to_owned() });
        }
    }

    /// How many the database keeps.
    pub(super) fn at_rest_count(&self) -> usize {
        self.in_the_database.len()
    }

    /// Checks what a client, an operator or a collector of logs may read.
    #[track_caller]
    pub(super) fn check_output(&self, origin: &str, bytes: &[u8]) {
        self.check_database(origin, bytes);
        let text = String::from_utf8_lossy(bytes);
        for canary in &self.in_the_database {
            canary.check(origin, &text, &canary.text);
        }
    }

    /// Checks what the database keeps.
    #[track_caller]
    pub(super) fn check_database(&self, origin: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for canary in &self.nowhere {
            canary.check(origin, &text, &canary.text);
            canary.check(origin, &text, &hex(&canary.text));
        }
    }
}

impl Canary {
    #[track_caller]
    fn check(&self, origin: &str, text: &str, form: &str) {
        if let Some((before, after)) = text.split_once(form) {
            let before: String =
                before.chars().rev().take(SHOWN).collect::<Vec<_>>().into_iter().rev().collect();
            let after: String = after.chars().take(SHOWN).collect();
            panic!("{} is in {origin}: …{before}{form}{after}…", self.what);
        }
    }
}

/// How much around a canary says where it is.
const SHOWN: usize = 300;

/// Lower-case hexadecimal digits.
pub(super) fn hex(text: &str) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("half a byte is one digit");
    text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
