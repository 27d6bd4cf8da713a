//! Who the other side is: the server's key, its fingerprint, and the client's verifier, which wants the
//! pinned key *and* a handshake signed by it. Knows no connection.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::proto::table::ALPN;

/// The name in certificates and handshakes. Trust comes from the pin, not from here.
pub const SERVER_NAME: &str = "ghostchain-vm";

/// Bytes of a key file at most: an ECDSA key has 138, an RSA key of 16,384 bits about 9,600.
const KEY_LEN_MAX: u64 = 16 << 10;

/// SHA-256 of a server's SubjectPublicKeyInfo: the same for every certificate of one key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Pin {
    type Err = TlsError;

    /// Reads 64 hex digits.
    fn from_str(text: &str) -> Result<Pin, TlsError> {
        blake3::Hash::from_hex(text).map(|bytes| Pin(bytes.into())).map_err(|_| TlsError::Pin)
    }
}

/// What is wrong with keys.
#[derive(Debug)]
pub enum TlsError {
    /// The key file.
    File(PathBuf, io::Error),
    /// The key file can be read or written by others than its owner.
    TooOpen(PathBuf),
    /// The bytes of a key or certificate.
    Key(String),
    /// Not the text of a pin.
    Pin,
}

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TlsError::File(path, source) => write!(f, "key file {}: {source}", path.display()),
            TlsError::TooOpen(path) => write!(
                f,
                "key file {0}: others than its owner have access to it; take it away (chmod 600 {0}), and replace \
                 the key if somebody may have read it",
                path.display()
            ),
            TlsError::Key(text) => write!(f, "not a usable key: {text}"),
            TlsError::Pin => f.write_str("a fingerprint has 64 hex digits"),
        }
    }
}

impl std::error::Error for TlsError {}

fn key_error(error: impl std::fmt::Display) -> TlsError {
    TlsError::Key(error.to_string())
}

/// A server's key and a certificate for it.
#[derive(Clone)]
pub struct Identity {
    key: Vec<u8>,
    certificate: CertificateDer<'static>,
    pin: Pin,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl Identity {
    /// A new key.
    ///
    /// # Errors
    /// `Key`: no randomness.
    pub fn generate() -> Result<Identity, TlsError> {
        Identity::from_pair(&KeyPair::generate().map_err(key_error)?)
    }

    /// The key in this file (PKCS #8, DER), made when there is none. Nobody but its owner may have access to
    /// it.
    ///
    /// # Errors
    /// `File`, `TooOpen`, `Key`.
    pub fn load_or_create(path: &Path) -> Result<Identity, TlsError> {
        let file_error = |error| TlsError::File(path.to_owned(), error);
        match File::open(path) {
            Ok(file) => {
                if is_open_to_others(&file).map_err(file_error)? {
                    return Err(TlsError::TooOpen(path.to_owned()));
                }
                let mut key = Vec::new();
                file.take(KEY_LEN_MAX).read_to_end(&mut key).map_err(file_error)?;
                let der = PrivatePkcs8KeyDer::from(key);
                Identity::from_pair(&KeyPair::try_from(&der).map_err(key_error)?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let identity = Identity::generate()?;
                // Written aside first: a crash must not leave half a key under the name.
                let half = path.with_extension("new");
                // What an earlier crash left may have another mode, which opening it would keep.
                match fs::remove_file(&half) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file_error(error)),
                    _ => {}
                }
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(&half).map_err(file_error)?;
                file.write_all(&identity.key).and_then(|()| file.sync_all()).map_err(file_error)?;
                fs::rename(&half, path).map_err(file_error)?;
                Ok(identity)
            }
            Err(error) => Err(file_error(error)),
        }
    }

    fn from_pair(pair: &KeyPair) -> Result<Identity, TlsError> {
        let params = CertificateParams::new([SERVER_NAME.to_owned()]).map_err(key_error)?;
        let certificate = params.self_signed(pair).map_err(key_error)?.der().clone();
        let pin = pin_of(&certificate).map_err(key_error)?;
        Ok(Identity { key: pair.serialize_der(), certificate, pin })
    }

    /// What clients pin.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// The certificate of one identity with the key of another, which clients must refuse.
    #[cfg(test)]
    pub(crate) fn impostor(certificate_of: &Identity, key_of: &Identity) -> Identity {
        Identity { key: key_of.key.clone(), ..certificate_of.clone() }
    }

    pub(crate) fn server_config(&self) -> Result<rustls::ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = provider.key_provider.load_private_key(key).map_err(key_error)?;
        // Built by hand: whether key and certificate belong together is the client's business to find out.
        let certified = rustls::sign::CertifiedKey::new(vec![self.certificate.clone()], key);
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(key_error)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Early data is replayable and comes before anybody is known: none.
        config.max_early_data_size = 0;
        Ok(config)
    }
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &File) -> io::Result<bool> {
    // No mode there: what inherits from the folder applies.
    Ok(false)
}

fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, Error> {
    let spki = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(Pin(Sha256::digest(&spki).into()))
}

/// A client's side of the handshake.
pub(crate) fn client_config(pin: Pin) -> Result<rustls::ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PinVerifier { pin, provider: provider.clone() });
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(key_error)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Every handshake proves the key anew.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

#[derive(Debug)]
struct PinVerifier {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pin = pin_of(end_entity)?;
        if pin == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General(format!("the server's fingerprint is {pin}, not the pinned {}", self.pin)))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_keeps_the_pin() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let made = Identity::load_or_create(&path).unwrap();
        let read = Identity::load_or_create(&path).unwrap();
        assert_eq!(made.pin(), read.pin());
        // What a crash may leave is no key, and does not stand in the way of one.
        let other = dir.path().join("other.key");
        fs::write(dir.path().join("other.new"), b"half").unwrap();
        let made_anew = Identity::load_or_create(&other).unwrap();
        assert_eq!(Identity::load_or_create(&other).unwrap().pin(), made_anew.pin());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert_ne!(made.pin(), Identity::generate().unwrap().pin());
        assert_eq!(made.pin().to_string().parse::<Pin>().unwrap(), made.pin());
        #[cfg(unix)]
        for mode in [0o604, 0o640, 0o660, 0o602] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Identity::load_or_create(&path).unwrap_err();
            assert!(matches!(error, TlsError::TooOpen(_)), "{mode:o}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
            assert_eq!(Identity::load_or_create(&path).unwrap().pin(), made.pin());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(&path, b"nonsense").unwrap();
        assert!(matches!(Identity::load_or_create(&path), Err(TlsError::Key(_))));
    }
}
