//! The document told piece by piece, for engines that keep it elsewhere than in values of ours: what most of it is, texts that
//! were borrowed, is never copied on the way.

use postern_rego::{Member, Parts, Sink, tell};

use super::document::{InputDocument, number};
use super::headers::HeaderParts;
use super::members;
use super::reads::Part;
use super::{Bodies, Extent, PosternParts, Rest};

impl<H: HeaderParts + ?Sized> InputDocument<'_, H> {
    /// Tells those of `these` that are there: the same as [`Document::value`](postern_rego::Document::value) of the part that
    /// they are members of, but for those that aren't `wanted`.
    pub(super) fn tell_members(&self, these: &[(&'static str, Part)], wanted: Parts, sink: &mut dyn Sink) {
        sink.begin_object();
        for (name, part) in these {
            if !self.reads().has(*part) {
                continue;
            }
            if wanted.has(number(*part)) {
                self.tell_part(name, *part, wanted, sink);
            } else if self.is_there(*part) {
                sink.key(name);
                sink.left_out(number(*part));
            }
        }
        sink.end_object();
    }

    fn tell_part(&self, name: &str, part: Part, wanted: Parts, sink: &mut dyn Sink) {
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
                        self.tell_members(inner, wanted, sink);
                    }
                }
            },
        }
    }

    /// Whether a part is there, found out without making it. Each is named, so that a further one must be thought about here.
    fn is_there(&self, part: Part) -> bool {
        if let Some(text) = self.borrowed(part) {
            return !text.is_empty();
        }
        let request = self.request();
        let (source, destination) = (request.source.as_ref(), request.destination.as_ref());
        let rest = request.rest;
        let of_postern = |is_there: fn(&PosternParts<'_>) -> bool| self.postern().is_some_and(is_there);
        match part {
            Part::Version | Part::ParsedPath => true,
            Part::Attributes => request.extent >= Extent::Attributes,
            Part::Request => request.extent >= Extent::Request,
            Part::Http => request.extent >= Extent::Http,
            Part::Destination => destination.is_some(),
            Part::DestinationAddress => destination.is_some_and(|peer| peer.address.is_some()),
            Part::DestinationLabels => destination.is_some_and(|peer| !peer.labels.is_empty()),
            Part::Source => source.is_some(),
            Part::SourceAddress => source.is_some_and(|peer| peer.address.is_some()),
            Part::SourceLabels => source.is_some_and(|peer| !peer.labels.is_empty()),
            Part::ContextExtensions => !request.context_extensions.is_empty(),
            Part::HttpHeaders => !self.headers().is_empty(),
            Part::HttpHeaderMap => rest.is_some_and(Rest::has_header_map),
            Part::HttpRawBody => !request.raw_body.is_empty(),
            Part::HttpSize => request.size != 0,
            Part::MetadataContext => rest.is_some_and(Rest::has_metadata_context),
            Part::RouteMetadataContext => rest.is_some_and(Rest::has_route_metadata_context),
            Part::RequestTime => request.time.is_some(),
            Part::TlsSession => request.tls_sni.is_some(),
            Part::TruncatedBody => request.bodies != Bodies::Never,
            // Made already, since they may be ill-formed.
            Part::ParsedBody | Part::ParsedQuery => self.part(part).is_some(),
            Part::PosternApiKey => of_postern(|parts| parts.api_key.is_some()),
            Part::PosternAuth => of_postern(|parts| !parts.auth.is_empty()),
            Part::PosternClaims => of_postern(|parts| parts.claims.is_some()),
            Part::PosternClientId => of_postern(|parts| parts.client_id.is_some()),
            Part::PosternIssuer => of_postern(|parts| parts.issuer.is_some()),
            Part::Postern | Part::PosternPath | Part::PosternScopes => self.postern().is_some(),
            Part::PosternPeer => of_postern(|parts| parts.peer_spiffe_id.is_some()),
            Part::PosternRoute => of_postern(|parts| parts.route.is_some()),
            Part::PosternSubject => of_postern(|parts| parts.subject.is_some()),
            // Texts of the request, as above.
            Part::DestinationCertificate
            | Part::DestinationPrincipal
            | Part::DestinationService
            | Part::HttpBody
            | Part::HttpFragment
            | Part::HttpHost
            | Part::HttpId
            | Part::HttpMethod
            | Part::HttpPath
            | Part::HttpProtocol
            | Part::HttpQuery
            | Part::HttpScheme
            | Part::PrincipalOfSource
            | Part::SourceCertificate
            | Part::SourcePrincipal
            | Part::SourceService => false,
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
