//! Who a caller is: passwords, tokens, and what holds back those who guess.

mod authenticator;
mod first_superuser;
mod identities;
mod passwords;
mod questions;
mod superusers;
mod throttle;
mod token_secrets;
mod tokens;

pub use authenticator::{Authenticated, Authenticator, Credentials, IDENTITY_FIELDS, Login, LoginError};
pub use first_superuser::{FirstSuperuser, SetupError};
pub use identities::{HoldTimes, Identities, Identity, Introspection, IntrospectionConfig, Unavailable};
pub use passwords::{PasswordError, Passwords};
pub use questions::{answer_questions, identity_of};
pub use superusers::{Superuser, SuperuserError, Superusers};
pub use throttle::{Attempt, LoginThrottle, Throttled};
pub use tokens::{Claims, InvalidToken, SigningKey, TokenKind, UnverifiedToken};
