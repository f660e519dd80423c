//! MariaDB.

use super::{Disk, Missing, Place, Server, find};
use crate::command::quietly;

const PACKAGE: &str = "mariadb-server";

/// The first statements of a new server: an account with all rights and a password.
const ACCOUNT: &str = "\
CREATE OR REPLACE USER 'rabt'@'%' IDENTIFIED BY 'rabt';
GRANT ALL PRIVILEGES ON *.* TO 'rabt'@'%' WITH GRANT OPTION;
";

/// Starts a MariaDB server with the account `rabt`, password `rabt`.
pub(crate) fn mariadb(disk: Disk) -> Result<Server, Missing> {
    let install = find(
        &["/usr/bin/mariadb-install-db", "/usr/bin/mysql_install_db"],
        PACKAGE,
    )?;
    let program = find(
        &[
            "/usr/sbin/mariadbd",
            "/usr/libexec/mariadbd",
            "/usr/sbin/mysqld",
        ],
        PACKAGE,
    )?;
    let admin = find(&["/usr/bin/mariadb-admin", "/usr/bin/mysqladmin"], PACKAGE)?;
    let place = Place::new("mariadb", &["mysql", "nobody"]).map_err(Missing::Broken)?;
    let account = place
        .write("account.sql", ACCOUNT)
        .map_err(Missing::Broken)?;
    let data = format!("--datadir={}", place.path("data").display());
    let mut init = place.command(&install);
    init.args(["--no-defaults", "--skip-test-db", &data]);
    init.arg("--auth-root-authentication-method=normal");
    quietly(&mut init).map_err(Missing::Broken)?;
    let socket = format!("--socket={}", place.path("socket").display());
    let flush = u8::from(disk == Disk::Safe);
    let arguments = [
        "--no-defaults".to_owned(),
        data,
        socket.clone(),
        format!("--port={}", place.port),
        format!("--pid-file={}", place.path("pid").display()),
        format!("--tmpdir={}", place.folder.display()),
        format!("--init-file={}", account.display()),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--character-set-server=utf8mb4".to_owned(),
        "--max-connections=200".to_owned(),
        format!("--innodb-flush-log-at-trx-commit={flush}"),
        "--innodb-buffer-pool-size=128M".to_owned(),
        "--server-id=1".to_owned(),
        format!("--log-bin={}", place.path("log").display()),
        "--binlog-format=ROW".to_owned(),
        "--binlog-row-image=FULL".to_owned(),
        "--binlog-row-metadata=FULL".to_owned(),
        "--binlog-checksum=CRC32".to_owned(),
        "--sync-binlog=0".to_owned(),
        "--log-bin-trust-function-creators=1".to_owned(),
    ];
    let mut probe = place.command(&admin);
    probe.args(["--no-defaults", "-urabt", "-prabt", &socket, "ping"]);
    let url = format!("mysql://rabt:rabt@127.0.0.1:{}/mysql", place.port);
    place.hold("TERM", &program, &arguments, &mut probe, url)
}
