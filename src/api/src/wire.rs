//! How a question came over the wire and how its answer leaves, for the digests of its entry, and the headers
//! that let whoever was answered prove it later.

use std::sync::{Mutex, PoisonError};

use prost::Message;
use rabt_model::ErrorClass;
use rabt_policy::Disclosure;
use rabt_proto::citizen::ItemStatus;
use rabt_service::enquiry::{Draft, Wire};
use rabt_service::{Audited, Salt, Services, Side};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Response, Status};
use tonic_types::StatusExt;

use crate::status::{code, public_message, status};

/// Header with the salt of the digests.
const SALT: &str = "rabt-audit-salt";
/// Header with the number of the entry.
const LEAF: &str = "rabt-audit-leaf";

/// One exchange: the salt, the digest of the question, and the way to make the message of an answer.
pub(crate) struct Over<F, M> {
    salt: Salt,
    request: [u8; 32],
    render: F,
    refusal: fn(ItemStatus) -> Vec<u8>,
    /// The message that was digested last.
    drafted: Mutex<Option<Result<M, Status>>>,
}

impl<F, M> Over<F, M>
where
    F: Fn(&Draft<'_>) -> Result<M, Status> + Send + Sync,
    M: Message,
{
    /// Notes a question. `render` makes of an answer what will leave, without page tokens: those are the node's.
    pub(crate) fn new(services: &Services, request: &impl Message, render: F) -> Self {
        Self::salted(services.draw_salt(), request, render)
    }

    /// As [`Over::new`], with the salt of an earlier exchange.
    pub(crate) fn salted(salt: Salt, request: &impl Message, render: F) -> Self {
        Self {
            request: salt.digest(Side::Request, &request.encode_to_vec()),
            salt,
            render,
            refusal: |status| status.encode_to_vec(),
            drafted: Mutex::new(None),
        }
    }

    /// Lets refusals be told in another message than [`ItemStatus`].
    pub(crate) fn refusing(mut self, refusal: fn(ItemStatus) -> Vec<u8>) -> Self {
        self.refusal = refusal;
        self
    }
}

impl<F, M> Over<F, M> {
    /// Lets the message leave whose digest is in the entry of this answer, which was the only one of
    /// the exchange.
    pub(crate) fn leaving(&self, answer: &Audited<Disclosure>) -> Result<Response<M>, Status> {
        let mut drafted = self.drafted.lock().unwrap_or_else(PoisonError::into_inner);
        match drafted.take() {
            Some(Ok(message)) => Ok(self.answered(message, answer.leaf())),
            Some(Err(nothing)) => Err(self.refused(nothing, answer.leaf())),
            None => Err(status(ErrorClass::Defect, "")),
        }
    }

    /// Adds to a response what its receiver needs to prove it.
    pub(crate) fn answered<T>(&self, message: T, leaf: Option<u64>) -> Response<T> {
        let mut response = Response::new(message);
        self.sign(response.metadata_mut(), leaf);
        response
    }

    /// As [`Over::answered`], for a question that has no answer.
    pub(crate) fn refused(&self, mut status: Status, leaf: Option<u64>) -> Status {
        self.sign(status.metadata_mut(), leaf);
        status
    }

    fn sign(&self, headers: &mut MetadataMap, leaf: Option<u64>) {
        if let Ok(mut salt) = MetadataValue::try_from(self.salt.to_string()) {
            // never the same again, so that no table of headers should keep it
            salt.set_sensitive(true);
            headers.insert(SALT, salt);
        }
        if let Some(leaf) = leaf {
            let mut leaf = MetadataValue::from(leaf);
            leaf.set_sensitive(true);
            headers.insert(LEAF, leaf);
        }
    }
}

impl<F, M> Wire for Over<F, M>
where
    F: Fn(&Draft<'_>) -> Result<M, Status> + Send + Sync,
    M: Message,
{
    fn request(&self) -> [u8; 32] {
        self.request
    }

    fn answer(&self, draft: &Draft<'_>) -> [u8; 32] {
        let drafted = (self.render)(draft);
        let told = match &drafted {
            Ok(message) => message.encode_to_vec(),
            Err(status) => (self.refusal)(item_of(status)),
        };
        let mut kept = self.drafted.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(drafted);
        drop(kept);
        self.salt.digest(Side::Response, &told)
    }

    fn refusal(&self, class: ErrorClass, message: &str) -> [u8; 32] {
        let told = (self.refusal)(item(class, message));
        self.salt.digest(Side::Response, &told)
    }
}

/// Returns what a refusal says, as a message.
pub(crate) fn item(class: ErrorClass, message: &str) -> ItemStatus {
    ItemStatus {
        code: code(class).into(),
        reason: class.reason().to_owned(),
        message: public_message(class, message),
    }
}

fn item_of(status: &Status) -> ItemStatus {
    let info = status.get_error_details().error_info().cloned();
    ItemStatus {
        code: status.code().into(),
        reason: info.map(|info| info.reason).unwrap_or_default(),
        message: status.message().to_owned(),
    }
}
