//! An authority and its certificates, in a temporary folder.

use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use crate::{Limits, ServerConfig, TlsFiles};

pub(crate) struct Pki {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let pki = Self {
            authority,
            folder: TempDir::new().unwrap(),
        };
        pki.write_server_files().unwrap();
        pki
    }

    fn write_server_files(&self) -> io::Result<()> {
        let name = SanType::DnsName("localhost".try_into().unwrap());
        let (cert, key) = self.issue(name, ExtendedKeyUsagePurpose::ServerAuth);
        fs::write(self.file("server.pem"), cert)?;
        fs::write(self.file("server.key"), key)?;
        fs::write(self.file("ca.pem"), self.authority.pem())
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn issue(&self, name: SanType, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(name);
        params.extended_key_usages.push(usage);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn config(&self, limits: Limits, admin_mtls: bool) -> ServerConfig {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        ServerConfig {
            listen: any,
            admin_listen: any,
            admin_mtls,
            transparency_listen: None,
            tls: TlsFiles {
                cert: self.file("server.pem"),
                key: self.file("server.key"),
                client_ca: self.file("ca.pem"),
                crl: Vec::new(),
            },
            limits,
        }
    }

    pub(crate) fn identity_of(&self, urn: &str) -> Identity {
        let name = SanType::URI(urn.try_into().unwrap());
        let (cert, key) = self.issue(name, ExtendedKeyUsagePurpose::ClientAuth);
        Identity::from_pem(cert, key)
    }

    pub(crate) fn client_without_certificate(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .domain_name("localhost")
    }

    pub(crate) fn client_with(&self, identity: &Identity) -> ClientTlsConfig {
        self.client_without_certificate().identity(identity.clone())
    }

    pub(crate) fn client_of(&self, urn: &str) -> ClientTlsConfig {
        self.client_with(&self.identity_of(urn))
    }
}

pub(crate) async fn connect(addr: SocketAddr, tls: ClientTlsConfig) -> Result<Channel, Error> {
    let endpoint = Endpoint::from_shared(format!("https://{addr}"))?;
    endpoint.tls_config(tls)?.connect().await
}
