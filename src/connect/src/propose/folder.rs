//! Writing a proposal as an agency's folder.

mod manifest;
mod mapping;

use rabt_model::{AgencyId, AgreementId, Label};

use crate::propose::Proposal;

/// What people say of an agency whose database was discovered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgency {
    /// Which agency.
    pub id: AgencyId,
    /// What people call it.
    pub name: Label,
    /// Who answers for the data.
    pub steward: String,
    /// Under which supply agreement the data is read.
    pub agreement: AgreementId,
    /// The kind of its database: `sqlite`.
    pub kind: String,
    /// `[source.config]`, secrets as references.
    pub config: toml::Table,
}

/// The two files of an agency's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderText {
    /// `manifest.toml`.
    pub manifest: String,
    /// `mapping.toml`.
    pub mapping: String,
}

impl Proposal {
    /// Returns the folder of an agency, with a comment of score and reason above each line; nothing
    /// when no table holds people. It loads as it is, and is there to be read and corrected.
    pub fn to_folder(&self, agency: &NewAgency) -> Option<FolderText> {
        let tables: Vec<_> = self.of_persons().collect();
        if tables.is_empty() {
            return None;
        }
        let ids = manifest::stream_ids(&tables);
        let streams: Vec<_> = ids.iter().map(String::as_str).zip(tables).collect();
        Some(FolderText {
            manifest: manifest::write(agency, &streams),
            mapping: mapping::write(&streams),
        })
    }
}

impl FolderText {
    /// Returns the files as name and text, as `AgencyFolder::load` takes them.
    pub fn files(&self) -> [(&str, &str); 2] {
        [
            ("manifest.toml", &self.manifest),
            ("mapping.toml", &self.mapping),
        ]
    }
}

/// Adds a comment in both languages. A name from the database may hold anything, line ends too.
fn comment(text: &mut String, label: &Label) {
    for line in [&label.en, &label.ar] {
        let clean: String = line
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        text.push_str("# ");
        text.push_str(&clean);
        text.push('\n');
    }
}
