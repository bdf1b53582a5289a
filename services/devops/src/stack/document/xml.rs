use roxmltree::{Document, Node as Element, ParsingOptions};

use super::{DEPTH, Data, Node};

/// Elements of a document at most.
const NODES: u32 = 200_000;

/// An element is a map of its attributes (`@name`), its text (`#text`) and its elements; one without either is its text.
/// Elements of one name are a list. Document type definitions are refused, and with them entities.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let named = (root.tag_name().name().to_owned(), element(&document, root, 0)?);
    Ok(Node { line: 1, data: Data::Map(vec![named]) })
}

fn element(document: &Document<'_>, of: Element<'_, '_>, depth: usize) -> Result<Node, String> {
    if depth > DEPTH {
        return Err(format!("it nests deeper than {DEPTH}"));
    }
    let line = document.text_pos_at(of.range().start).row;
    let scalar = |text: &str| Node { line, data: Data::Scalar(text.trim().to_owned()) };
    let mut entries: Vec<(String, Node)> = Vec::new();
    for attribute in of.attributes() {
        entries.push((format!("@{}", attribute.name()), scalar(attribute.value())));
    }
    for child in of.children().filter(Element::is_element) {
        let name = child.tag_name().name();
        let node = element(document, child, depth + 1)?;
        match entries.iter_mut().find(|(known, _)| known == name) {
            None => entries.push((name.to_owned(), node)),
            Some((_, Node { data: Data::List(items), .. })) => items.push(node),
            Some((_, known)) => {
                let first = std::mem::replace(known, Node { line: known.line, data: Data::Nothing });
                known.data = Data::List(vec![first, node]);
            }
        }
    }
    let text = of.text().unwrap_or_default();
    if entries.is_empty() {
        return Ok(scalar(text));
    }
    if !text.trim().is_empty() {
        entries.push(("#text".to_owned(), scalar(text)));
    }
    Ok(Node { line, data: Data::Map(entries) })
}
