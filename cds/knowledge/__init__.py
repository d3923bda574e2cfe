"""What stands under rules/, read, checked and frozen: rules, parameters, drugs, value sets, evidence."""
