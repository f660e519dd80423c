//! What the contract has no place for.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Returns the messages of the contract by their full names, `.rabt.type.v1.Citizen`.
fn messages(contract: &FileDescriptorSet) -> BTreeMap<String, &DescriptorProto> {
    let mut messages = BTreeMap::new();
    for file in &contract.file {
        for message in &file.message_type {
            let name = format!(".{}.{}", file.package(), message.name());
            for nested in &message.nested_type {
                messages.insert(format!("{name}.{}", nested.name()), nested);
            }
            messages.insert(name, message);
        }
    }
    messages
}

/// Returns every message that one of this name can carry, itself included.
fn carried(name: &str, messages: &BTreeMap<String, &DescriptorProto>) -> BTreeSet<String> {
    let (mut carried, mut open) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(name) = open.pop() {
        if carried.contains(&name) {
            continue;
        }
        let fields = messages.get(&name).into_iter().flat_map(|m| &m.field);
        open.extend(fields.filter_map(|field| field.type_name.clone()));
        carried.insert(name);
    }
    carried
}

/// Cases 14 and 15 of the behaviours that people expect of a registry of persons: a client that
/// writes to a golden record is led to its own record. Here it cannot write to one at all; what an
/// agency has to say it says in its own database.
#[test]
fn cases_14_and_15_no_request_carries_a_golden_record() {
    let contract = FileDescriptorSet::decode(rabt_proto::FILE_DESCRIPTOR_SET).unwrap();
    let messages = messages(&contract);
    let golden = |name: &str| {
        let own = name.strip_prefix(".rabt.type.v1.");
        own.is_some_and(|own| own == "Citizen" || own.starts_with("Attributed"))
    };
    let (mut requests, mut answers) = (0, 0);
    for service in contract.file.iter().flat_map(|file| &file.service) {
        for method in &service.method {
            let asked = carried(method.input_type(), &messages);
            let found = asked.iter().find(|name| golden(name));
            assert_eq!(found, None, "{} takes one", method.name());
            requests += 1;
            let told = carried(method.output_type(), &messages);
            answers += usize::from(told.iter().any(|name| golden(name)));
        }
    }
    assert!(requests > 20, "{requests} methods");
    assert!(answers > 2, "golden records are told by {answers} methods");
}
