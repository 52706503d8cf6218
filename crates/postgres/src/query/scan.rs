//! Reading the rows that only their text decides, newest stretch first, so that an answer that is not whole has the newest.

use whittle_domain::query::RowView;

use super::ask::{Ask, Stop};
use super::cells::{Cells, Grain, MINUTE};
use super::cut::Cut;
use super::judge::{Judged, pattern_of};
use super::narrow;
use super::rows::Texts;
use super::sql::{Args, Micros, Span, Which};
use crate::series::Series;

/// Rows that are read with one statement, more or less.
const AT_ONCE: i64 = 400_000;

/// A row that matches.
pub(crate) struct Found<'a> {
    pub(crate) id: i64,
    pub(crate) timestamp: i64,
    pub(crate) series: &'a Series,
    pub(crate) context: &'a str,
}

/// Reads the rows that may match, and gives those that do.
pub(crate) async fn matching(
    ask: &mut Ask<'_>,
    judged: &Judged,
    span: Span,
    cut: Option<&Cut>,
    mut give: impl FnMut(&Found<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if judged.maybe.is_empty() || span.is_empty() {
        return Ok(());
    }
    for stretch in stretches(ask, span, &judged.maybe).await? {
        read(ask, judged, stretch, cut, &mut give).await?;
    }
    Ok(())
}

/// Cuts a span where there is more to read than at once, newest first.
async fn stretches(ask: &mut Ask<'_>, span: Span, which: &Which) -> Result<Vec<Span>, Stop> {
    let mut args = Args::default();
    let cells = Cells { span, which, cut: None }.sql(Grain::Hour, &mut args);
    let sql = format!(
        "SELECT minute - minute % 60, sum(rows)::int8 FROM ({cells}) c GROUP BY 1 HAVING sum(rows) > 0 ORDER BY 1 DESC"
    );
    let mut stretches = Vec::new();
    let (mut rows, mut end) = (0, None);
    for row in ask.rows(&sql, args).await? {
        let from = row.get::<_, i64>(0) * MINUTE;
        let to = *end.get_or_insert(from + 60 * MINUTE);
        rows += row.get::<_, i64>(1);
        let stretch = Span { from, to }.and(span);
        if rows >= AT_ONCE {
            stretches.push(stretch);
            (rows, end) = (0, None);
        } else if let (Some(_), Some(last)) =
            (end, stretches.last_mut().filter(|last: &&mut Span| last.to == stretch.to))
        {
            last.from = stretch.from;
        } else {
            stretches.push(stretch);
        }
    }
    Ok(stretches)
}

async fn read(
    ask: &mut Ask<'_>,
    judged: &Judged,
    span: Span,
    cut: Option<&Cut>,
    give: &mut impl FnMut(&Found<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut args = Args::default();
    let mut conditions = vec![span.sql(&mut args), judged.maybe.sql(&mut args), Cut::below(cut).to_owned()];
    if let Some(query) = judged.query() {
        conditions.extend(narrow::condition(&query.expr, &mut args));
    }
    let sql = format!(
        "SELECT id, timestamp, series, source, message, context::text, level_text, exact FROM logs WHERE {}",
        conditions.join(" AND ")
    );
    let (all, catalog) = (ask.series.clone(), ask.shared.catalog.clone());
    ask.each(&sql, args, |row| {
        let Some(series) = all.get(row.get(2)) else { return Ok(()) };
        let texts = Texts::of(&row, [3, 4, 5, 6, 7]);
        let view = RowView {
            source: &texts.source,
            level: series.level,
            message: &texts.message,
            context: &texts.context,
            pattern: pattern_of(&catalog, series.form),
        };
        if judged.matches(&view) {
            let (id, timestamp) = (row.get(0), row.get::<_, Micros>(1).0);
            give(&Found { id, timestamp, series, context: &texts.context })?;
        }
        Ok(())
    })
    .await
}
