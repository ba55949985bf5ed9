//! The reach of a right as a condition in SQL: the same for every table that has a unit and the units that are kept out.

use duban_policy::directory::Reach;
use sqlx::{Postgres, QueryBuilder};

/// Adds `(…)`: a post reaches `unit`, and is within none of `excluded`. Both are SQL expressions, a text and an array of texts.
/// [`Reach::covers`] says the same of one row.
pub fn push_covers(query: &mut QueryBuilder<Postgres>, unit: &'static str, excluded: &'static str, reach: &Reach) {
    // Nearly nothing keeps units out: then it is one look into a list.
    query.push("((").push(unit).push(" = any(").push_bind(reach.units.clone()).push(") and (").push(excluded).push(" = '{}' or exists (");
    query.push("select 1 from unnest(").push_bind(reach.units.clone()).push("::text[], ").push_bind(reach.via.clone());
    query.push("::text[]) as right_of_post (unit, via) where right_of_post.unit = ").push(unit);
    query.push(" and right_of_post.via <> all (").push(excluded).push("))))");
    if !reach.everywhere_via.is_empty() {
        query.push(" or ").push(excluded).push(" = '{}' or exists (select 1 from unnest(").push_bind(reach.everywhere_via.clone());
        query.push("::text[]) as post (via) where post.via <> all (").push(excluded).push("))");
    }
    query.push(")");
}
