//! Reading `mapping.toml`.

use rabt_model::{AgencyId, Attribute, Kin};

use crate::document::{Fields, Node};
use crate::mapping::{AddressPart, Field, Input, Mapping, OnReject, Only, Shape, attribute};
use crate::step::{self, Step};

/// The mapping of one stream as it stands in the file. Without a mapping, its problems are noted.
pub(crate) struct StreamMapping<'a> {
    pub(crate) stream: &'a str,
    pub(crate) node: Node<'a>,
    pub(crate) mapping: Option<Mapping>,
}

/// Reads every stream's mapping. `agency` is the one whose facts the mapping may fill, when the
/// manifest could say so.
pub(crate) fn load<'a>(root: &Fields<'a>, agency: Option<&AgencyId>) -> Vec<StreamMapping<'a>> {
    let load_one = |(stream, node): (&'a str, Node<'a>)| StreamMapping {
        stream,
        mapping: load_stream(&node, agency),
        node,
    };
    root.entries().map(load_one).collect()
}

fn load_stream(node: &Node<'_>, agency: Option<&AgencyId>) -> Option<Mapping> {
    let table = node.fields()?;
    let mut fields = Vec::new();
    let mut only = None;
    let mut event_at = None;
    let mut replaced_by = Vec::new();
    let mut faultless = true;
    for (key, value) in table.entries() {
        match key {
            "only" => {
                only = load_only(&value);
                faultless &= only.is_some();
            }
            "event_at" => {
                event_at = load_event_at(&value);
                faultless &= event_at.is_some();
            }
            "replaced_by" => match load_columns(&value) {
                Some(columns) => replaced_by = columns,
                None => faultless = false,
            },
            id => match load_attribute(id, &value, agency) {
                Some(loaded) => fields.extend(loaded),
                None => faultless = false,
            },
        }
    }
    if faultless && fields.is_empty() {
        node.wrong("maps no attribute");
        return None;
    }
    faultless.then(|| assemble(fields, only, event_at, replaced_by))
}

fn assemble(
    fields: Vec<Field>,
    only: Option<Only>,
    event_at: Option<Input>,
    replaced_by: Vec<String>,
) -> Mapping {
    let inputs = fields.iter().flat_map(|field| &field.inputs);
    let mut columns: Vec<String> = inputs
        .chain(&event_at)
        .flat_map(|input| input.columns.iter().cloned())
        .chain(only.iter().map(|only| only.column.clone()))
        .chain(replaced_by.iter().cloned())
        .collect();
    columns.sort();
    columns.dedup();
    Mapping {
        columns,
        fields,
        only,
        event_at,
        replaced_by,
    }
}

fn load_only(node: &Node<'_>) -> Option<Only> {
    let fields = node.fields()?;
    fields.only(&["column", "in"]);
    let column = fields.required("column").and_then(|column| column.text());
    let values = fields.required("in").and_then(|values| values.texts());
    Some(Only {
        column: column?.to_owned(),
        values: values?,
    })
}

fn load_event_at(node: &Node<'_>) -> Option<Input> {
    let fields = node.fields()?;
    fields.only(&["from", "steps"]);
    let input = load_input(&fields, "from")?;
    Some(Input {
        on_reject: OnReject::Field,
        ..input
    })
}

fn load_attribute(id: &str, node: &Node<'_>, agency: Option<&AgencyId>) -> Option<Vec<Field>> {
    let attribute = parse_attribute(id, node, agency)?;
    let Some(items) = node.items() else {
        return load_field(&attribute, node).map(|field| vec![field]);
    };
    if !attribute.is_many() {
        node.wrong("has one value, not a list");
        return None;
    }
    let loaded: Vec<Field> = items
        .iter()
        .filter_map(|item| load_field(&attribute, item))
        .collect();
    (loaded.len() == items.len()).then_some(loaded)
}

fn parse_attribute(id: &str, node: &Node<'_>, agency: Option<&AgencyId>) -> Option<Attribute> {
    let Ok(attribute) = id.parse::<Attribute>() else {
        let mut known: Vec<String> = Attribute::plain().map(|a| a.to_string()).collect();
        known.push(Attribute::national_id().to_string());
        let begins = format!("{id}.");
        let message = if known.iter().any(|name| name.starts_with(&begins)) || id == "facts" {
            "is not an attribute; write the whole dotted id in quotes, as in \"name.chain\""
        } else {
            "is not an attribute"
        };
        node.wrong_word(message, id, known.iter().map(String::as_str));
        return None;
    };
    if let (Attribute::Fact(owner, _), Some(agency)) = (&attribute, agency)
        && owner != agency
    {
        let message = format!("is a fact of '{owner}', and this agency is '{agency}'");
        node.wrong(message);
        return None;
    }
    Some(attribute)
}

