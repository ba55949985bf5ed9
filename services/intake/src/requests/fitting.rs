//! How much one answer may hold: the broker carries no message that is longer, and who asked would wait in vain.

use serde::Serialize;

/// Below the broker's 1 MB, with room for headers and for what is not counted.
pub const MOST_BYTES: usize = 900 * 1024;

/// How long it is in an answer.
pub fn bytes_of<T: Serialize>(part: &T) -> usize {
    serde_json::to_vec(part).map_or(0, |json| json.len() + 1)
}
