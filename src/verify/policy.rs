//! Who may ask for what: the authority table of DESIGN §2 as data, with its rows as the default.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{Role, Scope, stored_enum};

stored_enum! {
    /// Whom a request is about, seen from its asker.
    Target, "target" {
        /// The asker.
        Oneself = "oneself",
        /// The account as a whole.
        Account = "account",
        /// The owner, where the asker is somebody else.
        Owner = "owner",
        /// Another user.
        User = "user",
        /// Another end-user.
        EndUser = "end_user",
    }
}

stored_enum! {
    /// What follows from who asks for what.
    Rule, "rule" {
        /// The asker is challenged, and their word suffices.
        Challenge = "challenge",
        /// The asker is challenged, then the owner is asked to approve.
        ChallengeThenOwnerApproval = "challenge_then_owner_approval",
        /// The owner, who is the controller, is told (Art. 28(3)(e) GDPR); nothing is decided here.
        ForwardToOwner = "forward_to_owner",
        /// A person of the team decides.
        Review = "review",
    }
}

/// One row of `[authority]`: it replaces the default row of the same role, scope and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRow {
    /// Who asks.
    pub role: Role,
    /// For what.
    pub scope: Scope,
    /// About whom.
    pub target: Target,
    /// What follows.
    pub rule: Rule,
}

/// `[authority]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySettings {
    /// The rows that differ from the default.
    #[serde(default)]
    pub rows: Vec<AuthorityRow>,
}

/// Two rows for one case.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("two rows for role {role}, scope {scope}, target {target}; keep one")]
pub struct DoubleRow {
    /// Who asks.
    pub role: Role,
    /// For what.
    pub scope: Scope,
    /// About whom.
    pub target: Target,
}

/// The checked table. It answers for every combination.
#[derive(Clone, Debug, Default)]
pub struct AuthorityTable {
    rows: BTreeMap<(Role, Scope, Target), Rule>,
}

impl AuthorityTable {
    /// The default table with these rows instead of its own.
    ///
    /// # Errors
    /// [`DoubleRow`] where two rows speak of the same case.
    pub fn new(settings: &AuthoritySettings) -> Result<Self, DoubleRow> {
        let mut rows = BTreeMap::new();
        for AuthorityRow { role, scope, target, rule } in settings.rows.iter().copied() {
            if rows.insert((role, scope, target), rule).is_some() {
                return Err(DoubleRow { role, scope, target });
            }
        }
        Ok(Self { rows })
    }

    /// What follows when somebody of this role asks for this about this person.
    #[must_use]
    pub fn rule(&self, role: Role, scope: Scope, target: Target) -> Rule {
        self.rows.get(&(role, scope, target)).copied().unwrap_or_else(|| default_rule(role, scope, target))
    }

    /// What follows once a person of the team has looked and said how much is asked for: a configured `review` has had
    /// its look, and what the default has for the case follows. What the default leaves to a person stays theirs to end:
    /// no operator's word lets a user close an account.
    #[must_use]
    pub fn rule_once_reviewed(&self, role: Role, scope: Scope, target: Target) -> Rule {
        match self.rule(role, scope, target) {
            Rule::Review => default_rule(role, scope, target),
            rule => rule,
        }
    }
}

/// The default: what DESIGN §2 permits, and a person for everything else.
const fn default_rule(role: Role, scope: Scope, target: Target) -> Rule {
    match (scope, role, target) {
        // Only the owner closes the account.
        (Scope::Account, Role::Owner, Target::Account | Target::Oneself)
        // A user's profile is the owner's to erase, the owner's own is not while the account lives.
        | (Scope::User, Role::Owner, Target::User)
        | (Scope::EndUser, Role::Owner | Role::User, Target::EndUser)
        // Named data: as for the profile that they belong to.
        | (Scope::Data, Role::Owner, _)
        | (Scope::Data, Role::User, Target::EndUser) => Rule::Challenge,
        (Scope::User | Scope::Data, Role::User, Target::Oneself) => Rule::ChallengeThenOwnerApproval,
        (Scope::EndUser | Scope::Data, Role::EndUser, Target::Oneself) => Rule::ForwardToOwner,
        _ => Rule::Review,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default written out, case by case, by hand from DESIGN §2; what is not here goes to a person.
    const PERMITTED: &[(Role, Scope, Target, Rule)] = &[
        (Role::Owner, Scope::Account, Target::Account, Rule::Challenge),
        (Role::Owner, Scope::Account, Target::Oneself, Rule::Challenge),
        (Role::Owner, Scope::User, Target::User, Rule::Challenge),
        (Role::Owner, Scope::EndUser, Target::EndUser, Rule::Challenge),
        (Role::Owner, Scope::Data, Target::Account, Rule::Challenge),
        (Role::Owner, Scope::Data, Target::Oneself, Rule::Challenge),
        (Role::Owner, Scope::Data, Target::Owner, Rule::Challenge),
        (Role::Owner, Scope::Data, Target::User, Rule::Challenge),
        (Role::Owner, Scope::Data, Target::EndUser, Rule::Challenge),
        (Role::User, Scope::EndUser, Target::EndUser, Rule::Challenge),
        (Role::User, Scope::Data, Target::EndUser, Rule::Challenge),
        (Role::User, Scope::User, Target::Oneself, Rule::ChallengeThenOwnerApproval),
        (Role::User, Scope::Data, Target::Oneself, Rule::ChallengeThenOwnerApproval),
        (Role::EndUser, Scope::EndUser, Target::Oneself, Rule::ForwardToOwner),
        (Role::EndUser, Scope::Data, Target::Oneself, Rule::ForwardToOwner),
    ];

    #[test]
    fn the_default_is_the_designs() {
        let table = AuthorityTable::default();
        for role in Role::ALL {
            for scope in Scope::ALL {
                for target in Target::ALL {
                    let listed = PERMITTED.iter().find(|row| (row.0, row.1, row.2) == (*role, *scope, *target));
                    let expected = listed.map_or(Rule::Review, |row| row.3);
                    assert_eq!(table.rule(*role, *scope, *target), expected, "{role} {scope} {target}");
                }
            }
        }
    }

    #[test]
    fn a_row_replaces_its_case_and_no_other() {
        let text = r#"rows = [{ role = "user", scope = "user", target = "oneself", rule = "challenge" }]"#;
        let table = AuthorityTable::new(&toml::from_str(text).unwrap()).unwrap();
        assert_eq!(table.rule(Role::User, Scope::User, Target::Oneself), Rule::Challenge);
        assert_eq!(table.rule(Role::User, Scope::Data, Target::Oneself), Rule::ChallengeThenOwnerApproval);
    }

    #[test]
    fn double_rows_and_unknown_words_are_errors() {
        let row = r#"{ role = "user", scope = "user", target = "oneself", rule = "challenge" }"#;
        let settings: AuthoritySettings = toml::from_str(&format!("rows = [{row}, {row}]")).unwrap();
        assert!(AuthorityTable::new(&settings).is_err());
        for text in
            [row.replace("oneself", "everyone"), row.replace("rule", "rules"), row.replace("\"user\"", "\"admin\"")]
        {
            assert!(toml::from_str::<AuthoritySettings>(&format!("rows = [{text}]")).is_err());
        }
    }
}
