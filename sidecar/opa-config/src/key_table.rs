//! Every key of OPA's configuration, as of 1.22, and of the plugin's. docs/opa-configuration.md is written from it.

use crate::fate::Fate::{self, Honoured, NotHonoured, Refused};
use crate::fate::KnownKey;

const fn key(path: &'static str, fate: Fate) -> KnownKey {
    KnownKey { path, fate }
}

const AS_THERE: Fate = Honoured("");
const ONLY_PERIODIC: Fate =
    Honoured("`periodic`; `manual` is refused: it waits for a call that only a program around OPA can make");
const NOT_ONLY_GO: Fate =
    Refused("a plugin is Go code in another program; there is none here. Take the key out");
const NO_METADATA: Fate =
    Refused("not done yet; get the token with another container and name its file by `bearer.token_path`");
const NO_SPANS: Fate = NotHonoured("no spans are sent; `traceparent` is taken over from the request");
const NO_SUCH_API: Fate = NotHonoured("that part of OPA's HTTP API isn't served");

/// The keys, in the order of OPA's documentation.
pub const KEYS: &[KnownKey] = &[
    key("labels", AS_THERE),
    key(
        "services",
        Honoured("a map, or a list of services with their names"),
    ),
    key(
        "services.*.name",
        Honoured("in a list; in a map the key is the name"),
    ),
    key("services.*.url", Honoured("http and https")),
    key("services.*.headers", AS_THERE),
    key("services.*.allow_insecure_tls", AS_THERE),
    key(
        "services.*.response_header_timeout_seconds",
        Honoured("connecting included; 0 is 600 seconds here, and for ever in OPA"),
    ),
    key("services.*.tls.ca_cert", AS_THERE),
    key("services.*.tls.system_ca_required", AS_THERE),
    key(
        "services.*.type",
        Refused(
            "bundles from OCI registries aren't fetched; serve the bundle over HTTP, or pull it with another container and name it by `resource: file:///…`",
        ),
    ),
    key(
        "services.*.credentials.bearer.token",
        Honoured("after a redirect it doesn't go to another host or port; in OPA it goes to another port"),
    ),
    key("services.*.credentials.bearer.token_path", AS_THERE),
    key("services.*.credentials.bearer.scheme", AS_THERE),
    key("services.*.credentials.oauth2.grant_type", AS_THERE),
    key(
        "services.*.credentials.oauth2.token_url",
        Honoured("redirects of it aren't followed: what is sent there would go along"),
    ),
    key("services.*.credentials.oauth2.client_id", AS_THERE),
    key("services.*.credentials.oauth2.client_secret", AS_THERE),
    key("services.*.credentials.oauth2.signing_key", AS_THERE),
    key("services.*.credentials.oauth2.thumbprint", AS_THERE),
    key("services.*.credentials.oauth2.additional_claims", AS_THERE),
    key("services.*.credentials.oauth2.include_jti_claim", AS_THERE),
    key("services.*.credentials.oauth2.scopes", AS_THERE),
    key("services.*.credentials.oauth2.additional_headers", AS_THERE),
    key("services.*.credentials.oauth2.additional_parameters", AS_THERE),
    key("services.*.credentials.oauth2.client_assertion", AS_THERE),
    key("services.*.credentials.oauth2.client_assertion_path", AS_THERE),
    key("services.*.credentials.oauth2.client_assertion_type", AS_THERE),
    key(
        "services.*.credentials.oauth2.aws_kms",
        Refused(
            "keys in AWS KMS aren't used; sign with `signing_key`, or name an assertion by `client_assertion_path`",
        ),
    ),
    key(
        "services.*.credentials.oauth2.aws_signing",
        Refused(
            "keys in AWS KMS aren't used; sign with `signing_key`, or name an assertion by `client_assertion_path`",
        ),
    ),
    key(
        "services.*.credentials.oauth2.azure_keyvault",
        Refused(
            "keys in Azure Key Vault aren't used; sign with `signing_key`, or name an assertion by `client_assertion_path`",
        ),
    ),
    key(
        "services.*.credentials.oauth2.azure_signing",
        Refused(
            "keys in Azure Key Vault aren't used; sign with `signing_key`, or name an assertion by `client_assertion_path`",
        ),
    ),
    key("services.*.credentials.client_tls.cert", AS_THERE),
    key("services.*.credentials.client_tls.private_key", AS_THERE),
    key(
        "services.*.credentials.client_tls.private_key_passphrase",
        Honoured(
            "of a key that `openssl rsa -traditional -aes256` (or `-aes192`, `-aes128`) encrypted; DES isn't read",
        ),
    ),
    key(
        "services.*.credentials.client_tls.cert_reread_interval_seconds",
        Honoured("0 reads the files for each request; OPA does for each connection"),
    ),
    key("services.*.credentials.client_tls.ca_cert", AS_THERE),
    key("services.*.credentials.client_tls.system_ca_required", AS_THERE),
    key("services.*.credentials.s3_signing.service", AS_THERE),
    key("services.*.credentials.s3_signing.signature_version", AS_THERE),
    key(
        "services.*.credentials.s3_signing.environment_credentials",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.web_identity_credentials.aws_region",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.web_identity_credentials.session_name",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.web_identity_credentials.aws_domain",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.web_identity_credentials.iam_role_arn",
        NotHonoured("OPA takes `AWS_ROLE_ARN` in its place, too"),
    ),
    key(
        "services.*.credentials.s3_signing.web_identity_credentials.web_identity_token_file",
        NotHonoured("OPA takes `AWS_WEB_IDENTITY_TOKEN_FILE` in its place, too"),
    ),
    key(
        "services.*.credentials.s3_signing.profile_credentials.path",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.profile_credentials.profile",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.profile_credentials.aws_region",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.metadata_credentials.iam_role",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.metadata_credentials.aws_region",
        AS_THERE,
    ),
    key(
        "services.*.credentials.s3_signing.assume_role_credentials",
        Refused(
            "roles aren't assumed by another's keys; use `web_identity_credentials` or `metadata_credentials` with that role",
        ),
    ),
    key(
        "services.*.credentials.s3_signing.sso_credentials",
        Refused("SSO is for people; use another of the sources"),
    ),
    key("services.*.credentials.gcp_metadata", NO_METADATA),
    key("services.*.credentials.azure_managed_identity", NO_METADATA),
    key("services.*.credentials.plugin", NOT_ONLY_GO),
    key(
        "keys.*.key",
        Honoured(
            "a public key or certificate in PEM, or HMAC's secret; digests by MD5, SHA-1 and SHA-512-224 are refused",
        ),
    ),
    key("keys.*.private_key", AS_THERE),
    key("keys.*.algorithm", AS_THERE),
    key("keys.*.scope", AS_THERE),
    key("bundles.*.service", AS_THERE),
    key(
        "bundles.*.resource",
        Honoured(
            "a path below the service's address, or `file:///…`: an archive or a folder, read once, as in OPA",
        ),
    ),
    key("bundles.*.persist", AS_THERE),
    key(
        "bundles.*.size_limit_bytes",
        Honoured(
            "of each file, as in OPA; besides, an archive may have 256 MiB, and what is in it 1 GiB and 10,000 files",
        ),
    ),
    key("bundles.*.trigger", ONLY_PERIODIC),
    key("bundles.*.polling.min_delay_seconds", AS_THERE),
    key("bundles.*.polling.max_delay_seconds", AS_THERE),
    key(
        "bundles.*.polling.long_polling_timeout_seconds",
        Honoured(
            "a server that holds a request a minute longer than that is asked again; OPA waits for ever",
        ),
    ),
    key(
        "bundles.*.polling.superseded_etag_ttl_seconds",
        NotHonoured("only the ETag of the bundle in force is sent"),
    ),
    key("bundles.*.signing.keyid", AS_THERE),
    key("bundles.*.signing.scope", AS_THERE),
    key("bundles.*.signing.exclude_files", AS_THERE),
    key("bundles.*.signing.allow_unsigned_delta_bundles", AS_THERE),
    key(
        "bundle.name",
        Honoured("without `data.system.bundle.manifest`, of old; `data.system.bundles` is there"),
    ),
    key("bundle.prefix", AS_THERE),
    key("bundle.service", AS_THERE),
    key("bundle.trigger", ONLY_PERIODIC),
    key("bundle.polling.min_delay_seconds", AS_THERE),
    key("bundle.polling.max_delay_seconds", AS_THERE),
    key("bundle.polling.long_polling_timeout_seconds", AS_THERE),
    key(
        "bundle.polling.superseded_etag_ttl_seconds",
        NotHonoured("only the ETag of the bundle in force is sent"),
    ),
    key(
        "bundle.signing",
        Refused("OPA passes over it, so that nothing is verified; write `bundles` instead of `bundle`"),
    ),
    key(
        "bundle.resource",
        NotHonoured(
            "OPA passes over it, too, and takes `prefix` and `name`; write `bundles` instead of `bundle`",
        ),
    ),
    key(
        "bundle.persist",
        NotHonoured("OPA passes over it, too; write `bundles` instead of `bundle`"),
    ),
    key(
        "bundle.size_limit_bytes",
        NotHonoured("OPA passes over it, too; write `bundles` instead of `bundle`"),
    ),
    key("discovery.service", AS_THERE),
    key("discovery.resource", AS_THERE),
    key("discovery.decision", AS_THERE),
    key("discovery.name", AS_THERE),
    key("discovery.prefix", AS_THERE),
    key("discovery.persist", AS_THERE),
    key("discovery.trigger", ONLY_PERIODIC),
    key("discovery.polling.min_delay_seconds", AS_THERE),
    key("discovery.polling.max_delay_seconds", AS_THERE),
    key("discovery.polling.long_polling_timeout_seconds", AS_THERE),
    key(
        "discovery.polling.superseded_etag_ttl_seconds",
        NotHonoured("only the ETag of the bundle in force is sent"),
    ),
    key("discovery.signing.keyid", AS_THERE),
    key("discovery.signing.scope", AS_THERE),
    key("discovery.signing.exclude_files", AS_THERE),
    key("discovery.signing.allow_unsigned_delta_bundles", AS_THERE),
    key(
        "decision_logs.service",
        Honoured("where there are several services and no console, one must be named; OPA takes any"),
    ),
    key("decision_logs.partition_name", AS_THERE),
    key("decision_logs.resource", AS_THERE),
    key("decision_logs.console", AS_THERE),
    key("decision_logs.mask_decision", AS_THERE),
    key("decision_logs.drop_decision", AS_THERE),
    key(
        "decision_logs.nd_builtin_cache",
        NotHonoured("OPA reads it and passes over it, too; write `nd_builtin_cache` at the top"),
    ),
    key("decision_logs.plugin", NOT_ONLY_GO),
    key(
        "decision_logs.request_context",
        NotHonoured("it is about requests of OPA's HTTP API, not about Envoy's Checks"),
    ),
    key("decision_logs.reporting.buffer_type", AS_THERE),
    key("decision_logs.reporting.buffer_size_limit_bytes", AS_THERE),
    key("decision_logs.reporting.buffer_size_limit_events", AS_THERE),
    key("decision_logs.reporting.upload_size_limit_bytes", AS_THERE),
    key("decision_logs.reporting.min_delay_seconds", AS_THERE),
    key("decision_logs.reporting.max_delay_seconds", AS_THERE),
    key("decision_logs.reporting.max_decisions_per_second", AS_THERE),
    key(
        "decision_logs.reporting.trigger",
        Honoured(
            "`periodic` and `immediate`; `manual` is refused: it waits for a call that only a program around OPA can make",
        ),
    ),
    key(
        "status.service",
        Honoured(
            "where there are several services, and neither console nor prometheus, one must be named; OPA takes any",
        ),
    ),
    key("status.partition_name", AS_THERE),
    key("status.console", AS_THERE),
    key("status.prometheus", AS_THERE),
    key(
        "status.prometheus_config.collectors.bundle_loading_duration_ns.buckets",
        AS_THERE,
    ),
    key("status.trigger", ONLY_PERIODIC),
    key("status.plugin", NOT_ONLY_GO),
    key(
        "plugins",
        Honoured(
            "the plugin by one of its names, `envoy_ext_authz_grpc` and `envoy.ext_authz.grpc`; any other is refused, as in OPA",
        ),
    ),
    key(
        "plugins.*.addr",
        Honoured("host:port, unix:///path, unix://@name"),
    ),
    key("plugins.*.path", AS_THERE),
    key(
        "plugins.*.query",
        Honoured(
            "a plain reference (`data.envoy.authz.allow`); any other is refused: make a rule of it and name it by `path`",
        ),
    ),
    key("plugins.*.dry-run", AS_THERE),
    key(
        "plugins.*.on-policy-error",
        Honoured(
            "ours: `error` is what the plugin does where policy fails, gRPC's `UNKNOWN` or `DEADLINE_EXCEEDED`, and the default; `deny` answers 500 with a problem document, which `failure_mode_allow` doesn't let through. The plugin passes over it",
        ),
    ),
    key("plugins.*.enable-reflection", AS_THERE),
    key("plugins.*.proto-descriptor", AS_THERE),
    key("plugins.*.grpc-max-recv-msg-size", AS_THERE),
    key("plugins.*.grpc-max-send-msg-size", AS_THERE),
    key("plugins.*.skip-request-body-parse", AS_THERE),
    key("plugins.*.enable-performance-metrics", AS_THERE),
    key("plugins.*.grpc-request-duration-seconds-buckets", AS_THERE),
    key("default_decision", NO_SUCH_API),
    key(
        "default_authorization_decision",
        NotHonoured("authorization of the HTTP API isn't offered"),
    ),
    key(
        "caching.inter_query_builtin_cache.max_size_bytes",
        Honoured("0, and none, is 64 MiB here, and no bound in OPA; an answer is counted with its headers"),
    ),
    key(
        "caching.inter_query_builtin_cache.forced_eviction_threshold_percentage",
        NotHonoured("the cache makes room by its own rule; only speed depends on it"),
    ),
    key(
        "caching.inter_query_builtin_cache.stale_entry_eviction_period_seconds",
        NotHonoured("what is stale is never served, and makes room when it is needed"),
    ),
    key(
        "caching.inter_query_builtin_value_cache",
        NotHonoured("compiled patterns and the like are kept by rules of our own; only speed depends on it"),
    ),
    key(
        "nd_builtin_cache",
        Honoured(
            "for it the decision is made once more, on the log's own thread; operands are told as they are, tokens and secrets, too: mask them",
        ),
    ),
    key("persistence_directory", AS_THERE),
    key("distributed_tracing", NO_SPANS),
    key(
        "metrics_export",
        NotHonoured("metrics are scraped from `/metrics`"),
    ),
    key("server.metrics", NO_SUCH_API),
    key("server.encoding", NO_SUCH_API),
    key("server.decoding", NO_SUCH_API),
    key("server.logger_plugin", NOT_ONLY_GO),
    key(
        "server.authorization",
        NotHonoured("unknown, to OPA, too; it has `--authorization`"),
    ),
    key(
        "server.authentication",
        NotHonoured("unknown, to OPA, too; it has `--authentication`"),
    ),
    key(
        "storage.disk",
        Refused("data is kept in memory only; take the key out"),
    ),
];
