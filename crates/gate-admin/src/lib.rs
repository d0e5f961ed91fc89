//! The control plane's HTTP side: the REST API and the page at `/_/`.
