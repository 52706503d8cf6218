//! The laws that every history keeps, run on the one in PostgreSQL. Skipped where PostgreSQL is not installed.

#[path = "../../../history/tests/laws/checks.rs"]
mod checks;
mod database;
#[path = "../../../history/tests/laws/harness.rs"]
mod harness;
#[path = "../../../history/tests/laws/laws.rs"]
mod laws;
#[path = "../../../history/tests/laws/model.rs"]
mod model;
mod own;
#[path = "../../../history/tests/laws/properties.rs"]
mod properties;
#[path = "../../../history/tests/laws/rows.rs"]
mod rows;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::TestRunner;

use database::Database;
use harness::Harness;

/// Runs a law on an empty database, where there can be one.
fn on_a_database(law: impl FnOnce(&mut dyn Harness)) {
    if let Some(mut database) = Database::empty() {
        law(&mut database);
    }
}

#[test]
fn appended_rows_are_found_at_once() {
    on_a_database(laws::appended_rows_are_found_at_once);
}

#[test]
fn committed_rows_and_state_are_there_after_a_restart() {
    on_a_database(laws::committed_rows_and_state_are_there_after_a_restart);
}

#[test]
fn a_replay_stores_nothing_twice() {
    on_a_database(laws::a_replay_stores_nothing_twice);
}

#[test]
fn messages_come_back_byte_for_byte() {
    on_a_database(laws::messages_come_back_byte_for_byte);
}

#[test]
fn queries_mean_what_the_table_says() {
    on_a_database(laws::queries_mean_what_the_table_says);
}

#[test]
fn pages_do_not_slide_under_until() {
    on_a_database(laws::pages_do_not_slide_under_until);
}

#[test]
fn a_query_out_of_budget_says_so() {
    on_a_database(laws::a_query_out_of_budget_says_so);
}

#[test]
fn merging_changes_nothing_but_files() {
    on_a_database(laws::merging_changes_nothing_but_files);
}

#[test]
fn old_rows_go_by_their_receipt() {
    on_a_database(laws::old_rows_go_by_their_receipt);
}

#[test]
fn files_whose_first_values_differ_in_kind_are_merged() {
    on_a_database(laws::files_whose_first_values_differ_in_kind_are_merged);
}

#[test]
fn a_history_answers_as_its_model() {
    // One server for all cases.
    let Some(_server) = database::server() else { return };
    let cases = ProptestConfig::default().cases / 8;
    let config = ProptestConfig { cases, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&properties::run(), |run| {
        on_a_database(|harness| properties::a_history_answers_as_its_model(harness, run));
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}
