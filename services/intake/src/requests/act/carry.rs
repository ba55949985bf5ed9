//! What was done with a master goes for all that are attached to it: an answer is given to each, and each is closed with it.

use super::doing::Doing;
use duban_contracts::Problem;
use duban_engine::carrying;

/// # Errors
/// Another was attached or taken away while the act waited.
pub fn pass_on(doing: &mut Doing) -> Result<(), Problem> {
    if doing.case.carries == 0 {
        return Ok(());
    }
    if i64::try_from(doing.carried.len()).ok() != Some(doing.case.carries) {
        return Err(Problem::version_conflict(serde_json::to_value(doing.case.acted()).unwrap_or_default()));
    }
    let app = doing.app.clone();
    let stamp = |cause| app.platform.clock.cause_after(cause);
    for (event, words) in doing.told() {
        let told = match event.as_str() {
            "case.answered" => carrying::answer(doing.case.id, &mut doing.carried, &words, doing.at, &stamp),
            "case.closed" => carrying::close(&doing.case, &mut doing.carried, doing.at, &stamp),
            _ => continue,
        };
        for (case, told) in told {
            if event == "case.closed" {
                doing.decided(case);
            }
            doing.take(case, told);
        }
    }
    Ok(())
}
