//! Request `policy.snapshot`: which versions there are, or the sources of one or of a draft, in pages that fit the broker's messages.

use super::store;
use crate::App;
use duban_contracts::Problem;
use duban_contracts::policy::{PolicySnapshot, PolicySnapshotRequest, PolicySource};
use duban_platform::rpc::{Failed, Request};

/// Bytes of text on a page. As JSON they are at most twice as many (TOML has no control characters but line ends and tabs), and a message
/// may have a megabyte.
const ON_A_PAGE: usize = 400 << 10;

/// # Errors
/// 404 for a page beyond the last; 503 without the database.
pub async fn snapshot(app: App, request: Request<PolicySnapshotRequest>) -> Result<PolicySnapshot, Failed> {
    let pool = app.platform.db.pool();
    let versions = store::versions(pool).await?;
    let sources = match (request.body.version, request.body.draft) {
        (Some(version), None) if store::is_for_services(pool, version).await? => store::sources(pool, version).await?,
        (None, Some(draft)) => store::draft_sources(pool, draft).await?,
        _ => Vec::new(),
    };
    let mut pages = pages(sources);
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let page = request.body.page as usize;
    if page >= pages.len() {
        return Err(Problem::not_found().into());
    }
    Ok(PolicySnapshot { versions, sources: pages.swap_remove(page), pages: count })
}

/// Cuts a set into pages, and a file that is longer than a page into parts that follow each other.
fn pages(sources: Vec<PolicySource>) -> Vec<Vec<PolicySource>> {
    let mut pages = vec![Vec::new()];
    let mut room = ON_A_PAGE;
    for PolicySource { name, text } in sources {
        let mut rest = text.as_str();
        loop {
            let (part, after) = rest.split_at(rest.floor_char_boundary(room));
            // A file's beginning also where there is no text in it: an empty file is a file.
            if !part.is_empty() || rest.is_empty() {
                room -= part.len();
                if let Some(page) = pages.last_mut() {
                    page.push(PolicySource { name: name.clone(), text: part.to_owned() });
                }
            }
            if after.is_empty() {
                break;
            }
            rest = after;
            pages.push(Vec::new());
            room = ON_A_PAGE;
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: String) -> PolicySource {
        PolicySource { name: name.into(), text }
    }

    #[test]
    fn every_page_fits_a_message_and_together_they_are_the_set() {
        // Three bytes a character, so that no cut falls where a page is exactly full; and the worst that JSON makes of text.
        let set = vec![
            source("a", "章".repeat(300_000)),
            source("b", String::new()),
            source("c", "\"\n".repeat(300_000)),
            source("d", "x".into()),
        ];
        let pages = pages(set.clone());
        assert!(pages.len() > 3);
        let mut whole: Vec<PolicySource> = Vec::new();
        for page in pages {
            assert!(serde_json::to_vec(&page).unwrap().len() < 900 << 10);
            for part in page {
                match whole.last_mut() {
                    Some(last) if last.name == part.name => last.text.push_str(&part.text),
                    _ => whole.push(part),
                }
            }
        }
        assert!(whole == set);
    }

    #[test]
    fn nothing_asked_for_is_one_empty_page() {
        assert_eq!(pages(Vec::new()), [Vec::new()]);
    }
}
