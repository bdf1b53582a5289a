use septet_soc::sigma::RuleSet;

fn loaded() -> RuleSet {
    let mut set = RuleSet::default();
    septet_soc::builtin::add_to(&mut set);
    set
}

#[test]
fn the_rules_that_come_along_are_all_live() {
    let set = loaded();
    assert!(set.rejected().is_empty(), "{:#?}", set.rejected());
    assert!(set.rules().len() >= 10);
    for loaded in set.rules() {
        assert_eq!(loaded.rule.logsource.product, "septet", "{}", loaded.file);
        assert!(!loaded.rule.description.is_empty(), "{}", loaded.file);
        assert!(uuid::Uuid::parse_str(&loaded.rule.id).is_ok(), "{}", loaded.file);
    }
}
