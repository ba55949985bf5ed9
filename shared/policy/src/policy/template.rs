//! Titles, links and keys made of an event's members: `核实客户资料 {number}`.

use serde_json::Value;

/// Text with places `{member}` or `{fields.plate}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Place(String),
}

impl Template {
    /// Reads the text; a brace that is not closed stands for itself.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, tail)) = after.split_once('}') else { break };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Place(place.trim().to_owned()));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self { pieces }
    }

    /// Names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| if let Piece::Place(place) = piece { Some(place.as_str()) } else { None })
    }

    /// The text as it was written, with its places.
    pub fn written(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(words) => words.clone(),
            Piece::Place(place) => format!("{{{}}}", place.strip_prefix("fields.").unwrap_or(place)),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The text with its places, fields told from members.
    pub(super) fn verbatim(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(words) => words.clone(),
            Piece::Place(place) => format!("{{{place}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Whether some facts could fill both alike: what is written before the first place, and after the last, must not differ.
    pub(super) fn may_equal(&self, other: &Self) -> bool {
        let written = |template: &Self, from_end: bool| -> (String, bool) {
            let mut pieces: Vec<&Piece> = template.pieces.iter().collect();
            if from_end {
                pieces.reverse();
            }
            let texts = pieces.iter().map_while(|piece| if let Piece::Text(words) = piece { Some(words.as_str()) } else { None });
            let text: String = texts.collect();
            let is_all = template.places().next().is_none();
            (if from_end { text.chars().rev().collect() } else { text }, is_all)
        };
        [false, true].into_iter().all(|from_end| match (written(self, from_end), written(other, from_end)) {
            ((one, true), (two, true)) => one == two,
            ((whole, true), (part, false)) | ((part, false), (whole, true)) => whole.starts_with(&part),
            ((one, false), (two, false)) => one.starts_with(&two) || two.starts_with(&one),
        })
    }

    /// The text with every place filled; what is absent leaves nothing.
    pub fn fill(&self, facts: &Value) -> String {
        self.filled(facts, "")
    }

    /// The text for who reads of the rule: what only an event could fill stands as 〔…〕.
    pub(super) fn told(&self, facts: &Value) -> String {
        self.filled(facts, "〔…〕")
    }

    fn filled(&self, facts: &Value, absent: &str) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(words) => text.push_str(words),
                Piece::Place(place) => match place.split('.').try_fold(facts, |at, step| at.get(step)) {
                    Some(Value::String(words)) => text.push_str(words),
                    Some(Value::Null) | None => text.push_str(absent),
                    Some(value) => text.push_str(&value.to_string()),
                },
            }
        }
        text.trim().to_owned()
    }
}
