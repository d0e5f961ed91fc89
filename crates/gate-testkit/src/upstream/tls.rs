//! A certificate authority for one test.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// Names the certificates are good for: both ways a test writes its upstream's address.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// Signs the certificates of the TLS upstreams of one test.
///
/// A gateway trusts it when it is started with [`GatewayBuilder::trusting`](crate::GatewayBuilder::trusting).
pub struct TestAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl TestAuthority {
    /// Makes a new authority.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, key()).expect("the parameters are complete") }
    }

    /// The authority's own certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Accepts TLS for `localhost` and `127.0.0.1`, offering those protocols by ALPN.
    pub(super) fn acceptor(&self, protocols: &[&[u8]]) -> TlsAcceptor {
        let key = key();
        let params = CertificateParams::new(NAMES.map(str::to_owned)).expect("the names are valid");
        let certificate = params.signed_by(&key, &self.issuer).expect("the parameters are complete");
        let private_key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider knows the default versions")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], private_key)
                .expect("the key belongs to the certificate");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for TestAuthority {
    fn default() -> Self {
        Self::new()
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the machine has randomness")
}
