//! Claims that must be there, with a value or any (R1.3): of an issuer's tokens, looked at when they are verified, and of a
//! route's callers, looked at on each check. Reads the top level alone.

use postern_rego::Value;
use postern_telemetry::Code;

use crate::refusal::Refusal;
use crate::routes::RequiredClaim;

/// Whether the claims have what is required. A claim that is an array has each of its elements' values; `null` is none.
///
/// # Errors
/// `token_missing_claim` and `token_claim_mismatch`; both name the claim, neither a value.
pub(crate) fn check(required: &[RequiredClaim], claims: &Value) -> Result<(), Refusal> {
    for claim in required {
        match claims.get(&claim.name) {
            None | Some(Value::Null) => {
                return Err(Refusal::new(
                    Code::TokenMissingClaim,
                    format!("the token lacks the claim `{}`", claim.name),
                ));
            }
            Some(value) if meets(claim, value) => {}
            Some(_) => {
                return Err(Refusal::new(
                    Code::TokenClaimMismatch,
                    format!(
                        "the token's claim `{}` has none of the required values",
                        claim.name
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn meets(claim: &RequiredClaim, value: &Value) -> bool {
    claim.one_of.is_empty()
        || claim.one_of.contains(value)
        || value
            .as_array()
            .is_some_and(|elements| elements.iter().any(|element| claim.one_of.contains(element)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_claims(claims: &str, expected: Option<Code>) {
        let required = [
            RequiredClaim {
                name: "tenant".into(),
                one_of: Box::from([Value::from("acme"), Value::from("beta")]),
            },
            RequiredClaim {
                name: "email".into(),
                one_of: Box::default(),
            },
            RequiredClaim {
                name: "verified".into(),
                one_of: Box::from([Value::from(true)]),
            },
        ];
        let found = check(&required, &Value::from_json_str(claims).unwrap());
        assert_eq!(found.err().map(|refusal| refusal.code), expected, "{claims}");
    }

    #[test]
    fn each_claim_must_be_there_with_one_of_its_values() {
        check_claims(r#"{"tenant":"beta","email":0,"verified":true}"#, None);
        check_claims(r#"{"tenant":["x","acme"],"email":"","verified":true}"#, None);
        for missing in [
            r#"{"tenant":"acme","verified":true}"#,
            r#"{"tenant":"acme","email":null,"verified":true}"#,
        ] {
            check_claims(missing, Some(Code::TokenMissingClaim));
        }
        for other in [
            r#"{"tenant":"Acme","email":0,"verified":true}"#,
            r#"{"tenant":["x"],"email":0,"verified":true}"#,
            r#"{"tenant":{"acme":"acme"},"email":0,"verified":true}"#,
            r#"{"tenant":"acme","email":0,"verified":"true"}"#,
            r#"{"tenant":"acme","email":0,"verified":1}"#,
        ] {
            check_claims(other, Some(Code::TokenClaimMismatch));
        }
    }
}
