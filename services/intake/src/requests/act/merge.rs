//! Merging: this case's matter is that of the other, where it is dealt with from now on. This one is closed as merged.

use super::doing::{Doing, required_text};
use duban_contracts::case::MERGED;
use duban_contracts::{Problem, both};
use duban_engine::carrying;
use duban_engine::case::{Happening, Words};
use duban_engine::registering::OTHER;
use uuid::Uuid;

pub fn perform(doing: &mut Doing, into_id: Uuid, reason: &str) -> Result<(), Problem> {
    required_text("/reason", reason)?;
    if into_id == doing.case.id {
        return Err(Problem::invalid_field(
            "/into",
            both("填写的就是本案", "it is the case itself"),
            both("请填写另一案件的编号", "another case"),
        ));
    }
    let Some(into) = &doing.other else { return Err(Problem::not_found()) };
    if doing.case.merged_into.is_some() || into.merged_into.is_some() {
        return Err(Problem::refused("merged-already", "One of the two was merged already", "其中一案已并入其他案件"));
    }
    if doing.case.closed {
        return Err(Problem::refused("closed", "The case is closed: reopen it first", "案件已办结，请先重新开启"));
    }
    carrying::stands_for_itself(&doing.case)?;
    if let Some(into) = &doing.other {
        carrying::stands_for_itself(into)?;
    }
    if doing.case.carries > 0 {
        return Err(Problem::refused(
            "carries",
            "Others are attached to the case: detach them or close it first",
            "本案为主案，请先移出附案或办结",
        ));
    }
    keep_out_of_both(doing);
    doing.case.merged_into = Some(into_id);
    doing.case.closed = true;
    doing.case.unsorted = false;
    doing.case.outcome = Some(MERGED.to_owned());
    doing.link(doing.case.id, into_id, "merged_into");
    doing.end_decisions();
    let own_id = doing.case.id;
    let there = Happening { other: Some(into_id), ..Happening::default() };
    doing.tell("merged", Words::new(format!("Merged into {OTHER}"), format!("并入{OTHER}")).with_note(reason), there.clone());
    doing.tell("closed", Words::new("Closed: merged into another case", "已办结：并案处理"), there);
    let words = Words::new(format!("Merged into this case: {OTHER}"), format!("{OTHER}并入本案")).with_note(reason);
    // Not `merged`: that ends the duties of the case that it is about, and this one goes on.
    doing.tell_other("linked", words, Happening { other: Some(own_id), ..Happening::default() });
    Ok(())
}

/// One matter from now on: whoever is complained about in either case sees neither.
fn keep_out_of_both(doing: &mut Doing) {
    let Some(into) = &mut doing.other else { return };
    into.keep_out(&doing.case.excluded_people, &doing.case.excluded_units);
    doing.case.keep_out(&into.excluded_people, &into.excluded_units);
}
