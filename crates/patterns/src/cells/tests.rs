use std::collections::BTreeMap;

use crate::{Miner, PatternId};

/// The final templates of the lines, each once, in the order of the first line that has it.
fn templates(lines: &[&str]) -> Vec<String> {
    let (mut miner, mut vars) = (Miner::default(), Vec::new());
    let forms: Vec<_> = lines.iter().map(|line| miner.observe(line, &mut vars).form).collect();
    let catalog = miner.catalog();
    let mut seen: BTreeMap<PatternId, ()> = BTreeMap::new();
    let ids = forms.into_iter().filter_map(|form| catalog.pattern_of(form)).filter(|id| seen.insert(*id, ()).is_none());
    ids.filter_map(|id| catalog.template(id)).collect()
}

/// The lines are one pattern with this template.
fn one(lines: &[&str], template: &str) {
    assert_eq!(templates(lines), [template]);
}

/// The lines are patterns of their own.
fn apart(lines: &[&str]) {
    assert_eq!(templates(lines).len(), lines.len(), "{:?}", templates(lines));
}

#[test]
fn words_that_look_like_identifiers_are_open() {
    one(&["lease for worker12 lost", "lease for worker7 lost"], "lease for <*> lost");
    one(&["block rdd_6_4 found", "block broadcast_0 found"], "block <*> found");
    one(&["cannot read home/a now", "cannot read etc/b now"], "cannot read <*> now");
    one(&["Registered class a.b.Foo here", "Registered class c.d.Bar here"], "Registered class <*> here");
    one(&["got mode=fast again", "got mode=slow again"], "got mode=<*> again");
    one(&["started 'alpha' again", "started 'beta' again"], "started '<*>' again");
    one(&["in: user=<bob>, as it is", "in: user=<eve>, as it is"], "in: user=<<*>>, as it is");
    one(&["listening on :: now", "listening on 0.0.0.0 now"], "listening on <*> now");
    one(&["a:b x:red y:one end", "a:b x:blue y:two end"], "a:b x:<*> y:<*> end");
    one(&["flag is true here", "flag is false here", "flag is null here"], "flag is <*> here");
}

#[test]
fn what_names_a_thing_or_an_event_stays() {
    apart(&["jetty-6 is up", "tomcat-7 is up"]);
    apart(&["event a.b.SCREEN_ON came", "event a.b.SCREEN_OFF came"]);
    apart(&["some.key.one is deprecated", "some.key.two is deprecated"]);
}

#[test]
fn units_belong_to_their_number() {
    one(&["free 3 KB now", "free 4 MB now", "free 12 now"], "free <*> now");
    one(&["lifetime <1 sec", "lifetime 00:18"], "lifetime <*>");
    one(&["took 5 ms twice", "took 9 ms twice"], "took <*> ms twice");
    one(&["sent 100 bytes there", "sent 4042 bytes (3.94 KB) there"], "sent <*> there");
    one(&["size 3 B, free 3 KB!", "size 3 KB, free 9 KB!"], "size <*>, free <*>!");
}

#[test]
fn runs_of_variables_count_as_one() {
    one(&["REPORT : 0 0 0 0", "REPORT : 7 5"], "REPORT : <*>");
    one(&["delete blk_1 blk_2 blk_3 now", "delete blk_1 now"], "delete <*> now");
    one(&["at Sun Jul 10 16:01:43 2005", "at Mon Nov 3 1:02:43 2005"], "at <*>");
}

#[test]
fn an_empty_value_is_a_value() {
    one(
        &["failed; name= uid=0 host=a.example.com", "failed; name=bob uid=0 host=b.example.com"],
        "failed; name=<*> uid=<*> host=<*>",
    );
}

#[test]
fn three_different_words_open_a_position() {
    apart(&["the red light is broken", "the blue light is broken"]);
    one(
        &["the red light is broken", "the blue light is broken", "the green light is broken"],
        "the <*> light is broken",
    );
    one(
        &[
            "x red big lamp",
            "x blue big lamp",
            "x green big lamp",
            "x red small lamp",
            "x blue tiny lamp",
            "x red tiny lamp",
            "x blue small lamp",
        ],
        "x <*> <*> lamp",
    );
}

#[test]
fn two_words_are_enough_after_a_naming_word_and_a_variable_counts() {
    one(&["bad user root from there", "bad user admin from there"], "bad user <*> from there");
    one(&["bad user root from there", "bad user 0101 from there"], "bad user <*> from there");
    one(&["bad user 0101 from there", "bad user root from there"], "bad user <*> from there");
    one(&["session closed for user root", "session closed for user admin"], "session closed for user <*>");
}

#[test]
fn words_of_state_the_last_word_and_the_head_stay() {
    apart(&[
        "link eth0 now up again",
        "link eth0 now down again",
        "link eth0 now lost again",
        "link eth0 now found again",
    ]);
    apart(&["the light is red", "the light is blue", "the light is green", "the light is brown"]);
    apart(&["Reading the index", "Writing the index", "Checking the index", "Packing the index", "Sorting the index"]);
    apart(&["state A_ONE is set here", "state A_TWO is set here", "state A_THREE is set here"]);
}

