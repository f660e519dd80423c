//! The register of processing, for programs, for tables and for people.

use std::path::PathBuf;
use std::process::ExitCode;

use askama::Template;
use clap::{Args, ValueEnum};
use rabt_proto::agreement as pb;
use rabt_proto::common::Label;
use serde::Serialize;

use super::view::{Name, state_name, time};
use super::{USUAL_IDENTITY, connect};
use crate::client::{Connection, refusal};
use crate::error::CommandError;
use crate::render::Render;

/// Where the register goes.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// Form: JSON for programs, CSV for tables, a page in Arabic and English for people.
    #[arg(long, value_enum, default_value_t = Form::Html)]
    form: Form,
    /// File to write; standard output when absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Json,
    Csv,
    Html,
}

#[derive(Debug, Serialize, Template)]
#[template(path = "register.html")]
struct Register {
    time: String,
    revision: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    agreement: String,
    title: Name,
    state: &'static str,
    recipient: Name,
    systems: Vec<String>,
    methods: Vec<String>,
    purposes: Vec<String>,
    legal_bases: Vec<String>,
    services: Vec<Name>,
    channels: Vec<String>,
    categories: Vec<String>,
    restricted_sources: Vec<String>,
    retention_days: Option<u32>,
    period: String,
    author: String,
    approver: String,
}

/// Writes the register.
pub(super) async fn run(args: &RegisterArgs, render: &Render) -> Result<ExitCode, CommandError> {
    let mut client = connect(&args.connection, USUAL_IDENTITY).await?;
    let answered = client.export_register(pb::ExportRegisterRequest {}).await;
    let register = Register::of(answered.map_err(|status| refusal(&status))?.into_inner());
    let form = if render.is_json() {
        Form::Json
    } else {
        args.form
    };
    let text = register.to_text(form)?;
    match &args.out {
        None => render.raw(&text),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| {
                let message = format!("{}: {error}", path.display());
                CommandError::failed(message, "name another file with --out")
            })?;
            render.note(format_args!("written to {}", path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Register {
    fn of(answer: pb::ExportRegisterResponse) -> Self {
        Self {
            time: time(answer.time.as_ref()),
            revision: answer.revision,
            entries: answer.entries.into_iter().map(Entry::of).collect(),
        }
    }

    fn to_text(&self, form: Form) -> Result<String, CommandError> {
        let failed = |error: &dyn std::fmt::Display| CommandError::failed(error, "");
        match form {
            Form::Json => serde_json::to_string_pretty(self).map_err(|error| failed(&error)),
            Form::Html => self.render().map_err(|error| failed(&error)),
            Form::Csv => {
                let mut writer = csv::Writer::from_writer(Vec::new());
                for entry in &self.entries {
                    let row = writer.serialize(entry.row());
                    row.map_err(|error| failed(&error))?;
                }
                let bytes = writer.into_inner().map_err(|error| failed(&error))?;
                // a spreadsheet takes a file for UTF-8 when it begins so
                Ok(format!("\u{feff}{}", String::from_utf8_lossy(&bytes)))
            }
        }
    }
}

/// A row of the table; lists are parted by spaces, names by `; `.
#[derive(Debug, Serialize)]
struct Row<'a> {
    agreement: &'a str,
    title_en: &'a str,
    title_ar: &'a str,
    state: &'a str,
    recipient_en: &'a str,
    recipient_ar: &'a str,
    systems: String,
    methods: String,
    purposes: String,
    legal_bases: String,
    services_en: String,
    services_ar: String,
    channels: String,
    categories: String,
    restricted_sources: String,
    retention_days: Option<u32>,
    period: &'a str,
    author: &'a str,
    approver: &'a str,
}

impl Entry {
    fn of(entry: pb::RegisterEntry) -> Self {
        let state = state_name(entry.state());
        let name = |label: Option<Label>| Name::of(&label.unwrap_or_default());
        Self {
            agreement: entry.agreement,
            title: name(entry.title),
            state,
            recipient: name(entry.recipient),
            systems: entry.systems,
            methods: entry.methods,
            purposes: entry.purposes,
            legal_bases: entry.legal_bases,
            services: entry.services.iter().map(Name::of).collect(),
            channels: entry.channels,
            categories: entry.categories,
            restricted_sources: entry.restricted_sources,
            retention_days: (entry.retention_days > 0).then_some(entry.retention_days),
            period: entry.period,
            author: entry.author,
            approver: entry.approver,
        }
    }

    fn row(&self) -> Row<'_> {
        let services = |name: fn(&Name) -> &str| {
            let names: Vec<&str> = self.services.iter().map(name).collect();
            names.join("; ")
        };
        Row {
            agreement: &self.agreement,
            title_en: &self.title.en,
            title_ar: &self.title.ar,
            state: self.state,
            recipient_en: &self.recipient.en,
            recipient_ar: &self.recipient.ar,
            systems: self.systems.join(" "),
            methods: self.methods.join(" "),
            purposes: self.purposes.join(" "),
            legal_bases: self.legal_bases.join(" "),
            services_en: services(|name| &name.en),
            services_ar: services(|name| &name.ar),
            channels: self.channels.join(" "),
            categories: self.categories.join(" "),
            restricted_sources: self.restricted_sources.join(" "),
            retention_days: self.retention_days,
            period: &self.period,
            author: &self.author,
            approver: &self.approver,
        }
    }

    /// Returns the state in Arabic, for the page.
    fn state_ar(&self) -> &'static str {
        match self.state {
            "active" => "سارٍ",
            "suspended" => "موقوف",
            "expired" => "انتهت مدته",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use rabt_proto::agreement as pb;
    use rabt_proto::common::Label;

    use super::{Form, Register};

    fn register() -> Register {
        let label = |en: &str, ar: &str| {
            Some(Label {
                en: en.to_owned(),
                ar: ar.to_owned(),
            })
        };
        let entry = pb::RegisterEntry {
            agreement: "AG-TAX-001".to_owned(),
            title: label("Tax & <files>", "ملفات الضرائب"),
            state: pb::AgreementState::Active.into(),
            recipient: label("Tax authority", "مصلحة الضرائب"),
            systems: vec!["desk".to_owned(), "batch".to_owned()],
            purposes: vec!["assessment".to_owned()],
            services: label("Tax return", "إقرار ضريبي").into_iter().collect(),
            categories: vec!["name.chain".to_owned(), "facts.tax.*".to_owned()],
            restricted_sources: vec!["police".to_owned()],
            period: "2026-01-01 to 2026-12-31".to_owned(),
            author: "tax:mona".to_owned(),
            ..pb::RegisterEntry::default()
        };
        Register::of(pb::ExportRegisterResponse {
            time: None,
            revision: "ab".repeat(32),
            entries: vec![entry],
        })
    }

    #[test]
    fn every_form_holds_every_agreement() {
        insta::assert_snapshot!("csv", register().to_text(Form::Csv).unwrap());
        let page = register().to_text(Form::Html).unwrap();
        assert!(page.starts_with("<!doctype html>\n<html lang=\"ar\" dir=\"rtl\">"));
        assert!(page.contains("Tax &#38; &#60;files&#62;"), "{page}");
        assert!(
            page.contains("سارٍ") && page.contains("إقرار ضريبي"),
            "{page}"
        );
        let json: serde_json::Value =
            serde_json::from_str(&register().to_text(Form::Json).unwrap()).unwrap();
        assert_eq!(json["entries"][0]["title"]["ar"], "ملفات الضرائب");
        assert_eq!(
            json["entries"][0]["retention_days"],
            serde_json::Value::Null
        );
    }
}
