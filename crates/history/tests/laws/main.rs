//! The laws that every history keeps, run on the embedded one.

mod checks;
mod files;
mod harness;
mod laws;
mod model;
mod power;
mod properties;
mod rows;

use proptest::prelude::*;

use files::Files;

#[test]
fn appended_rows_are_found_at_once() {
    laws::appended_rows_are_found_at_once(&mut Files::temporary());
}

#[test]
fn committed_rows_and_state_are_there_after_a_restart() {
    laws::committed_rows_and_state_are_there_after_a_restart(&mut Files::temporary());
}

#[test]
fn a_replay_stores_nothing_twice() {
    laws::a_replay_stores_nothing_twice(&mut Files::temporary());
}

#[test]
fn messages_come_back_byte_for_byte() {
    laws::messages_come_back_byte_for_byte(&mut Files::temporary());
}

#[test]
fn queries_mean_what_the_table_says() {
    laws::queries_mean_what_the_table_says(&mut Files::temporary());
}

#[test]
fn pages_do_not_slide_under_until() {
    laws::pages_do_not_slide_under_until(&mut Files::temporary());
}

#[test]
fn a_query_out_of_budget_says_so() {
    laws::a_query_out_of_budget_says_so(&mut Files::temporary());
}

#[test]
fn merging_changes_nothing_but_files() {
    laws::merging_changes_nothing_but_files(&mut Files::temporary());
}

#[test]
fn old_rows_go_by_their_receipt() {
    laws::old_rows_go_by_their_receipt(&mut Files::temporary());
}

#[test]
fn files_whose_first_values_differ_in_kind_are_merged() {
    laws::files_whose_first_values_differ_in_kind_are_merged(&mut Files::temporary());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_history_answers_as_its_model(run in properties::run()) {
        properties::a_history_answers_as_its_model(&mut Files::temporary(), run);
    }
}
