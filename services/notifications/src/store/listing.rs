//! Deliveries as people may see them.

use crate::rights::Sight;
use crate::store::deliveries::shown;
use duban_contracts::alert::AlertEvent;
use duban_contracts::delivery::{DeliveryEvent, DeliveryListRequest};
use duban_platform::Ts;
use duban_platform::reach::push_covers;
use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use uuid::Uuid;

/// Adds what the person may see. `alert`, `duty`, `case_copy` and `person` (a column) must be in the query.
fn push_sight(query: &mut QueryBuilder<Postgres>, person_column: &'static str, sight: &Sight) {
    query.push(" and not (").push_bind(sight.person.clone());
    query.push(" = any(coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}')))");
    // The recipient sees what was sent to him though his unit is shut out; so does who handles the case or is named in it.
    query.push(" and (").push(person_column).push(" = ").push_bind(sight.person.clone());
    query.push(" or case_copy.handler = ").push_bind(sight.person.clone());
    query.push(" or case_copy.people_named @> array[").push_bind(sight.person.clone()).push("] or ");
    push_covers(query, "coalesce(case_copy.unit, alert.unit)", "coalesce(case_copy.excluded_units, '{}')", &sight.reach);
    query.push(")");
}

fn push_matter(query: &mut QueryBuilder<Postgres>, request: &DeliveryListRequest) {
    if let Some(alert) = request.alert {
        query.push(" and alert.id = ").push_bind(alert);
    }
    if let Some(case) = request.case {
        query.push(" and alert.case_id = ").push_bind(case);
    }
}

fn push_filters(query: &mut QueryBuilder<Postgres>, request: &DeliveryListRequest, sight: &Sight) {
    push_matter(query, request);
    if let Some(state) = &request.state {
        query.push(" and delivery.state = ").push_bind(state.clone());
    }
    push_sight(query, "delivery.person", sight);
}

const COLUMNS: &str = "select delivery.*, alert.duty, alert.case_id,
    coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded";
const FROM: &str = " from delivery left join alert on alert.id = delivery.alert left join duty on duty.id = alert.duty
    left join case_copy on case_copy.id = alert.case_id where true";

/// A page of deliveries, newest first, and how many there are.
pub async fn deliveries(
    pool: &PgPool,
    request: &DeliveryListRequest,
    sight: &Sight,
    limit: i64,
) -> Result<(Vec<DeliveryEvent>, i64), sqlx::Error> {
    let mut count = QueryBuilder::new("select count(*)");
    count.push(FROM);
    push_filters(&mut count, request, sight);
    let total: i64 = count.build_query_scalar().fetch_one(pool).await?;

    let mut query = QueryBuilder::new(COLUMNS);
    query.push(FROM);
    push_filters(&mut query, request, sight);
    if let Some(before) = request.before {
        query
            .push(" and (delivery.created_at, delivery.id) < (select created_at, id from delivery where id = ")
            .push_bind(before)
            .push(")");
    }
    query.push(" order by delivery.created_at desc, delivery.id desc limit ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await?;
    Ok((rows.iter().map(shown).collect::<Result<_, _>>()?, total))
}

/// Alerts that reached a person over no channel and that nobody has taken up since (neither acknowledged nor done), newest first: (person,
/// alert).
pub async fn unreachable(
    pool: &PgPool,
    request: &DeliveryListRequest,
    sight: &Sight,
    limit: i64,
) -> Result<Vec<(String, AlertEvent)>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "select message.person, alert.body from message join alert on alert.id = message.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id where message.unreachable_at is not null
           and alert.state = 'open' and (duty.ended_at is null or duty.ended_at < alert.raised_at)
           and (alert.body -> 'acknowledgements' @> jsonb_build_array(jsonb_build_object('person', message.person))) is not true",
    );
    push_matter(&mut query, request);
    push_sight(&mut query, "message.person", sight);
    query.push(" order by message.unreachable_at desc, message.alert, message.person limit ").push_bind(limit);
    let rows: Vec<(String, Json<AlertEvent>)> = query.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(person, alert)| (person, alert.0)).collect())
}

/// A page of all deliveries of a case, oldest first, for its file, each with its attempts; after the one named.
pub async fn of_case(pool: &PgPool, case: Uuid, after: Option<Uuid>, most: i64) -> Result<Vec<(DeliveryEvent, Vec<Tried>)>, sqlx::Error> {
    let rows = sqlx::query(
        "select delivery.*, alert.duty, alert.case_id,
                coalesce(duty.excluded_people, '{}') || coalesce(case_copy.excluded_people, '{}') as excluded,
                coalesce((select jsonb_agg(jsonb_build_object('number', number, 'at', at, 'outcome', outcome, 'error', error) order by number)
                          from attempt where attempt.delivery = delivery.id), '[]') as tried
         from delivery join alert on alert.id = delivery.alert left join duty on duty.id = alert.duty
         left join case_copy on case_copy.id = alert.case_id where alert.case_id = $1
           and ($2::uuid is null or (delivery.created_at, delivery.id) > (select created_at, id from delivery where id = $2))
         order by delivery.created_at, delivery.id limit $3",
    )
    .bind(case)
    .bind(after)
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((shown(row)?, row.try_get::<Json<Vec<Tried>>, _>("tried")?.0))).collect()
}

/// An attempt, as it stands in a case's file.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Tried {
    pub number: i32,
    pub at: duban_contracts::Timestamp,
    pub outcome: String,
    pub error: Option<String>,
}

/// Messages of a case that reached nobody: (alert, person, since).
pub async fn unreachable_of_case(pool: &PgPool, case: Uuid) -> Result<Vec<(Uuid, String, Ts)>, sqlx::Error> {
    sqlx::query_as(
        "select message.alert, message.person, message.unreachable_at from message join alert on alert.id = message.alert
         where alert.case_id = $1 and message.unreachable_at is not null order by 3, 1, 2",
    )
    .bind(case)
    .fetch_all(pool)
    .await
}

/// Deliveries of a case that ended, with the domain time of their end, oldest first, as far as the person may see them.
pub async fn ended_of_case(pool: &PgPool, case: Uuid, sight: &Sight) -> Result<Vec<(DeliveryEvent, Ts)>, sqlx::Error> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(FROM).push(" and delivery.ended_at is not null and alert.case_id = ").push_bind(case);
    push_sight(&mut query, "delivery.person", sight);
    query.push(" order by delivery.ended_at, delivery.id limit 1000");
    let rows = query.build().fetch_all(pool).await?;
    rows.iter().map(|row| Ok((shown(row)?, row.try_get("ended_at")?))).collect()
}
