//! PostgreSQL.

use super::{Disk, Missing, Place, Server, find};
use crate::command::quietly;

const PACKAGE: &str = "postgresql-15";

/// The places where Debian and others put a program of PostgreSQL, newest first.
macro_rules! places {
    ($name:literal) => {
        [
            concat!("/usr/lib/postgresql/17/bin/", $name),
            concat!("/usr/lib/postgresql/16/bin/", $name),
            concat!("/usr/lib/postgresql/15/bin/", $name),
            concat!("/usr/lib/postgresql/14/bin/", $name),
            concat!("/usr/local/pgsql/bin/", $name),
            concat!("/usr/bin/", $name),
        ]
    };
}

/// Starts a PostgreSQL server whose superuser is `rabt`, password `rabt`.
pub(crate) fn postgres(disk: Disk) -> Result<Server, Missing> {
    let initdb = find(&places!("initdb"), PACKAGE)?;
    let program = find(&places!("postgres"), PACKAGE)?;
    let ready = find(&places!("pg_isready"), PACKAGE)?;
    let place = Place::new("postgres", &["postgres", "nobody"]).map_err(Missing::Broken)?;
    let password = place.write("password", "rabt\n").map_err(Missing::Broken)?;
    let data = place.path("data");
    let mut init = place.command(&initdb);
    init.args(["-U", "rabt", "-A", "scram-sha-256", "-E", "UTF8"]);
    init.args(["--locale=C.UTF-8", "--no-sync", "--pwfile"]);
    quietly(init.arg(password).arg("-D").arg(&data)).map_err(Missing::Broken)?;
    let folder = place.folder.display();
    let mut arguments = vec![
        format!("-D{}", data.display()),
        format!("-p{}", place.port),
        "-clisten_addresses=127.0.0.1".to_owned(),
        format!("-cunix_socket_directories={folder}"),
        "-cmax_connections=200".to_owned(),
        "-cshared_buffers=256MB".to_owned(),
        "-cwal_level=logical".to_owned(),
        "-cmax_replication_slots=50".to_owned(),
        "-cmax_wal_senders=50".to_owned(),
    ];
    if disk == Disk::Unsafe {
        let quick = ["fsync", "synchronous_commit", "full_page_writes"];
        arguments.extend(quick.map(|setting| format!("-c{setting}=off")));
    }
    let mut probe = place.command(&ready);
    probe.args(["-h", "127.0.0.1", "-p", &place.port.to_string()]);
    let url = format!("postgres://rabt:rabt@127.0.0.1:{}/postgres", place.port);
    place.hold("INT", &program, &arguments, &mut probe, url)
}
