//! The most frequent values of fields.

use hashbrown::HashMap;
use serde_json::{Map, Value};
use whittle_history::{FacetField, Facets, Filter};

use super::ask::{Ask, Stop};
use super::cells::{Cells, Grain};
use super::cut::Cut;
use super::judge::{Judged, pattern_of};
use super::patterns::by_count;
use super::rows::Texts;
use super::scan;
use super::sql::{Args, Span};
use crate::series::Series;

/// Values by field.
struct Counts<'f> {
    fields: Vec<(&'f FacetField, HashMap<String, u64>)>,
    total: u64,
    memory: usize,
}

impl Counts<'_> {
    fn add(&mut self, series: &Series, pattern: impl Fn() -> String, rows: u64) {
        self.total += rows;
        for (field, values) in &mut self.fields {
            let value = match field {
                FacetField::Source => series.source.to_string(),
                FacetField::Level => series.level.as_str().to_owned(),
                FacetField::Pattern => pattern(),
                FacetField::Context(_) => continue,
            };
            *values.entry(value).or_insert(0) += rows;
        }
    }

    fn add_context(&mut self, context: &str, most: usize) -> Result<(), Stop> {
        for (field, values) in &mut self.fields {
            let FacetField::Context(name) = field else { continue };
            let Some(value) = top_level(context, name) else { continue };
            let len = value.len();
            *values.entry(value).or_insert_with(|| {
                self.memory += len + 64;
                0
            }) += 1;
        }
        if self.memory < most { Ok(()) } else { Err(Stop::Full) }
    }

    fn names(&self) -> Vec<String> {
        let name = |(field, _): &(&FacetField, _)| match field {
            FacetField::Context(name) => Some(name.clone()),
            _ => None,
        };
        self.fields.iter().filter_map(name).collect()
    }
}

/// A field of the context by its name: texts as they are, numbers and truth values as JSON; objects and lists have no value.
fn top_level(context: &str, name: &str) -> Option<String> {
    // A name that is not escaped stands in the text as it is.
    if !context.contains('\\') && !context.contains(name) {
        return None;
    }
    let mut object: Map<String, Value> = serde_json::from_str(context).ok()?;
    match object.remove(name)? {
        Value::String(text) => Some(text),
        Value::Object(_) | Value::Array(_) => None,
        other => Some(other.to_string()),
    }
}

pub(super) async fn facets(
    ask: &mut Ask<'_>,
    filter: &Filter,
    fields: &[FacetField],
    limit: usize,
) -> Result<Facets, Stop> {
    let fields = fields.iter().map(|field| (field, HashMap::new())).collect();
    let mut counts = Counts { fields, total: 0, memory: 0 };
    let done = count(ask, filter, &mut counts).await;
    match done {
        Err(Stop::Partial | Stop::Full) => {}
        done => done?,
    }
    let top = |(field, values): (&FacetField, _)| {
        let mut values = by_count(values);
        values.truncate(limit);
        (field.clone(), values)
    };
    Ok(Facets { total: ask.total(counts.total), fields: counts.fields.into_iter().map(top).collect() })
}

async fn count(ask: &mut Ask<'_>, filter: &Filter, counts: &mut Counts<'_>) -> Result<(), Stop> {
    let span = Span::of(filter.from, filter.to);
    if span.is_empty() {
        return Ok(());
    }
    let judged = Judged::of(filter, &ask.series, &ask.shared.catalog, &ask.shared.literals);
    let cut = Cut::of(filter.until.as_ref(), &ask.head);
    let (all, catalog, most) = (ask.series.clone(), ask.shared.catalog.clone(), ask.memory());
    if !judged.yes.is_empty() {
        let mut args = Args::default();
        let cells = Cells { span, which: &judged.yes, cut: cut.as_ref() }.sql(Grain::Date, &mut args);
        let sql = format!("SELECT series, sum(rows)::int8 FROM ({cells}) c GROUP BY 1 HAVING sum(rows) > 0");
        for row in ask.rows(&sql, args).await? {
            let Some(series) = all.get(row.get(0)) else { continue };
            counts.add(series, || pattern_of(&catalog, series.form).to_string(), row.get::<_, i64>(1).unsigned_abs());
        }
        let names = counts.names();
        if !names.is_empty() {
            contexts(ask, &judged, span, cut.as_ref(), names, |context| counts.add_context(context, most)).await?;
        }
    }
    scan::matching(ask, &judged, span, cut.as_ref(), |row| {
        counts.add(row.series, || pattern_of(&catalog, row.series.form).to_string(), 1);
        counts.add_context(row.context, most)
    })
    .await
}

/// Reads the contexts of the rows that match for certain, where one of the names may stand in them.
async fn contexts(
    ask: &mut Ask<'_>,
    judged: &Judged,
    span: Span,
    cut: Option<&Cut>,
    names: Vec<String>,
    mut give: impl FnMut(&str) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut args = Args::default();
    let conditions = [span.sql(&mut args), judged.yes.sql(&mut args), Cut::below(cut).to_owned()];
    let mut any: Vec<String> = vec!["exact <> ''".to_owned(), "context::text LIKE '%\\\\%'".to_owned()];
    let storable = names.iter().filter(|name| !name.contains('\0'));
    any.extend(storable.map(|name| format!("strpos(context::text, {}) > 0", args.text(name.as_str()))));
    let sql = format!(
        "SELECT source, message, context::text, level_text, exact FROM logs WHERE {} AND ({})",
        conditions.join(" AND "),
        any.join(" OR ")
    );
    ask.each(&sql, args, |row| give(&Texts::of(&row, [0, 1, 2, 3, 4]).context)).await
}
