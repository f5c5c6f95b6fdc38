use serde_json::Value as Json;

use super::*;

#[test]
fn forms_in_parts_are_read_and_refused_as_go_does_it() {
    let vectors = include_str!("vectors/go_multipart.jsonl");
    let (mut taken, mut refused) = (0, 0);
    for line in vectors.lines() {
        let vector: Json = serde_json::from_str(line).unwrap();
        let body = hex::decode(vector["body"].as_str().unwrap()).unwrap();
        let content_type = vector["type"].as_str().unwrap();
        let shown = || format!("{content_type}: {:?}", String::from_utf8_lossy(&body));
        match (
            parsed(content_type, &body),
            vector.get("error").and_then(Json::as_str),
        ) {
            (Ok(value), None) => {
                assert_eq!(value, Value::from(vector["value"].clone()), "{}", shown());
                taken += 1;
            }
            (Err(error), Some(wanted)) => {
                assert_eq!(error.as_opa_envoy(), wanted, "{}", shown());
                refused += 1;
            }
            (got, wanted) => panic!("{}: got {got:?}, wanted {wanted:?}", shown()),
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} {refused}");
}
