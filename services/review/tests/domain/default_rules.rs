//! The built-in rules, each with a text that it must find and one that it must not.
//!
//! The samples are put together when the test runs: nothing in this file has the form of a secret.

use septet_review::rules::RuleSet;

use crate::samples::{Random, expand, scanner};

/// Rule, a template that it finds, and one that comes near.
const TABLE: &[(&str, &str, &str)] = &[
    // Cloud providers.
    ("aws-access-key-id", "key = AKIA{B16}", "key = AKIA{B12}"),
    ("aws-secret-access-key", "aws_secret_access_key = {b40}", "aws_secret_access_key = {b30}"),
    ("aws-session-token", "AWS_SESSION_TOKEN={b200}", "AWS_SESSION_TOKEN={b60}"),
    ("aws-bedrock-api-key", r#"x = "ABSK{b120}""#, r#"x = "ABSK{b40}""#),
    ("aws-mws-token", "mws: amzn.mws.{g0}", "mws: amzn.mws.{h20}"),
    ("gcp-api-key", "maps?key=AIza{a35}&x", "maps?key=AIza{a20}&x"),
    ("gcp-oauth-client-secret", r#""GOCSPX-{w28}""#, r#""GOCSPX-{w12}""#),
    ("gcp-oauth-access-token", "t=ya29.{w80}", "t=ya29.{w20}"),
    ("gcp-oauth-refresh-token", r#"r = "1//0{w90}""#, r#"r = "1//0{w20}""#),
    ("gcp-service-account-key", r#""private_key_id": "{h40}","#, r#""private_key_id": "{h12}","#),
    ("firebase-messaging-key", r#"fcm: "AAAA{w7}:APA91b{w134}""#, r#"fcm: "AAAA{w7}:{w40}""#),
    (
        "azure-storage-account-key",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b86}==;",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b40}==;",
    ),
    ("azure-client-secret", "secret: {a3}8Q~{a34}", "secret: {a3}8Q~{a10}"),
    (
        "azure-sas-signature",
        "https://x.blob.core.windows.net/c?sv=2024-01-01&se=1&sig={a43}%3D",
        "https://x.blob.core.windows.net/c?sv=2024-01-01&se=1&sig={a12}%3D",
    ),
    (
        "azure-shared-access-key",
        "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey={b43}=",
        "Endpoint=sb://x/;SharedAccessKeyName=a;SharedAccessKey={b20}=",
    ),
    ("azure-devops-token", "pat={a76}AZDO{a4}", "pat={a40}AZDO{a4}"),
    ("digitalocean-token", "dop_v1_{h64}", "dop_v1_{h32}"),
    ("alibaba-access-key-id", "id: LTAI{a20}", "id: LTAI{a10}"),
    ("alibaba-access-key-secret", "ALICLOUD_SECRET_KEY={a30}", "ALICLOUD_SECRET_KEY={a18}"),
    ("cloudflare-api-token", "CLOUDFLARE_API_TOKEN={a40}", "CLOUDFLARE_API_TOKEN={a20}"),
    ("cloudflare-global-key", "CLOUDFLARE_API_KEY: {h37}", "CLOUDFLARE_API_KEY: {h36}"),
    ("cloudflare-origin-ca-key", "v1.0-{h24}-{h146}", "v1.0-{h24}-{h40}"),
    ("heroku-api-token", "HRKU-AA{a58}", "HRKU-AA{a20}"),
    ("heroku-api-key", "HEROKU_API_KEY={g0}", "HEROKU_APP_ID={g0}"),
    ("hetzner-token", "HCLOUD_TOKEN={a64}", "HCLOUD_TOKEN={a32}"),
    ("fly-token", "FlyV1 fm2_{b120}", "FlyV1 fm2_{b20}"),
    ("scaleway-access-key", "SCW{u17}", "SCW{u9}"),
    ("scaleway-secret-key", "SCW_SECRET_KEY={g0}", "SCW_DEFAULT_PROJECT_ID={g0}"),
    ("linode-token", "LINODE_TOKEN={h64}", "LINODE_TOKEN={h32}"),
    ("vultr-api-key", "VULTR_API_KEY={u36}", "VULTR_API_KEY={u20}"),
    ("ibm-cloud-api-key", "IBMCLOUD_API_KEY={a44}", "IBMCLOUD_API_KEY={a20}"),
    ("netlify-token", "nfp_{a36}", "nfp_{a20}"),
    ("vercel-token", "VERCEL_TOKEN={a24}", "VERCEL_TOKEN={a15}"),
    ("render-api-key", "rnd_{a32}", "rnd_{a12}"),
    ("yandex-api-key", r#""AQVN{a36}""#, r#""AQVN{a16}""#),
    // Code hosting and CI.
    ("github-personal-token", r#"x = "ghp_{a36}""#, r#"x = "ghp_{a20}""#),
    ("github-oauth-token", r#"x = "gho_{a36}""#, r#"x = "gho_{a20}""#),
    ("github-user-token", r#"x = "ghu_{a36}""#, r#"x = "ghu_{a20}""#),
    ("github-installation-token", r#"x = "ghs_{a36}""#, r#"x = "ghs_{a20}""#),
    ("github-refresh-token", r#"x = "ghr_{a36}""#, r#"x = "ghr_{a20}""#),
    ("github-fine-grained-token", "github_pat_{a22}_{a59}", "github_pat_{a22}_{a20}"),
    ("gitlab-personal-token", "glpat-{a20}", "glpat-{a10}"),
    ("gitlab-trigger-token", "glptt-{h40}", "glptt-{h10}"),
    ("gitlab-deploy-token", "gldt-{a20}", "gldt-{a8}"),
    ("gitlab-runner-token", "glrt-{a20}", "glrt-{a8}"),
    ("gitlab-job-token", "glcbt-64_{a20}", "glcbt-64_{a6}"),
    ("gitlab-agent-token", "glagent-{a50}", "glagent-{a20}"),
    ("gitlab-other-token", "glsoat-{a20}", "glsoat-{a8}"),
    ("bitbucket-token", "ATBB{a32}", "ATBB{a12}"),
    ("atlassian-api-token", "ATATT3{w186}", "ATATT3{w40}"),
    ("circleci-token", "CCIPAT_{a22}_{h40}", "CCIPAT_{a22}_{h10}"),
    ("buildkite-token", "bkua_{h40}", "bkua_{h20}"),
    ("sonar-token", "squ_{h40}", "squ_{h20}"),
    ("snyk-token", "SNYK_TOKEN={g0}", "SNYK_ORG={g0}"),
    // Package registries.
    ("npm-token", "npm_{a36}", "npm_{a20}"),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc{w120}", "pypi-AgEIcHlwaS5vcmc{w20}"),
    ("crates-io-token", r#"token = "cio{a32}""#, r#"token = "cio{a12}""#),
    ("rubygems-token", "rubygems_{h48}", "rubygems_{h24}"),
    ("docker-hub-token", "dckr_pat_{a27}", "dckr_pat_{a12}"),
    ("nuget-api-key", "oy2{l43}", "oy2{l20}"),
    ("artifactory-token", "AKCp{a69}", "AKCp{a30}"),
    ("clojars-token", "CLOJARS_{l60}", "CLOJARS_{l20}"),
    // Messaging.
    ("slack-bot-token", "xoxb-{d12}-{d13}-{a24}", "xoxb-{d12}-{a24}"),
    ("slack-user-token", "xoxp-{d12}-{d12}-{d12}-{h32}", "xoxp-{d12}-{h32}"),
    ("slack-app-token", "xapp-1-A{u10}-{d13}-{h64}", "xapp-1-A{u10}-{d13}-{h20}"),
    ("slack-config-token", "xoxe.xoxp-1-{a163}", "xoxe.xoxp-1-{a40}"),
    ("slack-legacy-token", "xoxs-{d12}-{d12}-{a24}", "xoxs-{a6}"),
    (
        "slack-webhook",
        "https://hooks.slack.com/services/T{u8}/B{u8}/{a24}",
        "https://hooks.slack.com/services/T{u8}",
    ),
    ("discord-bot-token", r#"discord = "M{a25}.{a6}.{a38}""#, r#"discord = "M{a25}.{a6}.{a8}""#),
    (
        "discord-webhook",
        "https://discord.com/api/webhooks/{d18}/{w68}",
        "https://discord.com/api/webhooks/{d18}/{w12}",
    ),
    ("telegram-bot-token", "bot{n0} {d10}:AA{a33}", "bot {d10}:AA{a20}"),
    (
        "teams-webhook",
        "https://x.webhook.office.com/webhookb2/{g0}@{g0}/IncomingWebhook/{h32}/{g0}",
        "https://x.webhook.office.com/webhookb2/{g0}",
    ),
    ("twilio-api-key", "SK{h32}", "SK{h20}"),
    ("twilio-auth-token", "TWILIO_AUTH_TOKEN={h32}", "TWILIO_AUTH_TOKEN={h20}"),
    ("sendgrid-api-key", "SG.{a22}.{a43}", "SG.{a22}.{a12}"),
    ("mailgun-api-key", "mailgun: key-{h32}", "mailgun: key-{h16}"),
    ("mailchimp-api-key", "{h32}-us12", "{h16}-us12"),
    ("brevo-api-key", "xkeysib-{h64}-{a16}", "xkeysib-{h20}-{a16}"),
    // Payments and commerce.
    ("stripe-live-key", "sk_live_{a24}", "sk_live_{a8}"),
    ("stripe-test-key", "sk_test_{a24}", "sk_test_{a8}"),
    ("stripe-webhook-secret", "whsec_{a32}", "whsec_{a12}"),
    ("square-access-token", "sq0atp-{a22}", "sq0atp-{a10}"),
    ("square-oauth-secret", "sq0csp-{a43}", "sq0csp-{a12}"),
    ("braintree-token", "access_token$production${l16}${h32}", "access_token$production${l16}${h8}"),
    ("shopify-token", "shpat_{h32}", "shpat_{h16}"),
    ("plaid-access-token", "access-production-{g0}", "access-production-{h12}"),
    ("flutterwave-secret-key", "FLWSECK-{h32}-X", "FLWSECK-{h12}-X"),
    // AI providers.
    ("hugging-face-token", "hf_{a34}", "hf_{a20}"),
    ("openai-api-key", "sk-proj-{a74}T3BlbkFJ{a74}", "sk-proj-{a12}"),
    ("anthropic-api-key", "sk-ant-api03-{w93}AA", "sk-ant-api03-{w20}"),
    ("openrouter-api-key", "sk-or-v1-{h64}", "sk-or-v1-{h20}"),
    ("groq-api-key", "gsk_{a52}", "gsk_{a20}"),
    ("replicate-api-token", "r8_{a37}", "r8_{a20}"),
    ("perplexity-api-key", "pplx-{a48}", "pplx-{a20}"),
    ("xai-api-key", "xai-{a80}", "xai-{a20}"),
    // Observability.
    ("grafana-service-account-token", "glsa_{a32}_{h8}", "glsa_{a16}_{h8}"),
    ("grafana-cloud-token", "glc_eyJvIjoi{b60}", "glc_{b12}"),
    ("new-relic-user-key", "NRAK-{u27}", "NRAK-{u12}"),
    ("new-relic-insert-key", "NRII-{a32}", "NRII-{a12}"),
    ("datadog-api-key", "DD_API_KEY={h32}", "DD_API_KEY={h20}"),
    ("datadog-application-key", "DATADOG_APP_KEY={h40}", "DATADOG_APP_KEY={h20}"),
    ("sentry-auth-token", "sntryu_{h64}", "sntryu_{h20}"),
    ("dynatrace-token", "dt0c01.{B24}.{B64}", "dt0c01.{B24}.{B20}"),
    ("honeycomb-key", "hcaik_{l58}", "hcaik_{l20}"),
    // Infrastructure and secrets management.
    ("vault-token", "hvs.{a90}", "hvs.{a12}"),
    ("terraform-cloud-token", "{a14}.atlasv1.{w67}", "{a14}.atlasv1.{w20}"),
    ("pulumi-token", "pul-{h40}", "pul-{h20}"),
    ("planetscale-credential", "pscale_pw_{a43}", "pscale_pw_{a12}"),
    ("supabase-token", "sbp_{h40}", "sbp_{h20}"),
    ("neon-api-key", "napi_{l64}", "napi_{l20}"),
    ("doppler-token", "dp.pt.{a43}", "dp.pt.{a12}"),
    ("onepassword-service-token", "ops_eyJ{b300}", "ops_eyJ{b40}"),
    ("age-secret-key", "AGE-SECRET-KEY-1{q58}", "AGE-SECRET-KEY-1{q20}"),
    ("tailscale-key", "tskey-auth-{a12}CNTRL-{a32}", "tskey-auth-{a12}"),
    ("wireguard-private-key", "PrivateKey = {b43}=", "PublicKey = {b43}="),
    ("databricks-token", "dapi{h32}", "dapi{h16}"),
    // Other services.
    ("linear-api-key", "lin_api_{a40}", "lin_api_{a12}"),
    ("notion-token", "ntn_{d11}{a35}", "ntn_{d11}{a10}"),
    ("figma-token", "figd_{a40}", "figd_{a12}"),
    ("postman-api-key", "PMAK-{h24}-{h34}", "PMAK-{h24}-{h10}"),
    ("airtable-token", "pat{a14}.{h64}", "pat{a14}.{h20}"),
    ("hubspot-token", "pat-na1-{g0}", "pat-na1-{h12}"),
    ("okta-token", "OKTA_API_TOKEN=00{a40}", "OKTA_API_TOKEN=00{a20}"),
    ("mapbox-secret-token", "sk.eyJ{w80}.{w22}", "sk.eyJ{w20}.{w22}"),
    ("dropbox-token", "sl.{w140}", "sl.{w40}"),
    ("facebook-token", "EAAC{a150}", "EAAC{a30}"),
    ("algolia-admin-key", "ALGOLIA_ADMIN_KEY={h32}", "ALGOLIA_SEARCH_INDEX={h32}"),
    ("contentful-token", "CFPAT-{a43}", "CFPAT-{a12}"),
    ("launchdarkly-key", "sdk-{g0}", "sdk-{h12}"),
    ("typeform-token", "tfp_{a44}", "tfp_{a12}"),
    // Private keys. The BEGIN line alone is no secret: a run of base64 must follow it, in the same or a later line.
    (
        "private-key-pkcs8",
        "-----BEGIN PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----{n0}then the base64 of it{n0}-----END PRIVATE KEY-----",
    ),
    (
        "private-key-rsa",
        "-----BEGIN RSA PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----{n0}then the base64 of it{n0}-----END RSA PRIVATE KEY-----",
    ),
    (
        "private-key-ec",
        "-----BEGIN EC PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END EC PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----{n0}then the base64 of it{n0}-----END EC PRIVATE KEY-----",
    ),
    (
        "private-key-dsa",
        "-----BEGIN DSA PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END DSA PRIVATE KEY-----",
        "-----BEGIN DSA PRIVATE KEY-----{n0}then the base64 of it{n0}-----END DSA PRIVATE KEY-----",
    ),
    (
        "private-key-openssh",
        "-----BEGIN OPENSSH PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----{n0}then the base64 of it{n0}-----END OPENSSH PRIVATE KEY-----",
    ),
    (
        "private-key-encrypted",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----{n0}{b64}{n0}{b64}{n0}-----END ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----{n0}then the base64 of it{n0}-----END ENCRYPTED PRIVATE KEY-----",
    ),
    (
        "private-key-pgp",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----{n0}{b64}{n0}{b64}{n0}-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----{n0}then the base64 of it{n0}-----END PGP PRIVATE KEY BLOCK-----",
    ),
    (
        "private-key-putty",
        "PuTTY-User-Key-File-3: ssh-ed25519{n0}Encryption: none{n0}Comment: x{n0}Public-Lines: 1{n0}{b60}{n0}Private-Lines: 1{n0}{b64}{n0}Private-MAC: x",
        "PuTTY-User-Key-File-3: ssh-ed25519{n0}Encryption: none{n0}Public-Lines: 1{n0}{b60}{n0}",
    ),
    ("ethereum-private-key", "PRIVATE_KEY=0x{h64}", "PRIVATE_KEY=0x{h20}"),
    // Connection strings with passwords.
    ("postgres-password", "postgres://app:{a14}@db1.corp-internal.net/x", "postgres://app:{a14}@localhost/x"),
    ("mysql-password", "mysql://app:{a14}@db1.corp-internal.net/x", "mysql://app:{a14}@localhost/x"),
    (
        "mongodb-password",
        "mongodb+srv://app:{a14}@db1.corp-internal.net/x",
        "mongodb+srv://app:{a14}@localhost/x",
    ),
    ("redis-password", "rediss://app:{a14}@db1.corp-internal.net/x", "rediss://app:{a14}@localhost/x"),
    ("amqp-password", "amqps://app:{a14}@db1.corp-internal.net/x", "amqps://app:{a14}@localhost/x"),
    ("mssql-password", "sqlserver://app:{a14}@db1.corp-internal.net/x", "sqlserver://app:{a14}@localhost/x"),
    ("smtp-password", "smtps://app:{a14}@db1.corp-internal.net/x", "smtps://app:{a14}@localhost/x"),
    ("ftp-password", "sftp://app:{a14}@db1.corp-internal.net/x", "sftp://app:{a14}@localhost/x"),
    ("http-password", "https://app:{a14}@db1.corp-internal.net/x", "https://app:{a14}@localhost/x"),
    (
        "generic-url-password",
        "nats://app:{a10}{d4}@bus.corp-internal.net",
        "nats://app@bus.corp-internal.net",
    ),
    (
        "ado-net-password",
        "Server=db1.corp.net;Database=x;User Id=app;Password={a14};",
        "Server=db1.corp.net;Database=x;Integrated Security=true;",
    ),
    (
        "jdbc-password",
        "jdbc:postgresql://db1.corp.net/x?user=app&password={a14}",
        "jdbc:postgresql://db1.corp.net/x?user=app",
    ),
    // Credential files and headers.
    ("netrc-password", "machine git.corp.net login app password {a14}", "machine git.corp.net login app"),
    ("npmrc-auth", "//registry.corp.net/:_authToken={a40}", "//registry.corp.net/:_authToken=${{NPM_TOKEN}}"),
    ("htpasswd-hash", "app:$apr1${a8}${a22}", "app:$apr1${a8}"),
    ("unix-password-hash", "app:$6${a16}${a86}:19000:0", "app:$6$:19000:0"),
    ("kubeconfig-client-key", "client-key-data: {b400}==", "client-key-data: {b20}"),
    ("docker-config-auth", r#""auth": "{b32}""#, r#""auth": "{b8}""#),
    ("basic-auth-header", "Authorization: Basic {b24}", "Authorization: Basic {b4}"),
    ("curl-user-password", "curl -s -u app:{a14} https://x.corp.net", "curl -s -u app https://x.corp.net"),
    ("json-web-token", "eyJ{w30}.eyJ{w60}.{w43}", "eyJ{w30}.{w60}"),
    ("laravel-app-key", "APP_KEY=base64:{b43}=", "APP_KEY=base64:{b10}="),
    ("rails-secret-key", "SECRET_KEY_BASE={h128}", "SECRET_KEY_BASE={h12}"),
    // Anything that is assigned to a name that says secret.
    (
        "generic-secret-assignment",
        r#"let service_token = "{a32}";"#,
        r#"let service_token = "not-{d4}-a-real-example";"#,
    ),
    ("generic-password-assignment", r#"password: "{a8}{d4}""#, r#"password: "{n0}""#),
    ("generic-env-secret", "export SERVICE_SECRET={a32}", "export SERVICE_SECRET=$OTHER"),
    ("generic-bearer-token", "Authorization: Bearer {a40}", "Authorization: Bearer {a10}"),
];

/// Samples of each template. Some forms fail only where a random text ends in a dash.
const ROUNDS: u64 = 12;

#[test]
fn there_are_at_least_80_rules_and_each_has_its_samples() {
    let rules = RuleSet::builtin().expect("built-in rules");
    let ids: Vec<&str> = rules.rules().map(|(id, _)| id).collect();
    assert!(ids.len() >= 80, "{}", ids.len());
    let sampled: Vec<&str> = TABLE.iter().map(|(id, _, _)| *id).collect();
    assert_eq!(ids, sampled, "one row of the table for each rule, in the order of the file");
    assert_eq!(rules.version().len(), 12);
}

#[test]
fn each_rule_finds_its_secret_once_and_no_excerpt_shows_it() {
    let scanner = scanner();
    let mut wrong = Vec::new();
    for (row, (rule, hit, _)) in (0..).zip(TABLE) {
        for round in 0..ROUNDS {
            let sample = expand(hit, &mut Random::new(row * 1_000 + round));
            let scan = scanner.scan_text("src/settings.txt", sample.text.as_bytes());
            let found: Vec<&str> = scan.findings.iter().map(|finding| finding.rule_id.as_str()).collect();
            if found != [*rule] {
                wrong.push(format!("{rule}: found {found:?} in {}", sample.text));
            }
            let shown = format!("{scan:?}");
            // Numbers are ids, not secrets.
            let secret = |part: &&String| part.len() >= 12 && !part.bytes().all(|byte| byte.is_ascii_digit());
            for secret in sample.parts.iter().filter(secret) {
                assert!(!shown.contains(secret.as_str()), "{rule} shows its secret: {shown}");
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), TABLE.len() as u64 * ROUNDS, wrong.join("\n"));
}

#[test]
fn no_rule_finds_its_near_miss() {
    let scanner = scanner();
    let mut wrong = Vec::new();
    for (row, (rule, _, miss)) in (0..).zip(TABLE) {
        for round in 0..ROUNDS {
            let sample = expand(miss, &mut Random::new(row * 1_000 + round));
            let scan = scanner.scan_text("src/settings.txt", sample.text.as_bytes());
            if scan.findings.iter().any(|finding| finding.rule_id == *rule) {
                wrong.push(format!("{rule}: {}", sample.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With `SEPTET_SAMPLES` naming a folder, writes each sample to a file of its own there, and what was found in it, for
/// comparison with another scanner. Without, there is nothing to do.
#[test]
fn samples_for_another_scanner() {
    let Some(folder) = std::env::var_os("SEPTET_SAMPLES").map(std::path::PathBuf::from) else { return };
    let scanner = scanner();
    let mut report = String::new();
    for (row, (rule, hit, miss)) in (0..).zip(TABLE) {
        for round in 0..ROUNDS {
            for (kind, template) in [("hit", hit), ("miss", miss)] {
                let name = format!("{rule}.{kind}.{round}.txt");
                let sample = expand(template, &mut Random::new(row * 1_000 + round));
                std::fs::write(folder.join(&name), &sample.text).expect("sample written");
                for finding in scanner.scan_text(&name, sample.text.as_bytes()).findings {
                    report.push_str(&format!("{name}\t{}\t{}\n", finding.rule_id, finding.line));
                }
            }
        }
    }
    std::fs::write(folder.join("found.tsv"), report).expect("report written");
}

#[test]
fn examples_placeholders_and_references_are_no_secrets() {
    let scanner = scanner();
    for text in [
        concat!("aws_access_key_id = AKIA", "IOSFODNN7EXAMPLE"),
        concat!("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"),
        "password: \"${DB_PASSWORD}\"",
        "let token = \"{{ vault_token }}\";",
        "api_key = \"<your-api-key-goes-here>\"",
        "secret = \"changeme-changeme-1\"",
        "const token = process.env.SERVICE_TOKEN_2",
        "postgres://app:${PASSWORD}@db1.corp.net/x",
        "postgres://septet:septet1@localhost:5432/septet",
        "token_endpoint: \"https-login-page-of-the-company\"",
        "export SERVICE_TOKEN=$(vault read token1)",
        "password = \"password\"",
    ] {
        let scan = scanner.scan_text("README.md", text.as_bytes());
        assert!(scan.findings.is_empty(), "{text}: {:?}", scan.findings);
    }
}

#[test]
fn paths_of_others_and_lock_files_are_allowed() {
    let scanner = scanner();
    let generic = expand("service_token = \"{a32}\"", &mut Random::new(1)).text;
    let known = expand("service_token = \"ghp_{a36}\"", &mut Random::new(2)).text;
    let found = |path: &str, text: &str| scanner.scan_text(path, text.as_bytes()).findings.len();
    assert_eq!(found("src/a.rs", &generic), 1);
    for path in ["Cargo.lock", "web/package-lock.json", "go.sum", "web/app.min.js"] {
        assert_eq!(
            (found(path, &generic), found(path, &known)),
            (0, 1),
            "{path}: only known forms are reported"
        );
    }
    for path in ["node_modules/a/b.js", "vendor/github.com/a/b.go", "third_party/x.c"] {
        assert_eq!((found(path, &generic), found(path, &known)), (0, 0), "{path}");
    }
}

/// The gate reviews this repository too, so its own rules and tests must pass it.
#[test]
fn this_crate_passes_its_own_rules() {
    let scanner = scanner();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read(&path).expect("file");
            let findings = scanner.scan_text(&path.display().to_string(), &text).findings;
            assert!(findings.is_empty(), "{findings:#?}");
            files += 1;
        }
    }
    assert!(files > 20, "{files} files");
}
