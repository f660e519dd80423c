//! Every setting with its meaning, in the order of the example.

use rabt_runtime::{Kind, Setting, Settings};

use super::Config;

const fn setting(path: &'static str, kind: Kind, doc: &'static str) -> Setting {
    Setting {
        path,
        kind,
        secret: false,
        doc,
    }
}

const fn count(path: &'static str, most: i64, doc: &'static str) -> Setting {
    setting(path, Kind::Integer(1, most), doc)
}

impl Settings for Config {
    const ALL: &'static [Setting] = &[
        setting(
            "node.name",
            Kind::Text,
            "name of this node, its own among those that share a PostgreSQL database",
        ),
        setting(
            "node.address",
            Kind::Text,
            "where clients reach this node, named by nodes that follow it; may be empty",
        ),
        setting(
            "server.listen",
            Kind::Address,
            "address for agencies, always mutual TLS, such as \"0.0.0.0:7443\"",
        ),
        setting(
            "server.admin_listen",
            Kind::Address,
            "address for health checks and reflection, such as \"127.0.0.1:7444\"",
        ),
        setting(
            "server.admin_mtls",
            Kind::Flag,
            "whether the admin address asks for a client certificate too",
        ),
        setting(
            "server.transparency_listen",
            Kind::Text,
            "address for portals of citizens, always mutual TLS, such as \"0.0.0.0:7445\"; \"\" for none",
        ),
        setting(
            "tls.cert",
            Kind::Path,
            "the server's certificate chain, PEM, leaf first",
        ),
        setting(
            "tls.key",
            Kind::Path,
            "the key of the server's certificate, PEM",
        ),
        setting(
            "tls.client_ca",
            Kind::Path,
            "the authorities that client certificates must come from, PEM",
        ),
        setting(
            "tls.crl",
            Kind::Paths,
            "revocation lists of these authorities, PEM or DER; [] for none",
        ),
        count("limits.connections", 1_000_000, "open connections"),
        count(
            "limits.connections_per_caller",
            1_000_000,
            "open connections of one caller",
        ),
        count("limits.in_flight", 1_000_000, "requests in work"),
        count(
            "limits.in_flight_per_caller",
            1_000_000,
            "requests in work of one caller",
        ),
        count(
            "limits.requests_per_second_per_caller",
            1_000_000,
            "requests of one caller in a second; one more is told when to come again",
        ),
        count(
            "limits.burst_per_caller",
            1_000_000,
            "requests of one caller at once after a pause",
        ),
        count("limits.batches_in_flight", 10_000, "batch requests in work"),
        count("limits.watchers", 100_000, "watchers of the change feed"),
        count(
            "limits.watchers_per_caller",
            100_000,
            "watchers of the change feed of one caller",
        ),
        count(
            "limits.message_bytes",
            67_108_864,
            "largest request message, bytes",
        ),
        count(
            "limits.deadline_ms",
            600_000,
            "longest time a request may take, milliseconds",
        ),
        count(
            "limits.slow_deadline_ms",
            3_600_000,
            "the same for requests that wait for an agency's database or compare all records",
        ),
        count(
            "limits.handshake_ms",
            600_000,
            "longest time a handshake may take, milliseconds",
        ),
        count(
            "limits.drain_ms",
            3_600_000,
            "longest time that a shutdown waits for requests in work, milliseconds",
        ),
        Setting {
            path: "storage.url",
            kind: Kind::Text,
            secret: true,
            doc: "where state is kept: \"sqlite://PATH\" or \"postgres://USER:PASSWORD@HOST/NAME\"",
        },
        setting(
            "storage.image",
            Kind::Path,
            "sealed file of the citizens in memory, for a quick start; \"\" for none",
        ),
        setting(
            "sources.base",
            Kind::Path,
            "folder that relative paths of manifests start from",
        ),
        setting(
            "sources.scheduled",
            Kind::Flag,
            "whether sources that have a schedule are read by themselves while this node leads",
        ),
        count(
            "sources.parallel",
            1_000,
            "readings by schedule at once; one agency has half of them at most",
        ),
        count(
            "sources.deadline_s",
            2_592_000,
            "longest time of a reading by schedule, seconds; the next one goes on from there",
        ),
        count(
            "sources.idle_s",
            86_400,
            "longest time in which nothing comes of a source that is read by schedule, seconds",
        ),
        setting(
            "connectors.folder",
            Kind::Path,
            "folder of executables rabt-connector-<kind>, beside those next to rabt; may be empty",
        ),
        count(
            "connectors.memory_mib",
            1_048_576,
            "most address space of a process that reads a source, MiB",
        ),
        setting(
            "secrets.store",
            Kind::Path,
            "folder of the sealed secrets that manifests name as store:NAME; \"\" for none",
        ),
        setting(
            "secrets.identity",
            Kind::Path,
            "file of the age identity that opens them; `rabt secret init` makes it",
        ),
        setting(
            "secrets.env_prefix",
            Kind::Text,
            "what variables that manifests name as env:NAME begin with; \"\" for any",
        ),
        setting(
            "secrets.folder",
            Kind::Path,
            "folder of the files that manifests name as file:PATH; \"\" for none",
        ),
        setting(
            "linkage.model",
            Kind::Text,
            "linkage model: a shipped one (\"egypt\", \"febrl\") or the path of a model file",
        ),
        setting(
            "linkage.survivorship",
            Kind::Text,
            "how values are chosen: \"shipped\", or the path of a TOML file of rules",
        ),
        setting(
            "agreements.bundle",
            Kind::Path,
            "TOML file of access agreements to put in force at the start, besides those that were handed in",
        ),
        setting(
            "agreements.services",
            Kind::Text,
            "catalogue of public services: a shipped one (\"egypt\"), or the path of a TOML file",
        ),
        setting(
            "audit.origin",
            Kind::Text,
            "name of this node's audit log, unique for ever; it stands in every checkpoint",
        ),
        setting(
            "audit.keys",
            Kind::Path,
            "folder of the log's signing key, the pseudonym key and the master key; made at the first start",
        ),
        setting(
            "audit.witnesses",
            Kind::Texts,
            "verifier keys of those who may sign the log's checkpoints too, C2SP cosignature/v1",
        ),
        setting(
            "audit.archive",
            Kind::Path,
            "folder for entries that leave storage; \"\" when none does",
        ),
        setting(
            "audit.retention_days",
            Kind::Integer(0, 36_500),
            "entries younger than so many days stay in storage; 0 when every one does",
        ),
        setting(
            "stamps.url",
            Kind::Text,
            "address of a time-stamping authority (RFC 3161) for the log's checkpoints, http or https; \"\" for none",
        ),
        setting(
            "stamps.ca",
            Kind::Path,
            "the authorities that certificates of time stamps must come from, PEM",
        ),
        count(
            "stamps.every_s",
            2_592_000,
            "time from one stamp to the next while the log grows, seconds",
        ),
        setting(
            "transparency.portals",
            Kind::Texts,
            "systems through which citizens look at their own file, each \"agency:system\"",
        ),
        setting(
            "telemetry.format",
            Kind::Choice(&["text", "json"]),
            "how log lines are written",
        ),
        setting(
            "telemetry.level",
            Kind::Text,
            "what is logged, such as \"info\" or \"info,rabt_api=debug\"; RABT_LOG wins over it",
        ),
    ];
}
