//! What a route accepts: each kind of credential, `any` and `all` of them, and that nobody is let in as less than they
//! claimed to be.

#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod combined;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod opaque;
#[cfg(test)]
#[path = "../world/mod.rs"]
mod world;