fn load_field(attribute: &Attribute, node: &Node<'_>) -> Option<Field> {
    let fields = node.fields()?;
    let (shape, inputs) = match attribute {
        Attribute::NameChain | Attribute::NameLatin | Attribute::MotherName => load_name(&fields)?,
        Attribute::Address if fields.get("from").is_none() => load_address(&fields)?,
        Attribute::Address => {
            fields.only(&["from", "steps", "on_reject"]);
            let input = load_text(&fields)?;
            (Shape::Address(vec![AddressPart::Text]), vec![input])
        }
        Attribute::Relation => load_relation(&fields)?,
        Attribute::BirthDate | Attribute::DeathDate => {
            fields.only(&["from", "steps", "on_reject"]);
            (Shape::Date, vec![load_date(&fields)?])
        }
        Attribute::Fact(..) => {
            fields.only(&["from", "steps", "on_reject"]);
            let input = load_input(&fields, "from")?;
            let shape = if input.makes_date() {
                Shape::Date
            } else {
                Shape::Text
            };
            (shape, vec![input])
        }
        Attribute::Identifier(_)
        | Attribute::BirthPlace
        | Attribute::Sex
        | Attribute::Nationality
        | Attribute::MaritalStatus
        | Attribute::Phone
        | Attribute::Email
        | Attribute::PhotoReference => {
            fields.only(&["from", "steps", "on_reject"]);
            let input = load_text(&fields)?;
            check_codes(attribute, &input, &fields)?;
            (Shape::Text, vec![input])
        }
    };
    let columns: Vec<&str> = inputs
        .iter()
        .flat_map(|input| input.columns.iter().map(String::as_str))
        .collect();
    Some(Field {
        attribute: attribute.clone(),
        id: attribute.to_string(),
        column: columns.join("+"),
        shape,
        inputs,
    })
}

fn load_name(fields: &Fields<'_>) -> Option<(Shape, Vec<Input>)> {
    fields.only(&["from", "as", "steps", "on_reject"]);
    let Some(slots) = fields.get("as") else {
        return Some((Shape::Name, vec![load_text(fields)?]));
    };
    let kin = load_kin(&slots);
    let input = load_unjoined(fields)?;
    let kin = kin?;
    if kin.len() != input.columns.len() {
        let message = format!(
            "names {} slots for {} columns",
            kin.len(),
            input.columns.len()
        );
        slots.wrong(message);
        return None;
    }
    if input.join.is_some() || input.makes_date() {
        slots.wrong("each column is a slot of its own; leave out join and dates");
        return None;
    }
    let single = |column: &String| Input {
        columns: vec![column.clone()],
        ..input.clone()
    };
    let inputs = input.columns.iter().map(single).collect();
    Some((Shape::NameParts(kin), inputs))
}

fn load_kin(node: &Node<'_>) -> Option<Vec<Kin>> {
    let words = node.texts()?;
    let mut kin = Vec::new();
    for word in &words {
        match Kin::ALL.iter().find(|kin| kin.as_str() == word) {
            Some(found) if kin.contains(found) => {
                node.wrong(format!("names '{word}' twice"));
                return None;
            }
            Some(found) => kin.push(*found),
            None => {
                let known = Kin::ALL.iter().map(|kin| kin.as_str());
                node.wrong_word(format!("'{word}' is not a slot of a name"), word, known);
                return None;
            }
        }
    }
    Some(kin)
}

fn load_address(fields: &Fields<'_>) -> Option<(Shape, Vec<Input>)> {
    let known = AddressPart::ALL.map(AddressPart::as_str);
    fields.only(&known);
    let mut parts = Vec::new();
    let mut inputs = Vec::new();
    let mut faultless = true;
    for (key, node) in fields.entries() {
        let Some(part) = AddressPart::ALL.into_iter().find(|p| p.as_str() == key) else {
            faultless = false;
            continue;
        };
        let input = node.fields().and_then(|fields| {
            fields.only(&["from", "steps", "on_reject"]);
            let input = load_text(&fields)?;
            if part == AddressPart::Governorate {
                attribute::check_governorates(&input, fields.node())?;
            }
            Some(input)
        });
        match input {
            Some(input) => {
                parts.push(part);
                inputs.push(input);
            }
            None => faultless = false,
        }
    }
    if parts.is_empty() && faultless {
        fields
            .node()
            .wrong("names no part; write `from`, or governorate, district, street, text");
        return None;
    }
    faultless.then_some((Shape::Address(parts), inputs))
}

