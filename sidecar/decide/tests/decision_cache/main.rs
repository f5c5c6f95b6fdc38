//! What a policy answered is remembered, and never makes an answer differ from what evaluation gives (P16, P17).

#[cfg(test)]
mod asking;
#[cfg(test)]
mod candidate;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod property;
#[cfg(test)]
mod stated;
#[cfg(test)]
#[path = "../world/mod.rs"]
mod world;
