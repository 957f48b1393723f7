//! Whether two templates could make the same name. Pure: both are walked at the same time, a byte at a step.

use std::collections::BTreeSet;

use super::template::{Part, Template};

impl Template {
    /// Whether some name could be made by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.states(), other.states());
        let mut open = vec![(0, 0)];
        let mut seen = BTreeSet::new();
        while let Some((a, b)) = open.pop() {
            if !seen.insert((a, b)) {
                continue;
            }
            if a == ours.len() && b == theirs.len() {
                return true;
            }
            let skip = |states: &[Step], at: usize| matches!(states.get(at), Some(Step::Many(_)));
            if skip(&ours, a) {
                open.push((a + 1, b));
            }
            if skip(&theirs, b) {
                open.push((a, b + 1));
            }
            let (Some(one), Some(two)) = (ours.get(a), theirs.get(b)) else { continue };
            if one.class().meets(two.class()) {
                // After one shared byte each side may stay where it repeats, or go on.
                for next_a in one.after(a) {
                    open.extend(two.after(b).map(|next_b| (next_a, next_b)));
                }
            }
        }
        false
    }

    /// The template as a machine that reads one byte per step.
    fn states(&self) -> Vec<Step> {
        let mut states = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => states.extend(text.bytes().map(|byte| Step::One(Class::Byte(byte)))),
                Part::Place { stops, .. } => {
                    let class = stops.map_or(Class::Any, Class::Not);
                    states.extend([Step::One(class), Step::Many(class)]);
                }
                Part::Rest => states.push(Step::Many(Class::Any)),
            }
        }
        states
    }
}

#[derive(Clone, Copy)]
enum Class {
    Byte(u8),
    Not([u8; 2]),
    Any,
}

impl Class {
    const fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(a), Self::Byte(b)) => a == b,
            (Self::Byte(a), Self::Not([b, c])) | (Self::Not([b, c]), Self::Byte(a)) => a != b && a != c,
            _ => true,
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    One(Class),
    Many(Class),
}

impl Step {
    const fn class(self) -> Class {
        match self {
            Self::One(class) | Self::Many(class) => class,
        }
    }

    fn after(self, at: usize) -> impl Iterator<Item = usize> + Clone {
        let stays = matches!(self, Self::Many(_)).then_some(at);
        stays.into_iter().chain(std::iter::once(at + 1))
    }
}