fn load_relation(fields: &Fields<'_>) -> Option<(Shape, Vec<Input>)> {
    fields.only(&["kind", "from", "steps", "on_reject"]);
    let kind = fields.required("kind").and_then(|node| {
        let kind = node.text()?;
        if !attribute::RELATIONS.contains(&kind) {
            let message = format!("'{kind}' is not a kind of relation");
            node.wrong_word(message, kind, attribute::RELATIONS);
            return None;
        }
        Some(kind.to_owned())
    });
    let input = load_text(fields);
    Some((Shape::Relation(kind?), vec![input?]))
}

fn load_date(fields: &Fields<'_>) -> Option<Input> {
    let input = load_input(fields, "from")?;
    if !input.makes_date() {
        let message = "is a date; end its steps with parse_date or parse_partial_date";
        fields.node().wrong(message);
        return None;
    }
    if input.on_reject == OnReject::Keep {
        let message = "a text cannot be kept where a date belongs; use on_reject = \"field\"";
        fields.node().wrong(message);
        return None;
    }
    Some(input)
}

fn load_text(fields: &Fields<'_>) -> Option<Input> {
    let input = load_input(fields, "from")?;
    if input.makes_date() {
        fields.node().wrong("is a text; leave out the date step");
        return None;
    }
    Some(input)
}

fn check_codes(attribute: &Attribute, input: &Input, fields: &Fields<'_>) -> Option<()> {
    match attribute::codes(attribute) {
        Some(codes) => attribute::check_lookups(input, codes, fields.node()),
        None => Some(()),
    }
}

/// Reads `from`, `steps` and `on_reject`; several columns must be joined.
fn load_input(fields: &Fields<'_>, from: &str) -> Option<Input> {
    let input = load_unjoined(fields)?;
    if input.columns.len() > 1 && input.join.is_none() {
        let message = "names several columns; add a step { join = \" \" }, or `as` for a name";
        fields.get(from)?.wrong(message);
        return None;
    }
    Some(input)
}

fn load_unjoined(fields: &Fields<'_>) -> Option<Input> {
    let columns = fields.required("from").and_then(|from| load_columns(&from));
    let on_reject = match fields.get("on_reject") {
        None => None,
        Some(node) => load_on_reject(&node),
    }
    // The problem has been noted, so what stands in for it is never used.
    .unwrap_or(OnReject::Field);
    let steps = match fields.get("steps") {
        None => Some((Vec::new(), None, Vec::new())),
        Some(node) => load_steps(&node),
    };
    let (head, join, tail) = steps?;
    Some(Input {
        columns: columns?,
        head,
        join,
        tail,
        on_reject,
    })
}

/// Reads one column or several.
fn load_columns(node: &Node<'_>) -> Option<Vec<String>> {
    let columns = node.one_or_many()?;
    if columns.is_empty() || columns.iter().any(String::is_empty) {
        node.wrong("must name at least one column, and none may be empty");
        return None;
    }
    Some(columns)
}

fn load_on_reject(node: &Node<'_>) -> Option<OnReject> {
    match node.text()? {
        "row" => Some(OnReject::Row),
        "field" => Some(OnReject::Field),
        "keep" => Some(OnReject::Keep),
        other => {
            let message = format!("'{other}' must be row, field or keep");
            node.wrong_word(message, other, ["row", "field", "keep"]);
            None
        }
    }
}

type SplitSteps = (Vec<Step>, Option<String>, Vec<Step>);

/// Reads the steps and parts them at the join.
fn load_steps(node: &Node<'_>) -> Option<SplitSteps> {
    let Some(items) = node.items() else {
        node.wrong("must be a list of steps");
        return None;
    };
    let (mut head, mut join, mut tail) = (Vec::new(), None, Vec::new());
    let mut faultless = true;
    let mut is_date = false;
    for item in &items {
        let Some(step) = step::load(item) else {
            faultless = false;
            continue;
        };
        if is_date {
            item.wrong("comes behind a date; make the date last");
            faultless = false;
        }
        is_date |= step.makes_date();
        match (step, &join) {
            (Step::Join(separator), None) => join = Some(separator),
            (Step::Join(_), Some(_)) => {
                item.wrong("is the second join; the columns are joined already");
                faultless = false;
            }
            (step, None) => head.push(step),
            (step, Some(_)) => tail.push(step),
        }
    }
    faultless.then_some((head, join, tail))
}
