//! A question and its answer, saved by whoever was answered, so that it can be proven later what was told.
//!
//! Invariant: the file holds personal data, so it is its owner's alone, and is never written over.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use rabt_proto::citizen as pb;
use serde::{Deserialize, Serialize};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};
use tonic_types::StatusExt;

use crate::error::CommandError;

const FORMAT: &str = "rabt-exchange/1";

/// A question and its answer, with what opens the digests of its audit entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    format: String,
    /// The method of `rabt.citizen.v1.CitizenService`.
    pub(crate) method: String,
    /// Number of the entry in its log; none when it did not say.
    pub(crate) leaf: Option<u64>,
    /// The salt of the digests, hexadecimal.
    pub(crate) salt: String,
    /// The request, base 64 of its encoding.
    request: String,
    /// The response; none when the question was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response: Option<String>,
    /// The refusal, an `ItemStatus`; none when the question was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
}

impl Exchange {
    /// Puts a question and what came of it together.
    pub(crate) fn of<T: Message>(
        method: &str,
        request: &impl Message,
        answered: &Result<Response<T>, Status>,
    ) -> Self {
        let encoded = |bytes: Vec<u8>| STANDARD.encode(bytes);
        let headers = match answered {
            Ok(response) => response.metadata(),
            Err(status) => status.metadata(),
        };
        let header = |name| text(headers, name).unwrap_or_default();
        let refusal = answered.as_ref().err().map(|status| {
            let info = status.get_error_details().error_info().cloned();
            pb::ItemStatus {
                code: status.code().into(),
                reason: info.map(|info| info.reason).unwrap_or_default(),
                message: status.message().to_owned(),
            }
        });
        let response = answered.as_ref().ok();
        Self {
            format: FORMAT.to_owned(),
            method: method.to_owned(),
            leaf: header("rabt-audit-leaf").parse().ok(),
            salt: header("rabt-audit-salt"),
            request: encoded(request.encode_to_vec()),
            response: response.map(|response| encoded(response.get_ref().encode_to_vec())),
            refusal: refusal.map(|refusal| encoded(refusal.encode_to_vec())),
        }
    }

    /// Writes a new file that its owner alone reads.
    pub(crate) fn save(&self, path: &Path) -> Result<(), CommandError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let written = options
            .open(path)
            .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()));
        written.map_err(|error| {
            let help = "name a file that is not there yet, in a folder that is";
            CommandError::usage(format!("{}: {error}", path.display()), help)
        })
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, CommandError> {
        let help = "name a file that `rabt citizen lookup --save` wrote";
        let failed = |error: &dyn std::fmt::Display| {
            CommandError::usage(format!("{}: {error}", path.display()), help)
        };
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let read: Self = serde_json::from_str(&text)
            // the reader's own message may repeat what stands there
            .map_err(|error| failed(&format_args!("is no exchange, line {}", error.line())))?;
        if read.format != FORMAT {
            return Err(failed(&format_args!("is not of the format {FORMAT}")));
        }
        if read.response.is_some() == read.refusal.is_some() {
            return Err(failed(&"must hold a response or a refusal, and not both"));
        }
        Ok(read)
    }

    /// Returns whether the digest of the answer can be made: that of a batch is of one item of it.
    pub(crate) fn has_digest(&self) -> bool {
        self.method != "BatchLookupCitizens" || self.refusal.is_some()
    }

    /// Returns the request in its canonical form; `None` when it is none of the method.
    pub(crate) fn canonical_request(&self) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(&self.request).ok()?;
        macro_rules! of {
            ($($method:literal: $request:ident),*) => {
                match self.method.as_str() {
                    $($method => again::<pb::$request>(&bytes),)*
                    _ => None,
                }
            };
        }
        of!(
            "LookupCitizen": LookupCitizenRequest,
            "GetCitizen": GetCitizenRequest,
            "BatchLookupCitizens": BatchLookupCitizensRequest,
            "SearchCitizens": SearchCitizensRequest,
            "VerifyAttributes": VerifyAttributesRequest,
            "ListSourceReferences": ListSourceReferencesRequest,
            "ExplainField": ExplainFieldRequest,
            "ListCitizenRevisions": ListCitizenRevisionsRequest
        )
    }

    /// Returns the answer in its canonical form: without page tokens, which are the node's.
    pub(crate) fn canonical_answer(&self) -> Option<Vec<u8>> {
        if let Some(refusal) = &self.refusal {
            return again::<pb::ItemStatus>(&STANDARD.decode(refusal).ok()?);
        }
        let bytes = STANDARD.decode(self.response.as_ref()?).ok()?;
        let bytes = bytes.as_slice();
        match self.method.as_str() {
            "LookupCitizen" => again::<pb::LookupCitizenResponse>(bytes),
            "GetCitizen" => again::<pb::GetCitizenResponse>(bytes),
            "VerifyAttributes" => again::<pb::VerifyAttributesResponse>(bytes),
            "ExplainField" => again::<pb::ExplainFieldResponse>(bytes),
            "ListCitizenRevisions" => again::<pb::ListCitizenRevisionsResponse>(bytes),
            "SearchCitizens" => {
                let mut message = pb::SearchCitizensResponse::decode(bytes).ok()?;
                message.next_page_token.clear();
                Some(message.encode_to_vec())
            }
            "ListSourceReferences" => {
                let mut message = pb::ListSourceReferencesResponse::decode(bytes).ok()?;
                message.next_page_token.clear();
                Some(message.encode_to_vec())
            }
            _ => None,
        }
    }
}

fn again<T: Message + Default>(bytes: &[u8]) -> Option<Vec<u8>> {
    T::decode(bytes).ok().map(|message| message.encode_to_vec())
}

fn text(headers: &MetadataMap, name: &'static str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Exchange;

    #[test]
    fn a_file_has_one_answer() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told.json");
        let read = |answer: &str| {
            let text = format!(
                r#"{{"format":"rabt-exchange/1","method":"LookupCitizen","leaf":1,"salt":"","request":""{answer}}}"#
            );
            std::fs::write(&file, text).unwrap();
            Exchange::read(&file).is_ok()
        };
        assert!(read(r#","response":"""#));
        assert!(read(r#","refusal":"""#));
        assert!(!read(""));
        assert!(!read(r#","response":"","refusal":"""#));
    }
}
