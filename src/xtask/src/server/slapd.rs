//! `slapd`, the server of `OpenLDAP`.

use std::path::Path;

use super::{Disk, Missing, Place, Server, find};
use crate::command::{first_of, quietly};

const PACKAGE: &str = "slapd";

/// The entry that everything lies below.
const SUFFIX: &str = "dc=rabt,dc=test";

/// What the server begins with: an account, password `rabt`, and two people.
const ENTRIES: &str = "\
dn: dc=rabt,dc=test
objectClass: domain
dc: rabt

dn: cn=rabt,dc=rabt,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: rabt
userPassword: rabt

dn: uid=1,dc=rabt,dc=test
objectClass: inetOrgPerson
uid: 1
cn:: 2YXZhtmJINi52YTZig==
sn:: 2LnZhNmK

dn: uid=2,dc=rabt,dc=test
objectClass: inetOrgPerson
uid: 2
cn: Ahmed Hassan
sn: Hassan
";

/// Starts a `slapd` server with an account that reads.
pub(crate) fn slapd(disk: Disk) -> Result<Server, Missing> {
    let program = find(
        &[
            "/usr/sbin/slapd",
            "/usr/libexec/slapd",
            "/usr/local/libexec/slapd",
        ],
        PACKAGE,
    )?;
    let schemas = find(
        &["/etc/ldap/schema", "/usr/local/etc/openldap/schema"],
        PACKAGE,
    )?;
    let place = Place::new("slapd", &["openldap", "nobody"]).map_err(Missing::Broken)?;
    // A copy: distributions confine the program at its own path to its own folders.
    let own = place.path("slapd");
    let broken = |error: std::io::Error| Missing::Broken(error.to_string());
    std::fs::copy(program, &own).map_err(broken)?;
    let configuration = place
        .write("slapd.conf", &configuration(&place, &schemas, disk))
        .map_err(Missing::Broken)?;
    let entries = place
        .write("entries.ldif", ENTRIES)
        .map_err(Missing::Broken)?;
    let mut init = place.command(Path::new("/bin/mkdir"));
    quietly(init.arg(place.path("data"))).map_err(Missing::Broken)?;
    let mut load = place.command(&own);
    load.args(["-Tadd", "-q", "-f"]).arg(&configuration);
    quietly(load.arg("-l").arg(entries)).map_err(Missing::Broken)?;
    let address = format!("ldap://127.0.0.1:{}", place.port);
    let arguments = [
        "-d".to_owned(),
        "0".to_owned(),
        "-f".to_owned(),
        configuration.display().to_string(),
        "-h".to_owned(),
        address.clone(),
    ];
    let mut probe = place.command(Path::new("/bin/bash"));
    probe.arg("-c");
    probe.arg(format!("exec 3<>/dev/tcp/127.0.0.1/{}", place.port));
    let url = format!("{address}/{SUFFIX}");
    place.hold("TERM", &own, &arguments, &mut probe, url)
}

fn configuration(place: &Place, schemas: &Path, disk: Disk) -> String {
    let mut lines: Vec<String> = ["core", "cosine", "inetorgperson"]
        .map(|name| format!("include {}/{name}.schema", schemas.display()))
        .into();
    if let Some(modules) = first_of(&["/usr/lib/ldap"]) {
        lines.push(format!("modulepath {}", modules.display()));
        lines.push("moduleload back_mdb".to_owned());
    }
    lines.push("sizelimit unlimited".to_owned());
    lines.push(format!("database mdb\nsuffix {SUFFIX}"));
    lines.push(format!("directory {}", place.path("data").display()));
    lines.push("index objectClass eq".to_owned());
    if disk == Disk::Unsafe {
        lines.push("envflags nosync".to_owned());
    }
    lines.join("\n") + "\n"
}