#[test]
fn a_name_may_end_a_line() {
    one(&["arrived in Dublin", "arrived in Wien", "arrived in Graz"], "arrived in <*>");
    one(&["killed 7 (java)", "killed 8 (node)", "killed 9 (postgres)"], "killed <*> (<*>)");
    one(&["declined: do_not_honor", "declined: expired_card", "declined: fraud_suspected"], "declined: <*>");
    one(
        &["at OrderMapper in banner-7", "at OrderMapper in logo-8", "at OrderMapper in item-9"],
        "at OrderMapper in <*>",
    );
    apart(&["unable to parse", "unable to fork", "unable to bind"]);
    apart(&["out of memory", "out of space", "out of range", "out of time"]);
    apart(&["getSteps=7", "setSteps=8", "haveSteps=9", "showSteps=1", "addSteps=2", "keepSteps=3", "dropSteps=4"]);
}

#[test]
fn many_constants_are_values_and_few_are_states() {
    apart(&["it went from NEW to here", "it went from DONE to here", "it went from LATE to here"]);
    let many = ["it took IBM twice", "it took SAP twice", "it took AMD twice", "it took ABB twice"];
    one(&many, "it took <*> twice");
    apart(&["now it is ONE", "now it is TWO", "now it is FOUR", "now it is FIVE", "now it is SIX"]);
}

#[test]
fn a_quoted_text_is_a_value_unless_it_tells_the_event() {
    one(
        &[r#"1.2.3.4 "GET /a" "Moz/5.0 (X; y)" 7"#, r#"1.2.3.4 "GET /b" "curl tool 8" 9"#],
        r#"<*> "GET <*>" "<*>" <*>"#,
    );
    one(&[r#"found="red lamp" in 7"#, r#"found="big old tent" in 8"#], r#"found="<*>" in <*>"#);
    apart(&[r#"msg="all is well" in=7"#, r#"msg="none is well" in=8"#]);
    apart(&[r#"x "cannot open it" y"#, r#"x "cannot close it" y"#]);
    apart(&[r#""Pod came up" pod=a/b"#, r#""Pod went away" pod=a/b"#]);
}

#[test]
fn words_with_commas_between_are_one_value() {
    one(&["acls are wheel,staff now", "acls are wheel,staff,games now"], "acls are <*> now");
    apart(&["size = 20,app = 1,One Type", "size = 20,app = 1,Two Type"]);
    apart(&["failed,retrying now", "started,waiting now"]);
}

#[test]
fn a_name_stands_after_a_key_that_ends_in_one() {
    one(&["the eventType: LAUNCHED of 7", "the eventType: CLEANED of 8"], "the eventType: <*> of <*>");
    one(&["user_name: root has 7", "user_name: bob has 8"], "user_name: <*> has <*>");
    apart(&["the eventType: LAUNCHED", "the eventType: CLEANED"]);
    apart(&["oddly: LAUNCHED of 7", "oddly: CLEANED of 8"]);
}

#[test]
fn letters_and_digits_in_turn_are_an_identifier() {
    one(&["link vethd90c7cd is here", "link vethba11b7f is here"], "link <*> is here");
    apart(&["uses sha256sum here", "uses base64url here"]);
}

#[test]
fn a_name_around_a_value_belongs_to_it() {
    one(
        &["lock tag=Waker, by=none, uid=7", "lock tag=Radio, by=Source{10113}, uid=8"],
        "lock tag=<*>, by=<*>, uid=<*>",
    );
    apart(&["x={a=7} y", "x={b=7} y"]);
}

#[test]
fn dots_lead_to_a_value_and_do_not_glue_it_to_its_word() {
    apart(&["cache depth.......7", "cache width.......8"]);
    one(&["cache depth.......7", "cache depth.......8"], "cache depth.......<*>");
    apart(&["loading...7 is done", "storing...8 is done"]);
}

#[test]
fn another_reading_joins_what_exists_and_makes_nothing() {
    one(&["cannot reach 10.0.0.1:80 now", "cannot reach gateway:80 now"], "cannot reach <*> now");
    one(&["cannot reach gateway:80 now", "cannot reach 10.0.0.1:80 now"], "cannot reach <*> now");
    apart(&["cannot reach gateway:80 now", "cannot reach router:80 now"]);
    apart(&["steps:80", "12345"]);
}

#[test]
fn values_and_assigned_numbers_are_shown_open() {
    one(&["shown 15 false"], "shown <*> <*>");
    one(&["record=com.x.y.c@8a2a501 end"], "record=<*> end");
    one(&["failed; user=root end"], "failed; user=<*> end");
}

#[test]
fn typed_templates_say_what_varies() {
    let (mut miner, mut vars) = (Miner::default(), Vec::new());
    let id = miner.observe("GET /a/b took 15ms from 10.0.0.1:80, 3 of 4.5 at 12:00:01", &mut vars).pattern;
    let typed = miner.catalog().typed_template(id);
    assert_eq!(typed.as_deref(), Some("GET <path> took <quantity> from <addr>, <int> of <float> at <time>"));
}

#[test]
fn white_space_makes_forms_and_not_patterns() {
    one(&["a  b\t1", "a b 2"], &templates(&["a  b\t1", "a b 2"])[0].clone());
    assert_eq!(templates(&["a  b\t1", "a b 2"]).len(), 1);
}
