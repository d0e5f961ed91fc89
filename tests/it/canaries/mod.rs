//! What must never be seen: a secret, the master key, a variable of the environment, a password or its hash, a token or
//! what signs it. Each is a canary, a text that is nowhere else; a whole life of a gateway is lived with them, and then
//! they are looked for in everything that came out of it (005-SC-005).

mod at_rest;
mod canary;
mod life;
mod provoke;
mod witness;
