//! Who a caller is: passwords, tokens, and what holds back those who guess.

mod passwords;
mod throttle;
mod tokens;

pub use passwords::{PasswordError, Passwords};
pub use throttle::{Attempt, LoginThrottle, Throttled};
pub use tokens::{Claims, InvalidToken, SigningKey, TokenKind, UnverifiedToken};
