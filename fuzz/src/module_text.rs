//! What lies in the memory of a Wasm module and is said to be a value: read or refused, within its bounds; what was read comes
//! out of it as it went in; and where it is plain JSON, it is what JSON says.

use postern_policy::module_text::{ReadError, read, write};
use postern_rego::{MAX_NESTING, Value};

const ROOM: u64 = 1 << 20;

/// Reads `data` as a module's, writes it, and reads it again.
pub fn run(data: &[u8]) {
    let value = match read(data, ROOM) {
        Ok(value) => value,
        Err(error) => {
            // More room changes nothing but that there was too little of it.
            if let ReadError::Malformed(_) = error {
                assert_eq!(read(data, ROOM << 10), Err(error));
            }
            return;
        }
    };
    assert!(value.nesting() <= MAX_NESTING);
    assert!(
        value.weight() <= ROOM / 64,
        "{} in {} bytes",
        value.weight(),
        data.len()
    );
    let mut text = String::new();
    write(&value, &mut text);
    let again = read(text.as_bytes(), ROOM << 10).expect("what is written is read");
    assert!(value == again, "{value:?} became {again:?}");
    let mut twice = String::new();
    write(&again, &mut twice);
    assert_eq!(text, twice);
    // JSON has no sets, and means by the last of two members what is refused here.
    if let Ok(json) = Value::from_json_slice(data) {
        assert!(value == json, "{value:?} is {json:?} in JSON");
    }
}
