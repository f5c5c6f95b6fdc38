//! What goes into an instance's memory, and what is read from it.

use std::sync::Arc;

use postern_rego::{Input, Parts, Value, tell};

use super::host::{memory_used_up, terminated, unreadable};
use super::instance::{Instance, Made, length, no_memory};
use super::state::Failure;
use crate::module_text::{read, write};

impl Instance {
    /// Puts the input where evaluations begin to use memory; 0 is no input.
    pub(super) fn placed(&mut self, input: Input<'_>, wanted: Parts) -> Made<u32> {
        let exports = Arc::clone(&self.exports);
        if self.is_direct {
            let mut direct = std::mem::take(&mut self.direct);
            direct.begin(self.heap);
            match input {
                Input::Undefined => {}
                Input::Value(value) => tell(value, &mut direct),
                Input::Document(document) => document.tell(wanted, &mut direct),
            }
            let placed = match direct.end() {
                Some((bytes, address)) => {
                    let put = self
                        .put(self.heap, bytes)
                        .and_then(|()| self.end_of(self.heap, bytes.len()));
                    put.and_then(|end| self.call(&exports.set_heap, end))
                        .map(|()| Some(address))
                }
                None => Ok(None),
            };
            self.direct = direct;
            if let Some(address) = placed? {
                return Ok(address);
            }
        }
        let value = match input {
            Input::Undefined => {
                self.call(&exports.set_heap, self.heap)?;
                return Ok(0);
            }
            Input::Value(value) => value,
            Input::Document(document) => document.value(postern_rego::Part::WHOLE),
        };
        let mut text = String::new();
        write(value, &mut text);
        self.put(self.heap, text.as_bytes())?;
        let end = self.end_of(self.heap, text.len())?;
        self.call(&exports.set_heap, end)?;
        match self.call(&exports.parse, (self.heap, length(text.len())?))? {
            0 => Err(Failure::Broken("it doesn't take the input".to_owned())),
            address => Ok(address),
        }
    }

    pub(super) fn dumped_text(&mut self, value: u32) -> Made<Vec<u8>> {
        let exports = Arc::clone(&self.exports);
        let address = self.call(&exports.dump, value)?;
        let text = terminated(exports.memory, &self.store, address);
        text.map(<[u8]>::to_vec)
            .ok_or_else(|| Failure::Broken("what it writes isn't in memory".to_owned()))
    }

    pub(super) fn dumped(&mut self, value: u32, room: u64) -> Made<Value> {
        let exports = Arc::clone(&self.exports);
        let address = self.call(&exports.dump, value)?;
        let text = terminated(exports.memory, &self.store, address);
        let text = text.ok_or_else(|| Failure::Broken("what it writes isn't in memory".to_owned()))?;
        read(text, room).map_err(|error| unreadable("what it answers", error, room))
    }

    /// Writes into memory, which grows where it must.
    pub(super) fn put(&mut self, at: u32, bytes: &[u8]) -> Made<()> {
        let memory = self.exports.memory;
        let end = (at as usize).checked_add(bytes.len()).ok_or_else(no_memory)?;
        let size = memory.data_size(&self.store);
        if let Some(more) = end.checked_sub(size) {
            let pages = more as u64 / (1 << 16) + 1;
            let grown = memory.grow(&mut self.store, pages);
            grown.map_err(|_| memory_used_up(&self.store.data().memory))?;
        }
        memory
            .write(&mut self.store, at as usize, bytes)
            .map_err(|_| no_memory())
    }

    /// Where what comes after so many bytes may begin.
    pub(super) fn end_of(&self, at: u32, length: usize) -> Made<u32> {
        let end = u32::try_from(length)
            .ok()
            .and_then(|length| at.checked_add(length));
        end.and_then(|end| end.checked_next_multiple_of(8))
            .ok_or_else(no_memory)
    }
}
