//! The document told piece by piece, for engines that keep it elsewhere than in values of ours: what most of it is, texts that
//! were borrowed, is never copied on the way.

use postern_rego::{Member, Sink, tell};

use super::document::InputDocument;
use super::headers::HeaderParts;
use super::members;
use super::reads::Part;

impl<H: HeaderParts + ?Sized> InputDocument<'_, H> {
    /// Tells those of `these` that are there: the same as [`Document::value`](postern_rego::Document::value) of the part that
    /// they are members of.
    pub(super) fn tell_members(&self, these: &[(&'static str, Part)], sink: &mut dyn Sink) {
        sink.begin_object();
        for (name, part) in these {
            self.tell_part(name, *part, sink);
        }
        sink.end_object();
    }

    fn tell_part(&self, name: &str, part: Part, sink: &mut dyn Sink) {
        if !self.reads().has(part) {
            return;
        }
        if let Some(text) = self.borrowed(part) {
            if !text.is_empty() {
                sink.key(name);
                sink.text(text);
            }
            return;
        }
        match part {
            Part::HttpHeaders if self.reads().has_all_headers() => {
                if !self.headers().is_empty() {
                    sink.key(name);
                    sink.begin_object();
                    for (name, value) in self.headers().iter() {
                        sink.key(name);
                        sink.text(value);
                    }
                    sink.end_object();
                }
            }
            Part::ParsedPath => {
                sink.key(name);
                sink.begin_array();
                let path = self.path().trim_start_matches('/');
                path.split('/').for_each(|segment| sink.text(segment));
                sink.end_array();
            }
            Part::HttpHeaderMap => {
                if let Some(rest) = self.request().rest {
                    rest.tell_header_map(&mut |sink| sink.key(name), sink);
                }
            }
            _ => match self.part(part) {
                None => {}
                Some(Member::Value(value)) => {
                    sink.key(name);
                    tell(value, sink);
                }
                Some(Member::Part(_)) => {
                    sink.key(name);
                    let inner = members::of(part);
                    if inner.is_empty() {
                        // Headers of which some are read.
                        tell(self.whole(part), sink);
                    } else {
                        self.tell_members(inner, sink);
                    }
                }
            },
        }
    }

    /// A part that is a text of the request, and absent where that is empty.
    fn borrowed(&self, part: Part) -> Option<&str> {
        let request = self.request();
        let (source, destination) = (request.source.as_ref(), request.destination.as_ref());
        Some(match part {
            Part::DestinationCertificate => destination.map_or("", |peer| peer.certificate),
            Part::DestinationPrincipal => destination.map_or("", |peer| peer.principal),
            Part::DestinationService => destination.map_or("", |peer| peer.service),
            Part::HttpBody => request.body,
            Part::HttpFragment => request.fragment,
            Part::HttpHost => request.host,
            Part::HttpId => request.id,
            Part::HttpMethod => request.method,
            Part::HttpPath => request.path,
            Part::HttpProtocol => request.protocol,
            Part::HttpQuery => request.query,
            Part::HttpScheme => request.scheme,
            Part::SourceCertificate => source.map_or("", |peer| peer.certificate),
            Part::SourcePrincipal | Part::PrincipalOfSource => source.map_or("", |peer| peer.principal),
            Part::SourceService => source.map_or("", |peer| peer.service),
            _ => return None,
        })
    }
}
