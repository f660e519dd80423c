//! An authority and its certificates, in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rabt_api::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

/// The authority, the certificate and the key of a client in another process.
const CLIENT_FILES: [&str; 3] = ["client-ca.pem", "client.pem", "client.key"];

/// An authority. The server's files lie in its folder; clients are made as they are needed.
#[derive(Debug)]
pub struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Pki {
    /// Makes an authority and the server's certificate.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let folder = TempDir::new().expect("a folder");
        let pki = Self { authority, folder };
        let name = SanType::DnsName("localhost".try_into().expect("a name"));
        let (certificate, key) = pki.issue(name, ExtendedKeyUsagePurpose::ServerAuth);
        pki.write("server.pem", &certificate);
        pki.write("server.key", &key);
        pki.write("ca.pem", &pki.authority.pem());
        pki
    }

    /// Returns the files of the server.
    pub fn server(&self) -> TlsFiles {
        TlsFiles {
            cert: self.file("server.pem"),
            key: self.file("server.key"),
            client_ca: self.file("ca.pem"),
        }
    }

    /// Returns what a client needs that has the name `urn`; none for a client without certificate.
    ///
    /// # Panics
    /// When the name is not a URI.
    pub fn client(&self, urn: Option<&str>) -> ClientTlsConfig {
        let trust = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .domain_name("localhost");
        match urn {
            None => trust,
            Some(urn) => trust.identity(self.identity(urn)),
        }
    }

    /// Returns what a client needs that trusts this server and was certified elsewhere.
    pub fn client_of(&self, foreign: &Self, urn: &str) -> ClientTlsConfig {
        self.client(None).identity(foreign.identity(urn))
    }

    /// Connects to a server of this authority.
    ///
    /// # Errors
    /// The handshake failed.
    pub async fn connect(addr: SocketAddr, tls: ClientTlsConfig) -> Result<Channel, Error> {
        let endpoint = Endpoint::from_shared(format!("https://{addr}"))?;
        endpoint.tls_config(tls)?.connect().await
    }

    /// Writes what another process needs to be a client of this name.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn write_client(&self, urn: &str, folder: &Path) {
        let name = SanType::URI(urn.try_into().expect("a URI"));
        let (certificate, key) = self.issue(name, ExtendedKeyUsagePurpose::ClientAuth);
        let texts = [self.authority.pem(), certificate, key];
        for (name, text) in CLIENT_FILES.iter().zip(texts) {
            std::fs::write(folder.join(name), text).expect("a file");
        }
    }

    /// Returns what a client needs from what [`Pki::write_client`] wrote.
    ///
    /// # Panics
    /// When it did not.
    pub fn read_client(folder: &Path) -> ClientTlsConfig {
        let read = |name| std::fs::read_to_string(folder.join(name)).expect("a file");
        let [authority, certificate, key] = CLIENT_FILES.map(read);
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority))
            .domain_name("localhost")
            .identity(Identity::from_pem(certificate, key))
    }

    fn identity(&self, urn: &str) -> Identity {
        let name = SanType::URI(urn.try_into().expect("a URI"));
        let (certificate, key) = self.issue(name, ExtendedKeyUsagePurpose::ClientAuth);
        Identity::from_pem(certificate, key)
    }

    fn issue(&self, name: SanType, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.subject_alt_names.push(name);
        params.extended_key_usages.push(usage);
        let key = KeyPair::generate().expect("a key");
        let certificate = params
            .signed_by(&key, &self.authority)
            .expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).expect("a file");
    }
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}
