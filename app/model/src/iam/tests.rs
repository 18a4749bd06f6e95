//! Documents that AWS takes, documents that it does not, each with exactly one fault, and documents that mean harm.

use proptest::prelude::*;

use super::{
    Action, Choice, Comparison, LONGEST, MOST_FINDINGS, Part, Rules, SetOperator, Severity, Version, check, json, size,
};

/// A policy with this between the braces of its only statement.
fn with(members: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{members}}}]}}"#)
}

fn allow(rest: &str) -> String {
    with(&format!(r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*"{rest}"#))
}

fn errors(text: &str, rules: Rules) -> Vec<String> {
    check(text, rules).errors().map(ToString::to_string).collect()
}

fn warnings(text: &str) -> Vec<String> {
    let found = check(text, Rules::INLINE).findings;
    found.iter().filter(|finding| finding.severity == Severity::Warning).map(|finding| finding.path.clone()).collect()
}

#[test]
fn documents_that_aws_takes_are_taken() {
    for good in [
        allow(""),
        with(r#""Sid":"","Effect":"Allow","Action":["s3:Get*","EC2:describe?nstances"],"Resource":["arn:aws:s3:::b/*","arn:aws-us-gov:ec2:*:111122223333:instance/*"]"#),
        with(r#""Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:iam::111122223333:role/x""#),
        with(r#""Effect":"Allow","Action":"*","Resource":"*""#),
        with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/${aws:PrincipalTag/team, 'none:}'}/${*}${?}${$}""#),
        with(r#""Effect":"Allow","Action":"ssm:*","Resource":"arn:${aws:Partition}:ssm:*:${aws:PrincipalAccount}:parameter/*""#)
            .replace("arn:${aws:Partition}", "arn:aws"),
        r#"{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"}}"#.to_owned(),
        "\r\n\t{ \"Version\" : \"2008-10-17\" , \"Id\":\"x\", \"Statement\" : [ ] }\n".to_owned(),
        allow(r#","Condition":{"StringEquals":{"aws:PrincipalTag/cost center":["a","${aws:username}"],"accounts.google.com:aud":"x"}}"#),
        allow(r#","Condition":{"ForAllValues:StringLikeIfExists":{"aws:TagKeys":["a*"]},"ForAnyValue:ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#),
        allow(r#","Condition":{"NumericLessThanEquals":{"s3:max-keys":10,"aws:MultiFactorAuthAge":"3600"},"Bool":{"aws:SecureTransport":true},"Null":{"aws:TokenIssueTime":"true"}}"#),
        allow(r#","Condition":{"DateGreaterThan":{"aws:CurrentTime":["2026-02-28","2024-02-29T23:59:59Z","2026-01-01T00:00:00.5+01:00"]},"DateLessThan":{"aws:EpochTime":"1767225600"}}"#),
        allow(r#","Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32","192.0.2.7","0.0.0.0/0"]},"BinaryEquals":{"k:v":"QmluYXJ5"}}"#),
    ] {
        let checked = check(&good, Rules::INLINE);
        assert!(checked.is_valid(), "{good}: {:?}", checked.findings);
    }
    let trust = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:root","AROAABCDEFGHIJKLMNOP"],"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]},
        {"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/V"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}}}]}"#;
    assert_eq!(errors(trust, Rules::TRUST), Vec::<String>::new());
    let bucket = r#"{"Version":"2012-10-17","Statement":{"Sid":"any sid of the service","Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"s3:*","Resource":"arn:aws:s3:::b"}}"#;
    assert_eq!(errors(bucket, Rules::RESOURCE), Vec::<String>::new());
    assert_eq!(errors(&allow(""), Rules::SCP), Vec::<String>::new());
}

/// Each document has one fault, which is said like this.
fn each_is_named(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let found = errors(text, Rules::INLINE);
        assert!(found.len() == 1 && found.iter().all(|f| f.starts_with(expected)), "{text}\n{expected}\n{found:?}");
    }
}

#[test]
fn each_fault_is_named_with_its_place_and_its_element() {
    each_is_named(&[
        ("", "1:1: There is nothing"),
        ("   \n ", "1:1: There is nothing"),
        ("{", "1:2: The document ends where a key"),
        ("[]", "1:1: The document must be an object, not a list"),
        ("{}x", "1:3: “x” is left after the end"),
        ("{\n  \"Version\": \"2012-10-17\",\n}", "3:1: No comma may stand before “}”"),
        ("{\n \"Statement\": [1,]}", "2:18: No comma may stand before “]”"),
        ("{'Version': 1}", "1:2: A key in double quotes is needed here, not “'”"),
        ("{\"Version\": 2012-10-17}", "1:13: 2012-10-17 is no number"),
        ("{\"Version\": yes}", "1:13: “yes” must stand in double quotes"),
        ("{\"a\": \"b}", "1:7: This text has no closing quote"),
        ("{\"a\": \"b\nc\"}", "1:9: U+000A must be escaped"),
        ("{\"a\" 1}", "1:6: “:” is needed here"),
        ("{\"a\": 1 \"b\": 2}", "1:9: “,” or “}” is needed here"),
        ("// no\n{}", "1:1: JSON has no comments"),
        ("{\"a\": \"\\x\"}", "1:8: This is no escape"),
        ("{\"a\": \"\\ud800\"}", "1:8: This is no escape"),
        ("{\"Version\": \"2012-10-17\", \"Version\": \"2012-10-17\"}", "1:27: The key “Version” stands twice"),
        ("{\"Version\": \"李\"}", "1:14: AWS takes Western European characters only, not U+674E"),
        (r#"{"Version":"2012-10-17"}"#, "1:1: The document needs a Statement"),
        (r#"{"Version":"2012-10-18","Statement":[]}"#, "1:12: Version: must be 2012-10-17"),
        (r#"{"Version":20121017,"Statement":[]}"#, "1:12: Version: must be a text, not a number"),
        (r#"{"version":"2012-10-17","Statement":[]}"#, "1:2: version: is no element of a policy. “Version” is"),
        (r#"{"Version":"2012-10-17","Statement":[],"Comment":"x"}"#, "1:40: Comment: is not known here"),
        (r#"{"Version":"2012-10-17","Statement":["x"]}"#, "1:38: Statement[0]: must be an object, not a text"),
        (r#"{"Version":"2012-10-17","Statement":null}"#, "1:37: Statement: must be an object, not null"),
        (&with(r#""Action":"s3:*","Resource":"*""#), "1:38: Statement[0]: needs an Effect"),
        (
            &with(r#""Effect":"allow","Action":"s3:*","Resource":"*""#),
            "1:48: Statement[0].Effect: must be Allow or Deny",
        ),
        (&with(r#""Effect":"Allow","Resource":"*""#), "1:38: Statement[0]: needs Action or NotAction"),
        (&with(r#""Effect":"Allow","Action":"s3:*""#), "1:38: Statement[0]: needs Resource or NotResource"),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*""#),
            "1:72: Statement[0].NotAction: must not stand beside Action",
        ),
        (&with(r#""Effect":"Allow","Action":[],"Resource":"*""#), "1:65: Statement[0].Action: must not be empty"),
        (
            &with(r#""Effect":"Allow","Actions":"s3:*","Action":"s3:*","Resource":"*""#),
            "1:56: Statement[0].Actions: is no element of a policy. “Action” is",
        ),
        (
            &with(r#""Effect":"Allow","Action":["s3:*",{}],"Resource":"*""#),
            "1:73: Statement[0].Action[1]: must be a text, not an object",
        ),
        (
            &with(r#""Effect":"Allow","Action":"GetObject","Resource":"*""#),
            "1:65: Statement[0].Action: must be * or a service",
        ),
        (
            &with(r#""Effect":"Allow","Action":"*:GetObject","Resource":"*""#),
            "1:65: Statement[0].Action: must name a service",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:Get Object","Resource":"*""#),
            "1:65: Statement[0].Action: must be a service",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:${aws:username}","Resource":"*""#),
            "1:65: Statement[0].Action: must not hold variables",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"bucket""#),
            "1:83: Statement[0].Resource: must be * or an ARN",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:s3:::b""#),
            "1:83: Statement[0].Resource: must name a partition",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3*:::b""#),
            "1:83: Statement[0].Resource: must name a service",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::1234:b""#),
            "1:83: Statement[0].Resource: must have an account of twelve digits",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::""#),
            "1:83: Statement[0].Resource: must name a resource",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username""#),
            "1:83: Statement[0].Resource: has a variable “${” without",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${${a:b}}""#),
            "1:83: Statement[0].Resource: must not hold a variable inside",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${username}""#),
            "1:83: Statement[0].Resource: has the variable “${username}”",
        ),
        (
            &with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username, none}""#),
            "1:83: Statement[0].Resource: has the default",
        ),
        (&allow(r#","Sid":"a b""#), "1:101: Statement[0].Sid: may have letters and digits only"),
        (&allow(r#","Principal":"*""#), "1:95: Statement[0].Principal: is not known here"),
    ]);
}

#[test]
fn each_fault_of_a_condition_is_named_too() {
    let condition = |inner: &str| allow(&format!(r#","Condition":{inner}"#));
    each_is_named(&[
        (&condition("[]"), "1:107: Statement[0].Condition: must be an object of operators"),
        (
            &condition(r#"{"StringEqual":{"a:b":"c"}}"#),
            "1:108: Statement[0].Condition.StringEqual: is no operator. “StringEquals” is",
        ),
        (
            &condition(r#"{"stringequals":{"a:b":"c"}}"#),
            "1:108: Statement[0].Condition.stringequals: is no operator. “StringEquals” is",
        ),
        (
            &condition(r#"{"NullIfExists":{"a:b":"true"}}"#),
            "1:108: Statement[0].Condition.NullIfExists: is no operator",
        ),
        (
            &condition(r#"{"ForSomeValues:Bool":{"a:b":"true"}}"#),
            "1:108: Statement[0].Condition.ForSomeValues:Bool: is no operator",
        ),
        (
            &condition(r#"{"StringEquals":"x"}"#),
            "1:123: Statement[0].Condition.StringEquals: must be an object of keys",
        ),
        (
            &condition(r#"{"StringEquals":{"nokey":"x"}}"#),
            "1:124: Statement[0].Condition.StringEquals.nokey: must be a key",
        ),
        (
            &condition(r#"{"StringEquals":{"a:b":null}}"#),
            "1:130: Statement[0].Condition.StringEquals.a:b: must be a text, not null",
        ),
        (
            &condition(r#"{"StringEquals":{"a:b":["x",{}]}}"#),
            "1:135: Statement[0].Condition.StringEquals.a:b[1]: must be a text",
        ),
        (&condition(r#"{"Bool":{"a:b":"yes"}}"#), "1:122: Statement[0].Condition.Bool.a:b: must be true or false"),
        (
            &condition(r#"{"NumericEquals":{"a:b":"ten"}}"#),
            "1:131: Statement[0].Condition.NumericEquals.a:b: must be a number",
        ),
        (
            &condition(r#"{"NumericEquals":{"a:b":"${a:b}"}}"#),
            "1:131: Statement[0].Condition.NumericEquals.a:b: must not hold variables",
        ),
        (
            &condition(r#"{"DateEquals":{"a:b":"2026-02-29"}}"#),
            "1:128: Statement[0].Condition.DateEquals.a:b: must be a date",
        ),
        (
            &condition(r#"{"DateEquals":{"a:b":"2026-01-01T25:00:00Z"}}"#),
            "1:128: Statement[0].Condition.DateEquals.a:b: must be a date",
        ),
        (
            &condition(r#"{"BinaryEquals":{"a:b":"abc"}}"#),
            "1:130: Statement[0].Condition.BinaryEquals.a:b: must be Base64",
        ),
        (
            &condition(r#"{"IpAddress":{"a:b":"192.0.2.0/33"}}"#),
            "1:127: Statement[0].Condition.IpAddress.a:b: must have a prefix",
        ),
        (
            &condition(r#"{"IpAddress":{"a:b":"192.0.2"}}"#),
            "1:127: Statement[0].Condition.IpAddress.a:b: must be an address",
        ),
        (&condition(r#"{"ArnLike":{"a:b":"role/x"}}"#), "1:125: Statement[0].Condition.ArnLike.a:b: must be an ARN"),
    ]);
}

#[test]
fn who_a_policy_is_about_belongs_to_roles_and_resources() {
    let trust = |rest: &str| with(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole"{rest}"#));
    for (text, expected) in [
        (trust(""), "Statement[0]: needs a Principal"),
        (trust(r#","Principal":"x""#), "Statement[0].Principal: must be * or an object"),
        (trust(r#","Principal":{}"#), "Statement[0].Principal: must not be empty"),
        (trust(r#","Principal":{"AWS":[]}"#), "Statement[0].Principal.AWS: must not be empty"),
        (trust(r#","Principal":{"Role":"x"}"#), "Statement[0].Principal.Role: is not known here"),
        (trust(r#","Principal":{"AWS":"1234"}"#), "Statement[0].Principal.AWS: must be twelve digits"),
        (
            trust(r#","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"}"#),
            "Statement[0].Principal.AWS: must be twelve",
        ),
        (trust(r#","Principal":{"Service":"ec2"}"#), "Statement[0].Principal.Service: must be a service"),
        (trust(r#","Principal":{"CanonicalUser":"x"}"#), "Statement[0].Principal.CanonicalUser: must be 64"),
        (trust(r#","NotPrincipal":{"AWS":"*"},"Principal":"*""#), "Statement[0].NotPrincipal: is not known here"),
        (trust(r#","Principal":"*","Resource":"*""#), "Statement[0].Resource: is not known here"),
        (with(r#""Effect":"Allow","Action":"s3:*","Principal":"*""#), "Statement[0].Action: must be an action of sts"),
    ] {
        let found = errors(&text, Rules::TRUST);
        assert!(found.len() <= 2 && found.iter().any(|f| f.contains(expected)), "{text}\n{expected}\n{found:?}");
    }
    assert_eq!(errors(&allow(r#","Principal":"*","NotPrincipal":"*""#), Rules::RESOURCE).len(), 1);
    assert_eq!(errors(&allow(r#","Principal":"*""#), Rules::SCP).len(), 1);
}

#[test]
fn names_of_statements_are_unique() {
    let two = r#"{"Version":"2012-10-17","Statement":[
{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},
{"Sid":"A","Effect":"Deny","Action":"s3:*","Resource":"*"}]}"#;
    assert_eq!(errors(two, Rules::INLINE), ["3:8: Statement[1].Sid: must be unique: “A” stands above already"]);
    assert_eq!(errors(&two.replace("\"A\"", "\"\""), Rules::INLINE), Vec::<String>::new(), "nameless ones may be many");
}

#[test]
fn what_is_seldom_meant_is_said_and_taken() {
    for (text, path) in [
        (with(r#""Effect":"Allow","Action":"*","Resource":"*""#), "Statement[0].Action"),
        (with(r#""Effect":"Allow","Action":"IAM:*","Resource":["*"]"#), "Statement[0].Action"),
        (with(r#""Effect":"Allow","Action":["s3:*","iam:PassRole"],"Resource":"*""#), "Statement[0].Action"),
        (with(r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#), "Statement[0].NotAction"),
        (with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3""#), "Statement[0].Resource"),
        (r#"{"Statement":[]}"#.replace("[]", &format!("[{}]", r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#)), ""),
        (r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), "Statement"),
        (
            with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}""#)
                .replace("2012-10-17", "2008-10-17"),
            "Statement[0].Resource",
        ),
        (
            allow(r#","Condition":{"StringEquals":{"aws:SourceIp":"192.0.2.1"}}"#),
            "Statement[0].Condition.StringEquals.aws:SourceIp",
        ),
        (
            allow(r#","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.1/24"}}"#),
            "Statement[0].Condition.IpAddress.aws:SourceIp",
        ),
        (allow(r#","Condition":{"StringEquals":{"a:b":[]}}"#), "Statement[0].Condition.StringEquals.a:b"),
    ] {
        assert!(check(&text, Rules::INLINE).is_valid(), "{text}");
        assert_eq!(warnings(&text), [path], "{text}");
    }
    assert_eq!(warnings(&with(r#""Effect":"Deny","Action":"*","Resource":"*""#)), Vec::<String>::new());
}

#[test]
fn a_policy_is_read_into_what_it_says() {
    let text = with(
        r#""Sid":"One","Effect":"Deny","NotAction":["S3:Get*"],"Resource":"arn:aws:s3:::a${*}/${aws:PrincipalTag/t, 'd'}/*?","Condition":{"ForAnyValue:StringNotLikeIfExists":{"aws:TagKeys":"x*"}}"#,
    );
    let policy = check(&text, Rules::INLINE).policy.unwrap();
    assert_eq!(policy.version, Version::V2012);
    let statement = policy.statements.first().unwrap();
    let get = Action::Of { service: "S3".to_owned(), name: "Get*".to_owned() };
    assert_eq!(statement.actions, Choice::AllBut(vec![get]));
    let Some(Choice::Only(resources)) = &statement.resources else { unreachable!("resources") };
    let plain = |text: &str| Part::Text(text.to_owned());
    let variable = Part::Variable { key: "aws:PrincipalTag/t".to_owned(), default: Some("d".to_owned()) };
    assert_eq!(
        resources.first().unwrap().parts,
        [plain("arn:aws:s3:::a*/"), variable, plain("/"), Part::Many, Part::One],
        "an escaped wildcard is a letter"
    );
    let condition = statement.conditions.first().unwrap();
    assert_eq!(condition.operator.set, Some(SetOperator::ForAnyValue));
    assert_eq!((condition.operator.comparison, condition.operator.if_exists), (Comparison::StringNotLike, true));
    assert_eq!(condition.values.first().unwrap().parts, [plain("x"), Part::Many]);
}

#[test]
fn administrators_are_known_by_what_they_may() {
    for (members, expected) in [
        (r#""Effect":"Allow","Action":"*","Resource":"*""#, true),
        (r#""Effect":"Allow","Action":["s3:*","iam:*"],"Resource":"*""#, true),
        (r#""Effect":"Allow","NotAction":"s3:*","Resource":"*""#, true),
        (r#""Effect":"Allow","NotAction":"iam:*","Resource":"*""#, false),
        (r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b""#, false),
        (r#""Effect":"Deny","Action":"*","Resource":"*""#, false),
        (r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#, false),
        (r#""Effect":"Allow","Action":"iam:Get*","Resource":"*""#, false),
    ] {
        assert_eq!(check(&with(members), Rules::INLINE).policy.unwrap().is_administrative(), expected, "{members}");
    }
}

#[test]
fn size_is_counted_as_aws_counts() {
    assert_eq!(size(" { \"a\" :\t1,\r\n\"ü\": 2 } "), 13);
    let fill = |count: usize| {
        let empty = with(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::""#).len();
        with(&format!(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{}""#, "x".repeat(count - empty)))
    };
    assert_eq!(errors(&fill(10_240), Rules::INLINE), Vec::<String>::new());
    assert_eq!(errors(&fill(10_241), Rules::INLINE).len(), 1);
    assert_eq!(errors(&fill(6_145), Rules::MANAGED).len(), 1);
    let spacious = format!("{}{}", fill(10_240), " ".repeat(LONGEST - 10_240));
    assert_eq!(errors(&spacious, Rules::INLINE), Vec::<String>::new(), "white space does not count");
    assert_eq!(errors(&format!("{spacious} "), Rules::INLINE).len(), 1, "up to the limit of the text itself");
}

#[test]
fn documents_that_mean_harm_are_refused_soon_and_say_little() {
    let deep = "[".repeat(LONGEST);
    let keys: String = (0..3_000).map(|n| format!("\"k{n}\":1,")).collect();
    let many: String = (0..5_000).map(|_| "1,").collect();
    let quotes = format!("{{\"a\":\"{}", "\\\"".repeat(10_000));
    let variables = with(&format!(r#""Effect":"Allow","Action":"s3:*","Resource":"{}""#, "${".repeat(4_000)));
    for text in [
        deep.clone(),
        deep.replace('[', "{\"a\":"),
        format!("{{{keys}\"z\":1}}"),
        format!(r#"{{"Version":"2012-10-17","Statement":[{many}1]}}"#),
        quotes,
        variables,
        "\u{feff}{}".to_owned(),
        "{\"a\":\"\u{202e}\"}".to_owned(),
        "\u{0}".repeat(1_000),
        "é".repeat(LONGEST + 1),
        "1e999999999".to_owned(),
        format!("-{}", "9".repeat(30_000)),
    ] {
        let checked = check(&text, Rules::INLINE);
        assert!(!checked.is_valid());
        assert!((1..=MOST_FINDINGS).contains(&checked.findings.len()));
        assert!(checked.findings.iter().all(|finding| finding.to_string().chars().count() < 400));
        assert!(checked.errors().next().is_some());
    }
}

#[test]
fn numbers_and_texts_are_those_of_json() {
    for good in ["0", "-0", "1.5", "1e5", "-1.5E-10", "\"\\u00e9\\n\\ud83d\\ude00\"", " [ ] ", "{\"\":null}", "true"] {
        assert!(json::read(good).is_ok(), "{good}");
    }
    for bad in [
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "- 1",
        "tru",
        "NaN",
        "\"\\ude00\"",
        "\"\t\"",
        "{\"a\":}",
        "{,}",
        "[,]",
        "[1 2]",
        "\"a\" 1",
        "{\"a\":1,\"\\u0061\":2}",
    ] {
        assert!(json::read(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let checked = check(&text, Rules::INLINE);
        prop_assert!(checked.is_valid() || checked.errors().next().is_some());
    }

    #[test]
    fn no_broken_policy_makes_it_panic(at in 0usize..400, cut in 0usize..20, put in "[\\[\\]{}\",:$*?a-z0-9 \\\\]{0,6}") {
        let whole = allow(r#","Condition":{"StringLike":{"aws:username":["${aws:PrincipalTag/a, 'b'}*"]},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#);
        let mut text: Vec<char> = whole.chars().collect();
        let from = at.min(text.len());
        let to = (from + cut).min(text.len());
        text.splice(from..to, put.chars());
        let text: String = text.into_iter().collect();
        for rules in [Rules::INLINE, Rules::TRUST, Rules::RESOURCE, Rules::SCP] {
            let checked = check(&text, rules);
            prop_assert!(checked.is_valid() || checked.errors().next().is_some());
            let lines = u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX);
            prop_assert!(checked.findings.iter().all(|finding| (1..=lines).contains(&finding.at.line)));
        }
    }

    #[test]
    fn json_is_read_as_others_read_it(value in prop::collection::vec(("[a-z\u{e9}\"\\\\\n]{0,5}", any::<i32>()), 0..5)) {
        let list: Vec<String> = value.iter().map(|(text, number)| format!("[{text:?},{number}]")).collect();
        let text = format!("[{}]", list.join(","));
        let json::Value::List(nodes) = json::read(&text).unwrap().value else { return Err(TestCaseError::fail("a list")) };
        for (node, (text, number)) in nodes.iter().zip(&value) {
            let json::Value::List(pair) = &node.value else { return Err(TestCaseError::fail("a pair")) };
            let read: Vec<json::Value> = pair.iter().map(|node| node.value.clone()).collect();
            prop_assert_eq!(read, vec![json::Value::Text(text.clone()), json::Value::Number(number.to_string())]);
        }
    }
}
