//! Who connects to which server, for the connection that the log comes over, and how it is encrypted: as
//! the other connections are, which another driver makes.

use mysql_async::{Opts, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use rabt_connect::{ConnectError, Session};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::Url;

use crate::config;

/// The largest packet that the protocol knows: one row may be as large.
const PACKET: usize = 1 << 30;

/// Returns how to connect: with what is tried first, and what is tried when the server does without TLS.
pub(super) fn options(session: &Session) -> Result<(Opts, Option<Opts>), ConnectError> {
    let options = config::options(session)?;
    let url: Option<Url> = session
        .optional_text("url")?
        .and_then(|url| url.parse().ok());
    let password = session.optional_text("password")?.map(str::to_owned);
    let password = password.or_else(|| {
        let text = url.as_ref()?.password()?;
        Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
    });
    let ca = session.optional_text("ca")?.map(|ca| session.resolve(ca));
    let ca = ca.or_else(|| {
        let pairs = url.as_ref()?.query_pairs();
        let mut named = pairs.filter(|(name, _)| matches!(&**name, "sslca" | "ssl-ca"));
        Some(named.next()?.1.into_owned().into())
    });
    let plain = OptsBuilder::default()
        .ip_or_hostname(options.get_host())
        .tcp_port(options.get_port())
        .user(Some(options.get_username()))
        .pass(password)
        .prefer_socket(false)
        .max_allowed_packet(Some(PACKET))
        .wait_timeout(Some(28_800));
    if let Some(socket) = options.get_socket() {
        let socket = socket.display().to_string();
        return Ok((plain.socket(Some(socket)).into(), None));
    }
    let Some(tls) = tls(&options, ca) else {
        return Ok((plain.into(), None));
    };
    let without = matches!(options.get_ssl_mode(), MySqlSslMode::Preferred);
    let without = without.then(|| plain.clone().into());
    Ok((plain.ssl_opts(tls).into(), without))
}

fn tls(options: &MySqlConnectOptions, ca: Option<std::path::PathBuf>) -> Option<SslOpts> {
    let checked = match options.get_ssl_mode() {
        MySqlSslMode::Disabled => return None,
        MySqlSslMode::Preferred | MySqlSslMode::Required => false,
        MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity => true,
    };
    // `verify-ca` is `verify-full` here: the driver would overlook a wrong name by the text of an error
    // that rustls words otherwise by now.
    let tls = SslOpts::default();
    if !checked {
        return Some(
            tls.with_danger_accept_invalid_certs(true)
                .with_danger_skip_domain_validation(true),
        );
    }
    Some(match ca {
        Some(ca) => tls
            .with_root_certs(vec![ca.into()])
            .with_disable_built_in_roots(true),
        None => tls,
    })
}
