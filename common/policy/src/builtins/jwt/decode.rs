//! `io.jwt.decode`, with a memory of tokens: most requests bring one that was seen before.

use postern_rego::{Context, Value, host};

use super::super::Answer;
use super::cache::{self, Name};

/// Header, payload and signature of a token; verifies nothing.
pub(in super::super) fn decode(context: &mut Context<'_>, operands: &[Value]) -> Answer {
    let token = host::string(operands, 1)?;
    if let Some(name) = Name::of_decode(token) {
        if let Some(known) = cache::decoded(&name) {
            context.spend(host::jwt_decode_cost(token))?;
            return Ok(Some(known));
        }
        let decoded = host::jwt_decode(context, operands)?;
        if let Some(decoded) = &decoded {
            cache::keep_decoded(name, decoded.clone(), cache::bytes(token, &[decoded]));
        }
        return Ok(decoded);
    }
    host::jwt_decode(context, operands)
}
