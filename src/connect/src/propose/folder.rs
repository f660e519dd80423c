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

impl Proposal {
    /// Returns the folder with the proposed tables behind what a manifest says already: agency,
    /// source and limits stay as they are written, tables that it named are left out. Nothing when
    /// no table holds people.
    pub fn to_folder_of(&self, manifest: &str, kind: &str) -> Option<FolderText> {
        let tables: Vec<_> = self.of_persons().collect();
        if tables.is_empty() {
            return None;
        }
        let ids = manifest::stream_ids(&tables);
        let streams: Vec<_> = ids.iter().map(String::as_str).zip(tables).collect();
        let mut text = without_streams(manifest);
        if !text.lines().any(|line| line.trim() == "[schedule]") {
            manifest::write_schedule(&mut text, &streams);
        }
        manifest::write_streams(&mut text, kind, &streams);
        Some(FolderText {
            manifest: text,
            mapping: mapping::write(&streams),
        })
    }
}

/// Returns a manifest without its `[[stream]]` sections and the comments above them.
fn without_streams(manifest: &str) -> String {
    let mut kept = String::new();
    let mut comments = String::new();
    let mut within = false;
    for line in manifest.lines() {
        let bare = line.trim();
        if bare.starts_with('#') || bare.is_empty() {
            comments.push_str(line);
            comments.push('\n');
            continue;
        }
        if bare.starts_with('[') {
            within = bare.starts_with("[[stream]]")
                || bare.starts_with("[stream.")
                || bare.starts_with("[[stream.");
        }
        if !within {
            kept.push_str(&comments);
            kept.push_str(line);
            kept.push('\n');
        }
        comments.clear();
    }
    if !within {
        kept.push_str(&comments);
    }
    kept
}

impl FolderText {
    /// Returns the folder of an agency of whose database only the place is known: a manifest without a
    /// table, and no mapping.
    pub fn draft(agency: &NewAgency) -> Self {
        Self {
            manifest: manifest::write(agency, &[]),
            mapping: String::new(),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::without_streams;

    #[test]
    fn tables_are_taken_out_with_their_comments() {
        let manifest = "# who\n[agency]\nid = 'a'\n\n# the table\n[[stream]]\nid = 'p'\n\n\
                        # of it\n[stream.guard]\nmax_reject = '1 %'\n\n# kind\n[protect]\nx = 1\n# end\n";
        let expected = "# who\n[agency]\nid = 'a'\n\n# kind\n[protect]\nx = 1\n# end\n";
        assert_eq!(without_streams(manifest), expected);
    }
}
