//! An authority and its certificates, in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rabt_api::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

/// The authority, the certificate and the key of a client in another process.
const CLIENT_FILES: [&str; 3] = ["client-ca.pem", "client.pem", "client.key"];

/// A day: year, month, day.
type Day = (i32, u8, u8);

/// A client's certificate and key.
#[derive(Debug, Clone)]
pub struct Certified {
    certificate: String,
    key: String,
    serial: SerialNumber,
}

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
        // authorities are told apart by their names
        let name = format!("authority {}", number());
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let folder = TempDir::new().expect("a folder");
        let pki = Self { authority, folder };
        pki.certify_server(&pki);
        pki.write("ca.pem", &pki.authority.pem());
        pki
    }

    /// Replaces the server's certificate and key by new ones, which `other` signs.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn certify_server(&self, other: &Self) {
        let name = SanType::DnsName("localhost".try_into().expect("a name"));
        let made = other.issue(name, ExtendedKeyUsagePurpose::ServerAuth, None);
        self.write("server.pem", &made.certificate);
        self.write("server.key", &made.key);
    }

    /// Puts further authorities of clients beside this one, instead of those before.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn trust(&self, others: &[&Self]) {
        let others = others.iter().map(|other| other.authority.pem());
        let all: String = std::iter::once(self.authority.pem())
            .chain(others)
            .collect();
        self.write("ca.pem", &all);
    }

    /// Writes the list of revoked certificates, the earlier one's place taken at once.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn revoke(&self, revoked: &[&Certified], from: Day, until: Day) {
        let day = |(year, month, day)| date_time_ymd(year, month, day);
        let revoked_certs = revoked.iter().map(|one| RevokedCertParams {
            serial_number: one.serial.clone(),
            revocation_time: day(from),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: day(from),
            next_update: day(until),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.authority).expect("a list");
        self.write("new.crl", &list.pem().expect("a text"));
        std::fs::rename(self.file("new.crl"), self.list()).expect("a list");
    }

    /// Returns the file of [`Pki::revoke`].
    pub fn list(&self) -> PathBuf {
        self.file("ca.crl")
    }

    /// Returns the files of the server.
    pub fn server(&self) -> TlsFiles {
        TlsFiles {
            cert: self.file("server.pem"),
            key: self.file("server.key"),
            client_ca: self.file("ca.pem"),
            crl: Vec::new(),
        }
    }

    /// Returns the files of the server, the revocation list among them.
    pub fn server_with_list(&self) -> TlsFiles {
        TlsFiles {
            crl: vec![self.list()],
            ..self.server()
        }
    }

    /// Makes a client's certificate that is good in these days, or always.
    ///
    /// # Panics
    /// When the name is not a URI.
    pub fn certify(&self, urn: &str, days: Option<(Day, Day)>) -> Certified {
        let name = SanType::URI(urn.try_into().expect("a URI"));
        self.issue(name, ExtendedKeyUsagePurpose::ClientAuth, days)
    }

    /// Returns what a client needs that has this certificate.
    pub fn client_with(&self, certified: &Certified) -> ClientTlsConfig {
        self.client(None).identity(certified.identity())
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
            Some(urn) => trust.identity(self.certify(urn, None).identity()),
        }
    }

    /// Returns what a client needs that trusts this server and was certified elsewhere.
    pub fn client_of(&self, foreign: &Self, urn: &str) -> ClientTlsConfig {
        self.client_with(&foreign.certify(urn, None))
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
        let made = self.certify(urn, None);
        let texts = [self.authority.pem(), made.certificate, made.key];
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

    fn issue(
        &self,
        name: SanType,
        usage: ExtendedKeyUsagePurpose,
        days: Option<(Day, Day)>,
    ) -> Certified {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.subject_alt_names.push(name);
        params.extended_key_usages.push(usage);
        let serial = SerialNumber::from(number());
        params.serial_number = Some(serial.clone());
        if let Some((from, until)) = days {
            params.not_before = date_time_ymd(from.0, from.1, from.2);
            params.not_after = date_time_ymd(until.0, until.1, until.2);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params
            .signed_by(&key, &self.authority)
            .expect("a certificate");
        Certified {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            serial,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder, as nobody who cares for it would: in its place, with any text.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).expect("a file");
    }
}

/// Returns a number that was not given out before.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Certified {
    fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}
