//! A heap of alerts for one person becomes one message: a thousand breaches in a minute are no thousand mails.
//!
//! In a window of time a person gets so many alerts on a channel by themselves. Where more wait at once they are gathered into a digest, one in a
//! window; what comes beyond either waits for the window's end and is gathered, or goes out by itself, then. A digest is a delivery like others,
//! with an id derived from what it began with, so that it is tried again under the same Message-ID after a kill; the deliveries that it gathers
//! stay, each with its own state and link, and end as it ends. Only what nobody has tried to send yet is gathered.

use crate::App;
use crate::store::claims::{Claimed, Share, Tells};
use crate::store::digests::{self, DigestRow, Heap};
use duban_contracts::ids;
use duban_platform::Ts;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most deliveries that go out in one digest; what is beyond waits for the next window.
const MOST: i64 = 2_000;

/// What happens to what waits for one person on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each goes out by itself.
    Singly,
    /// They are gathered.
    Together,
    /// They wait for the window's end.
    Later,
}

/// Which way a heap goes. `over`: how many alerts a person gets by themselves in a window; `singly` and `digests`: what was sent in it so far.
pub fn way(waiting: i64, singly: i64, digests: i64, over: i64) -> Way {
    if singly.saturating_add(waiting) <= over {
        Way::Singly
    } else if waiting > over && digests == 0 {
        Way::Together
    } else {
        Way::Later
    }
}

/// Gathers what is too much for one person, or lets it wait, before anything is claimed.
///
/// # Errors
/// The database's.
pub async fn gather(app: &App, tx: &mut PgConnection, share: &Share<'_>) -> Result<(), sqlx::Error> {
    let (over, window) = (app.settings.digest_over, app.settings.digest_window);
    if over == 0 {
        return Ok(());
    }
    let heads = digests::heads(tx, share, over, window).await?;
    if heads.is_empty() {
        return Ok(());
    }
    let (mut together, mut later): (Vec<Heap>, Vec<Heap>) = (Vec::new(), Vec::new());
    for heap in digests::take_turns(tx, heads, window).await? {
        match way(heap.waiting, heap.singly, heap.digests, over) {
            Way::Singly => {}
            Way::Together => together.push(heap),
            Way::Later => later.push(heap),
        }
    }
    digests::let_wait(tx, &later, window).await?;
    if together.is_empty() {
        return Ok(());
    }
    let mut gathered: BTreeMap<(String, String), DigestRow> = BTreeMap::new();
    for waiting in digests::waiting(tx, &together, MOST).await? {
        let row = gathered.entry((waiting.person.clone(), waiting.channel.clone())).or_insert_with(|| DigestRow {
            id: ids::derived("digest", &[&waiting.person, &waiting.channel, &waiting.delivery.to_string()]),
            person: waiting.person,
            channel: waiting.channel,
            destination: waiting.destination,
            address: waiting.address,
            covers: Vec::new(),
        });
        row.covers.push(waiting.delivery);
    }
    let digests: Vec<DigestRow> = gathered.into_values().collect();
    digests::insert(tx, &digests, Ts(app.platform.clock.now())).await?;
    digests::note_digests(tx, &digests, over).await?;
    for digest in &digests {
        tracing::info!(digest = %digest.id, channel = digest.channel, deliveries = digest.covers.len(), "gathered into one message");
        app.measures.gathered(&digest.channel, digest.covers.len());
    }
    Ok(())
}

/// Counts what goes out by itself.
///
/// # Errors
/// The database's.
pub async fn count(app: &App, tx: &mut PgConnection, claimed: &[Claimed]) -> Result<(), sqlx::Error> {
    if app.settings.digest_over == 0 {
        return Ok(());
    }
    let mut counts: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for claimed in claimed.iter().filter(|claimed| matches!(claimed.tells, Tells::Alert(_)) && claimed.delivery.attempts == 1) {
        *counts.entry((&claimed.delivery.person, &claimed.delivery.channel)).or_default() += 1;
    }
    digests::count(tx, &counts, app.settings.digest_window).await
}

/// Deliveries of a digest, apart by whether they are still wanted: those that it tells of, and those that it does not.
pub fn told_and_not(covered: &[digests::Covered]) -> (Vec<Uuid>, Vec<Uuid>) {
    let (told, not): (Vec<&digests::Covered>, Vec<_>) = covered.iter().partition(|covered| covered.wanted);
    (told.iter().map(|covered| covered.delivery).collect(), not.iter().map(|covered| covered.delivery).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_go_out_by_themselves_and_a_heap_together_once_in_a_window() {
        assert_eq!(way(3, 0, 0, 10), Way::Singly);
        assert_eq!(way(10, 0, 0, 10), Way::Singly);
        assert_eq!(way(11, 0, 0, 10), Way::Together);
        assert_eq!(way(1_000, 4, 0, 10), Way::Together);
        assert_eq!(way(2, 9, 0, 10), Way::Later, "no digest of two");
        assert_eq!(way(1_000, 10, 1, 10), Way::Later);
        assert_eq!(way(1, 10, 1, 10), Way::Later);
    }

    proptest! {
        /// However they come: nothing stays behind, and a window has no more than `over` messages and one digest.
        #[test]
        fn a_person_gets_few_messages_in_a_window_and_everything_in_the_end(arrivals in prop::collection::vec(0_i64..60, 1..40), over in 1_i64..20) {
            let total: i64 = arrivals.iter().sum();
            let (mut waiting, mut sent) = (0, 0);
            let mut arrivals = arrivals.into_iter();
            for _ in 0..80 {
                let (mut singly, mut digests, mut messages) = (0, 0, 0);
                // Ten looks in a window.
                for _ in 0..10 {
                    waiting += arrivals.next().unwrap_or_default();
                    match way(waiting, singly, digests, over) {
                        Way::Singly => {
                            singly += waiting;
                            messages += waiting;
                        }
                        Way::Together => {
                            digests += 1;
                            singly = over;
                            messages += 1;
                        }
                        Way::Later => continue,
                    }
                    sent += waiting;
                    waiting = 0;
                }
                prop_assert!(messages <= over + 1, "{messages}");
            }
            prop_assert_eq!((sent, waiting), (total, 0));
        }
    }
}
