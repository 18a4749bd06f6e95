//! What a policy says, typed: what the grammar makes of a document, and what an evaluation goes by.

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which language it is written in.
    pub version: Version,
    /// Its own name, if it has one.
    pub id: Option<String>,
    /// What it allows and denies.
    pub statements: Vec<Statement>,
}

/// The versions of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2008-10-17`, also where none is named: knows no variables.
    V2008,
    /// `2012-10-17`
    V2012,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name.
    pub sid: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// For whom; only where the policy stands with a resource or a role.
    pub principals: Option<Choice<Principal>>,
    /// What.
    pub actions: Choice<Action>,
    /// Where; nothing in the trust policy of a role.
    pub resources: Option<Choice<Template>>,
    /// When: all of these must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// What is meant: these, or all but these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<T> {
    /// Any of these.
    Only(Vec<T>),
    /// Everything but these.
    AllBut(Vec<T>),
}

/// Actions: everything, or those of a service that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `*`
    Any,
    /// `s3:Get*`; compared without regard to case.
    Of {
        /// `s3`
        service: String,
        /// `Get*`, with `*` and `?`.
        name: String,
    },
}

/// Somebody a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `*`: everybody.
    Anyone,
    /// An account, a user, a role or a session: an ARN, twelve digits, an id of AWS's, or `*`.
    Aws(String),
    /// A service, such as `ec2.amazonaws.com`.
    Service(String),
    /// An identity provider.
    Federated(String),
    /// An account by its canonical id.
    CanonicalUser(String),
}

/// One condition: a key of the request compared with values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How.
    pub operator: Operator,
    /// `aws:SourceIp`; compared without regard to case.
    pub key: String,
    /// With what: one of these must fit, or none of them where the operator negates.
    pub values: Vec<Template>,
}

/// An operator with what stands before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// For keys with several values: `ForAllValues:` or `ForAnyValue:`.
    pub set: Option<SetOperator>,
    /// The comparison.
    pub comparison: Comparison,
    /// `…IfExists`: holds where the request has no such key.
    pub if_exists: bool,
}

/// How the values of a request are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// Each of them must fit.
    ForAllValues,
    /// One of them must fit.
    ForAnyValue,
}

macro_rules! comparisons {
    ($($name:ident: $kind:ident,)+) => {
        /// The comparisons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Comparison {
            $(#[doc = stringify!($name)] $name,)+
        }

        impl Comparison {
            /// All of them.
            pub const ALL: &'static [Comparison] = &[$(Comparison::$name),+];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What it compares.
            pub fn values(self) -> ValueKind {
                match self {
                    $(Self::$name => ValueKind::$kind,)+
                }
            }
        }
    };
}

comparisons! {
    StringEquals: Text,
    StringNotEquals: Text,
    StringEqualsIgnoreCase: Text,
    StringNotEqualsIgnoreCase: Text,
    StringLike: Text,
    StringNotLike: Text,
    NumericEquals: Number,
    NumericNotEquals: Number,
    NumericLessThan: Number,
    NumericLessThanEquals: Number,
    NumericGreaterThan: Number,
    NumericGreaterThanEquals: Number,
    DateEquals: Date,
    DateNotEquals: Date,
    DateLessThan: Date,
    DateLessThanEquals: Date,
    DateGreaterThan: Date,
    DateGreaterThanEquals: Date,
    Bool: Bool,
    BinaryEquals: Binary,
    IpAddress: Address,
    NotIpAddress: Address,
    ArnEquals: Arn,
    ArnLike: Arn,
    ArnNotEquals: Arn,
    ArnNotLike: Arn,
    Null: Bool,
}

/// What a comparison takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Any text; may hold variables.
    Text,
    /// A number.
    Number,
    /// A date or a moment.
    Date,
    /// `true` or `false`.
    Bool,
    /// Base64.
    Binary,
    /// An address or a range of addresses.
    Address,
    /// An ARN with wildcards; may hold variables.
    Arn,
}

impl Operator {
    /// Reads an operator as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let (set, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(SetOperator::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(SetOperator::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let comparison = Comparison::ALL.iter().copied().find(|comparison| comparison.name() == name)?;
        // Whether a key exists is what `Null` asks itself.
        (comparison != Comparison::Null || !if_exists).then_some(Self { set, comparison, if_exists })
    }
}

/// A text with variables, and in most places with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// As it is written.
    pub text: String,
    /// What it consists of.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Taken literally.
    Text(String),
    /// `*`: any characters.
    Many,
    /// `?`: any one character.
    One,
    /// `${aws:username}` or `${aws:PrincipalTag/team, 'none'}`.
    Variable {
        /// The key of the request.
        key: String,
        /// What stands for it where the request has none.
        default: Option<String>,
    },
}

impl Template {
    /// Whether any variable stands in it.
    pub fn has_variables(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable { .. }))
    }

    /// Whether it is `*` and nothing else.
    pub fn is_anything(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| *part == Part::Many)
    }
}

impl Policy {
    /// Whether it hands out everything, or what leads to everything: `*` or all of IAM on all resources, without a condition.
    pub fn is_administrative(&self) -> bool {
        self.statements.iter().any(Statement::is_administrative)
    }
}

impl Statement {
    fn is_administrative(&self) -> bool {
        let everywhere = match &self.resources {
            Some(Choice::Only(resources)) => resources.iter().any(Template::is_anything),
            Some(Choice::AllBut(_)) => true,
            None => false,
        };
        let reaches = |action: &Action| match action {
            Action::Any => true,
            Action::Of { service, name } => service.eq_ignore_ascii_case("iam") && name.chars().all(|c| c == '*'),
        };
        let everything = match &self.actions {
            Choice::Only(actions) => actions.iter().any(reaches),
            // All but a few leaves all of IAM, unless that is what is left out.
            Choice::AllBut(actions) => !actions.iter().any(reaches),
        };
        self.effect == Effect::Allow && self.conditions.is_empty() && everywhere && everything
    }
}
