//! The black-box suite: the real binary, real clients, one module per behaviour.
