//! One person's number in every text of every request there is, and in none of what is written or answered.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};
use rabt_tests::{AGENCY_SYSTEM, APPROVER, CLERK, Log, OPERATOR, SECURITY_OFFICER, Stack};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A number that could be somebody's.
const CANARY: &str = "29801010112348";
/// What a name of a resource begins with, where somebody writes the number instead of an id.
const NAMES: [&str; 9] = [
    "",
    "citizens/",
    "sources/",
    "reviewTasks/",
    "decisions/",
    "agreements/",
    "erasures/",
    "emergencies/",
    "archives/",
];
/// How deep messages are filled.
const DEPTH: usize = 4;
const AUDITOR: &str = "urn:rabt:rabt:person:auditor-1:auditor";

/// Messages as the bytes that they are.
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(to, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = bytes::Buf::remaining(from);
        Ok(Some(bytes::Buf::copy_to_bytes(from, length).to_vec()))
    }
}

/// The messages of the contract, by their full names.
struct Contract {
    messages: BTreeMap<String, DescriptorProto>,
    /// Path and request of every method.
    methods: Vec<(String, String)>,
}

impl Contract {
    fn read() -> Self {
        let set = FileDescriptorSet::decode(rabt_proto::FILE_DESCRIPTOR_SET).unwrap();
        let (mut messages, mut methods) = (BTreeMap::new(), Vec::new());
        for file in set.file {
            let package = file.package().to_owned();
            for message in file.message_type {
                messages.insert(format!(".{package}.{}", message.name()), message);
            }
            for service in file.service {
                for method in &service.method {
                    let path = format!("/{package}.{}/{}", service.name(), method.name());
                    methods.push((path, method.input_type().to_owned()));
                }
            }
        }
        Self { messages, methods }
    }

    /// Returns a message whose every text is this one.
    fn fill(&self, name: &str, text: &str, depth: usize) -> Vec<u8> {
        let Some(message) = self.messages.get(name) else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        for field in &message.field {
            let tag = |wire: u64| (u64::from(field.number().unsigned_abs()) << 3) | wire;
            match field.r#type() {
                Type::String | Type::Bytes => put(&mut bytes, tag(2), text.as_bytes()),
                Type::Message if depth > 0 => {
                    let inner = self.fill(field.type_name(), text, depth - 1);
                    put(&mut bytes, tag(2), &inner);
                }
                // a list of numbers is left empty: it would be packed
                Type::Int32
                | Type::Int64
                | Type::Uint32
                | Type::Uint64
                | Type::Bool
                | Type::Enum
                    if field.label() != Label::Repeated =>
                {
                    prost::encoding::encode_varint(tag(0), &mut bytes);
                    prost::encoding::encode_varint(1, &mut bytes);
                }
                Type::Message
                | Type::Int32
                | Type::Int64
                | Type::Uint32
                | Type::Uint64
                | Type::Bool
                | Type::Enum => {}
                Type::Double
                | Type::Float
                | Type::Fixed64
                | Type::Fixed32
                | Type::Group
                | Type::Sfixed32
                | Type::Sfixed64
                | Type::Sint32
                | Type::Sint64 => panic!("{name} has a field of a kind that is not filled"),
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, tag: u64, content: &[u8]) {
    prost::encoding::encode_varint(tag, bytes);
    prost::encoding::encode_varint(content.len() as u64, bytes);
    bytes.extend_from_slice(content);
}

/// Calls a method; returns all that comes back, as text.
async fn call(channel: Channel, path: &str, message: Vec<u8>) -> String {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = path.parse().unwrap();
    let answered = client
        .server_streaming(Request::new(message), path, Raw)
        .await;
    let status = match answered {
        Err(status) => status,
        Ok(response) => match response.into_inner().message().await {
            Ok(_) => return String::new(),
            Err(status) => status,
        },
    };
    let details = String::from_utf8_lossy(status.details()).into_owned();
    format!("{} {details} {:?}", status.message(), status.metadata())
}

#[tokio::test]
async fn a_number_in_every_text_of_every_request_comes_back_in_no_error_and_no_line() {
    let log = Log::start(tracing::Level::TRACE);
    let stack = Stack::start("sqlite::memory:").await;
    let contract = Contract::read();
    assert!(contract.methods.len() >= 60, "{}", contract.methods.len());
    let mut told = Vec::new();
    for urn in [
        AGENCY_SYSTEM,
        OPERATOR,
        APPROVER,
        CLERK,
        AUDITOR,
        SECURITY_OFFICER,
    ] {
        let channel = stack.connect(Some(urn)).await.unwrap();
        for (path, request) in &contract.methods {
            for name in NAMES {
                let text = format!("{name}{CANARY}");
                let message = contract.fill(request, &text, DEPTH);
                let said = call(channel.clone(), path, message).await;
                if said.contains(CANARY) {
                    told.push(format!("{path} as {urn}: {}", said.replace(CANARY, "…")));
                }
            }
        }
    }
    stack.stop().await;
    assert!(told.is_empty(), "{}", told.join("\n"));
    let text = log.text();
    assert!(text.contains("TRACE"), "{} bytes", text.len());
    let hits = text.lines().filter(|line| line.contains(CANARY));
    let hits: Vec<String> = hits.map(|line| line.replace(CANARY, "…")).collect();
    assert!(hits.is_empty(), "{}", hits.join("\n"));
}
