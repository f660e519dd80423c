//! Bridges: links without which a cluster falls apart.

/// A link without which a graph falls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bridge {
    /// Its place among the edges.
    pub(super) edge: usize,
    /// Nodes on the smaller side.
    pub(super) smaller: usize,
}

/// Returns the bridges of a graph of `nodes` nodes, in the order of its edges.
///
/// A walk in depth numbers the nodes; an edge to a node from which no way leads back above it is a
/// bridge. The stack is a list, so a chain of any length is walked.
pub(super) fn bridges(nodes: usize, edges: &[[usize; 2]]) -> Vec<Bridge> {
    let mut around: Vec<Vec<(usize, usize)>> = vec![Vec::new(); nodes];
    for (at, [left, right]) in edges.iter().enumerate() {
        around[*left].push((*right, at));
        around[*right].push((*left, at));
    }
    let mut walk = Walk {
        around,
        number: vec![usize::MAX; nodes],
        lowest: vec![usize::MAX; nodes],
        below: vec![1; nodes],
        met: 0,
        found: Vec::new(),
    };
    for start in 0..nodes {
        if walk.number[start] == usize::MAX {
            walk.from(start);
        }
    }
    walk.found.sort_unstable_by_key(|bridge| bridge.edge);
    walk.found
}

struct Walk {
    around: Vec<Vec<(usize, usize)>>,
    /// When each node was met.
    number: Vec<usize>,
    /// The earliest node that can be reached from it or from below it.
    lowest: Vec<usize>,
    /// How many nodes lie below it, itself included.
    below: Vec<usize>,
    met: usize,
    found: Vec<Bridge>,
}

impl Walk {
    fn from(&mut self, start: usize) {
        let before = self.met;
        let first_found = self.found.len();
        self.meet(start);
        // Node, the edge by which it was reached, and which of its edges is next.
        let mut stack: Vec<(usize, Option<usize>, usize)> = vec![(start, None, 0)];
        while let Some((node, by, next)) = stack.last_mut() {
            let (node, by) = (*node, *by);
            if let Some((other, edge)) = self.around[node].get(*next).copied() {
                *next += 1;
                if Some(edge) == by {
                    continue;
                }
                if self.number[other] == usize::MAX {
                    self.meet(other);
                    stack.push((other, Some(edge), 0));
                } else {
                    self.lowest[node] = self.lowest[node].min(self.number[other]);
                }
                continue;
            }
            stack.pop();
            if let (Some((above, ..)), Some(edge)) = (stack.last().copied(), by) {
                self.leave(node, above, edge);
            }
        }
        let all = self.met - before;
        for bridge in &mut self.found[first_found..] {
            bridge.smaller = bridge.smaller.min(all - bridge.smaller);
        }
    }

    fn meet(&mut self, node: usize) {
        self.number[node] = self.met;
        self.lowest[node] = self.met;
        self.met += 1;
    }

    fn leave(&mut self, node: usize, above: usize, edge: usize) {
        self.lowest[above] = self.lowest[above].min(self.lowest[node]);
        self.below[above] += self.below[node];
        if self.lowest[node] > self.number[above] {
            let smaller = self.below[node];
            self.found.push(Bridge { edge, smaller });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bridge, bridges};

    #[test]
    fn two_triangles_hang_on_one_link() {
        let edges = [[0, 1], [1, 2], [0, 2], [2, 3], [3, 4], [4, 5], [3, 5]];
        assert_eq!(
            bridges(6, &edges),
            [Bridge {
                edge: 3,
                smaller: 3
            }]
        );
    }

    #[test]
    fn every_link_of_a_chain_is_a_bridge_and_none_of_a_ring() {
        let chain: Vec<[usize; 2]> = (0..99_999).map(|at| [at, at + 1]).collect();
        let found = bridges(100_000, &chain);
        assert_eq!(found.len(), 99_999);
        assert_eq!((found[0].smaller, found[49_999].smaller), (1, 50_000));
        let ring: Vec<[usize; 2]> = (0..9).map(|at| [at, (at + 1) % 9]).collect();
        assert!(bridges(9, &ring).is_empty());
        assert!(bridges(0, &[]).is_empty());
    }

    /// The definition itself, as the oracle: without the edge its ends are no longer joined.
    #[test]
    fn bridges_are_what_taking_each_edge_away_says() {
        let mut dice = 1_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(dice >> 33).unwrap() % sides
        };
        for _ in 0..200 {
            let nodes = 2 + roll(9);
            let mut edges: Vec<[usize; 2]> = (0..roll(14))
                .map(|_| [roll(nodes), roll(nodes)])
                .filter(|[left, right]| left < right)
                .collect();
            edges.sort_unstable();
            edges.dedup();
            let expected: Vec<usize> = (0..edges.len())
                .filter(|gone| !are_joined(nodes, &edges, *gone))
                .collect();
            let found: Vec<usize> = bridges(nodes, &edges).iter().map(|b| b.edge).collect();
            assert_eq!(found, expected, "{edges:?}");
        }
    }

    fn are_joined(nodes: usize, edges: &[[usize; 2]], gone: usize) -> bool {
        let mut group: Vec<usize> = (0..nodes).collect();
        for (at, [left, right]) in edges.iter().enumerate() {
            if at != gone {
                let (from, to) = (group[*left], group[*right]);
                group
                    .iter_mut()
                    .filter(|g| **g == from)
                    .for_each(|g| *g = to);
            }
        }
        group[edges[gone][0]] == group[edges[gone][1]]
    }
}
