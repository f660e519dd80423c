//! A cluster as records and the scored pairs between them.

use crate::command::link::report::data::{ClusterGraph, GraphEdge, Thresholds};
use crate::command::link::report::svg::{Anchor, Svg, length};
use crate::command::link::report::text::{Picture, Text, signed};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 340.0;
const MARGIN: f64 = 30.0;
const ROUNDS: u32 = 240;
/// More edges than these carry no numbers: they would cover each other.
const NUMBERED: usize = 16;

/// Draws a cluster. People, where known, differ by shape and by colour.
pub(in crate::command::link::report) fn graph(
    graph: &ClusterGraph,
    thresholds: &Thresholds,
) -> Picture {
    let title = Text::new("A cluster: records and weights", "مجموعة: السجلات والأوزان");
    let mut svg = Svg::new(WIDTH, HEIGHT, title);
    let places = layout(graph);
    for edge in &graph.edges {
        draw_edge(&mut svg, &places, edge, thresholds);
    }
    if graph.edges.len() <= NUMBERED {
        for (at, edge) in graph.edges.iter().enumerate() {
            let [(x1, y1), (x2, y2)] = edge.ends.map(|end| places[end]);
            // Not all in the middle, where edges that run side by side would write over each other.
            let part = [0.42, 0.58, 0.5][at % 3];
            let middle = (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part + 3.5);
            svg.number("halo", middle, Anchor::Middle, &signed(edge.weight));
        }
    }
    for (at, (node, place)) in graph.nodes.iter().zip(&places).enumerate() {
        draw_node(&mut svg, *place, node.person);
        let (x, y) = *place;
        svg.number("node", (x, y + 4.0), Anchor::Middle, &(at + 1).to_string());
    }
    svg.finish()
}

fn draw_edge(svg: &mut Svg, places: &[(f64, f64)], edge: &GraphEdge, thresholds: &Thresholds) {
    let [from, to] = edge.ends.map(|end| places[end]);
    let class = if edge.bridge {
        "edge bridge"
    } else if edge.weight >= thresholds.link {
        "edge"
    } else {
        "edge weak"
    };
    let width = (edge.weight / 6.0).clamp(1.0, 5.0);
    svg.stroke(class, from, to, width);
}

fn draw_node(svg: &mut Svg, (x, y): (f64, f64), person: Option<usize>) {
    const RADIUS: f64 = 14.0;
    match person.map(|person| person % 4) {
        None | Some(0) => svg.circle("person0", (x, y), RADIUS),
        Some(1) => {
            let (from, to) = ((x - 12.5, y - 12.5), (x + 12.5, y + 12.5));
            svg.bar("person1", from, to, "");
        }
        Some(2) => {
            let corners = [(x, y - 18.0), (x + 18.0, y), (x, y + 18.0), (x - 18.0, y)];
            svg.path("person2", &corners, true);
        }
        Some(_) => {
            let corners = [(x, y - 19.0), (x + 18.0, y + 12.0), (x - 18.0, y + 12.0)];
            svg.path("person3", &corners, true);
        }
    }
}

/// Places the records by springs: all push each other away, scored pairs draw each other nearer.
/// It begins with a circle and has no chance in it, so the same cluster always looks the same.
fn layout(graph: &ClusterGraph) -> Vec<(f64, f64)> {
    let count = length(&graph.nodes).max(1.0);
    let step = std::f64::consts::TAU / count;
    let mut places: Vec<(f64, f64)> = (0_u32..)
        .zip(&graph.nodes)
        .map(|(at, _)| {
            let (sine, cosine) = (step * f64::from(at)).sin_cos();
            (cosine, sine)
        })
        .collect();
    let ideal = 1.6 / count.sqrt();
    for round in 0..ROUNDS {
        let forces = forces(graph, &places, ideal);
        let most = 0.12 * (1.0 - f64::from(round) / f64::from(ROUNDS));
        for (place, force) in places.iter_mut().zip(forces) {
            let length = force.0.hypot(force.1).max(1e-9);
            let moved = length.min(most) / length;
            place.0 += force.0 * moved;
            place.1 += force.1 * moved;
        }
    }
    fit(&places)
}

fn forces(graph: &ClusterGraph, places: &[(f64, f64)], ideal: f64) -> Vec<(f64, f64)> {
    let mut forces = vec![(0.0, 0.0); places.len()];
    for (at, one) in places.iter().enumerate() {
        for (other_at, other) in places.iter().enumerate() {
            if at != other_at {
                let (x, y) = (one.0 - other.0, one.1 - other.1);
                let square = (x * x + y * y).max(1e-4);
                forces[at].0 += x / square * ideal * ideal;
                forces[at].1 += y / square * ideal * ideal;
            }
        }
    }
    for edge in &graph.edges {
        let [from, to] = edge.ends;
        let (x, y) = (places[to].0 - places[from].0, places[to].1 - places[from].1);
        // A weak pair, and a bridge above all, leaves its records further apart.
        let pull = (edge.weight / 20.0).clamp(0.15, 1.0) * if edge.bridge { 0.6 } else { 1.0 };
        let pull = pull * x.hypot(y) / ideal;
        for (end, sign) in [(from, 1.0), (to, -1.0)] {
            forces[end].0 += sign * x * pull;
            forces[end].1 += sign * y * pull;
        }
    }
    forces
}

/// Stretches places over the picture.
fn fit(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let span = |of: fn(&(f64, f64)) -> f64| {
        let values = places.iter().map(of);
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (low, (high - low).max(1e-6))
    };
    let ((left, wide), (top, tall)) = (span(|place| place.0), span(|place| place.1));
    let (width, height) = (WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN);
    // Not stretched more than threefold in either direction, or a line of records would zigzag.
    let scale = (
        (width / wide).min(height / tall * 3.0),
        (height / tall).min(width / wide * 3.0),
    );
    places
        .iter()
        .map(|(x, y)| {
            (
                WIDTH / 2.0 + (x - left - wide / 2.0) * scale.0,
                HEIGHT / 2.0 + (y - top - tall / 2.0) * scale.1,
            )
        })
        .collect()
}
