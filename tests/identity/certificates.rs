//! Certificates of clients, and those that the server shows.

use pintle_tests::http::{Client, Headers};
use pintle_tests::peer::Authority;
use pintle_tests::server::TestServer;
use rcgen::DnType;

use crate::{until, who_am_i, write};

const UID: [u64; 8] = [1, 3, 6, 1, 4, 1, 57683, 2];

/// Who the server says that somebody with this certificate is.
async fn whose(server: &TestServer, (chain, key): &(String, String)) -> Result<String, u16> {
    let endpoint = server
        .endpoint()
        .showing(chain, key)
        .expect("a certificate");
    let user = who_am_i(&mut Client::new(endpoint), &Headers::new()).await?;
    Ok(user["username"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_bad_certificate_is_401_and_no_broken_connection() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ca = folder.path().join("ca.pem");
    write(&ca, &ours.pem());
    let flag = format!("--client-ca-file={}", ca.display());
    let server = TestServer::start_with(&[&flag]).await;
    let named = |name| vec![(DnType::CommonName, name)];
    let good = ours.client(&named("erin"));
    assert_eq!(whose(&server, &good).await.as_deref(), Ok("erin"));
    assert_eq!(
        whose(&server, &theirs.client(&named("erin"))).await,
        Err(401)
    );

    let expired = ours.certificate(|params| {
        params.distinguished_name.push(DnType::CommonName, "erin");
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    assert_eq!(whose(&server, &expired).await, Err(401));
    let early = ours.certificate(|params| {
        params.distinguished_name.push(DnType::CommonName, "erin");
        params.not_before = rcgen::date_time_ymd(2901, 1, 1);
        params.not_after = rcgen::date_time_ymd(2902, 1, 1);
    });
    assert_eq!(whose(&server, &early).await, Err(401));
    let for_servers = ours.serving(&["localhost"]);
    assert_eq!(whose(&server, &for_servers).await, Err(401));

    // Odd subjects: nobody, several uids, an empty one.
    let uid = || DnType::CustomDnType(UID.to_vec());
    let nobody = ours.client(&[(DnType::OrganizationName, "system:masters")]);
    assert_eq!(
        whose(&server, &nobody).await,
        Err(403),
        "anonymous may not ask"
    );
    let empty = ours.client(&[(DnType::CommonName, "erin"), (uid(), "")]);
    assert_eq!(whose(&server, &empty).await, Err(401));

    // The CA is replaced: at once on connections that are there, too.
    let endpoint = server
        .endpoint()
        .showing(&good.0, &good.1)
        .expect("a certificate");
    let mut kept = Client::new(endpoint);
    assert!(who_am_i(&mut kept, &Headers::new()).await.is_ok());
    write(&ca, &theirs.pem());
    until("the new CA counts", async || {
        whose(&server, &theirs.client(&named("frank")))
            .await
            .as_deref()
            == Ok("frank")
    })
    .await;
    assert_eq!(who_am_i(&mut kept, &Headers::new()).await, Err(401));
    // Nonsense changes nothing.
    write(&ca, "nonsense");
    until("the fault is told", async || {
        server.log().contains("new certificates cannot be used")
    })
    .await;
    let frank = whose(&server, &theirs.client(&named("frank"))).await;
    assert_eq!(frank.as_deref(), Ok("frank"));
}

#[tokio::test]
async fn names_have_certificates_of_their_own_which_are_read_again() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = |name: &str| folder.path().join(name);
    let put = |(chain, key): &(String, String), name: &str| {
        write(&file(&format!("{name}.key")), key);
        write(&file(&format!("{name}.crt")), chain);
    };
    let (own, wild) = (authority.serving(&["a.example"]), authority.serving(&["x"]));
    put(&own, "own");
    put(&wild, "wild");
    let flag = |name: &str, names: &str| {
        let (certificate, key) = (file(&format!("{name}.crt")), file(&format!("{name}.key")));
        format!(
            "--tls-sni-cert-key={},{}{names}",
            certificate.display(),
            key.display()
        )
    };
    // A name that is given counts before one that another certificate says of itself.
    let given = authority.serving(&["y"]);
    put(&given, "given");
    let claims = authority.serving(&["a.example", "given.example"]);
    put(&claims, "claims");
    let flags = [
        flag("own", ""),
        flag("claims", ""),
        flag("wild", ":*.b.example,b.example"),
        flag("given", ":given.example,127.0.0.2"),
        "--bind-address=0.0.0.0".into(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let shown = async |name: &str| {
        let shown = server.endpoint().shown_for(name).await;
        shown.expect("the server shows a certificate").to_vec()
    };
    let der = |(chain, _): &(String, String)| {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        let der = CertificateDer::from_pem_slice(chain.as_bytes());
        der.expect("PEM").to_vec()
    };
    assert_eq!(shown("a.example").await, der(&own));
    assert_eq!(shown("A.Example").await, der(&own));
    assert_eq!(shown("b.example").await, der(&wild));
    assert_eq!(shown("c.b.example").await, der(&wild));
    assert_eq!(shown("given.example").await, der(&given));
    let default = shown("elsewhere.example").await;
    let named = [&own, &wild, &given, &claims];
    assert!(named.iter().all(|other| default != der(other)));
    assert_eq!(shown("d.c.b.example").await, default);
    // Who asks for no name is shown that of the address they connect to.
    let other = server.endpoint().at("127.0.0.2");
    let shown_there = async |name: &str| {
        let shown = other.shown_for(name).await;
        shown.expect("the server shows a certificate").to_vec()
    };
    assert_eq!(shown_there("127.0.0.2").await, der(&given));
    assert_eq!(shown_there("elsewhere.example").await, default);
    assert_eq!(shown("127.0.0.1").await, default);

    let new = authority.serving(&["a.example"]);
    put(&new, "own");
    until("the new certificate is shown", async || {
        shown("a.example").await == der(&new)
    })
    .await;
}

#[tokio::test]
async fn a_front_proxy_is_believed_who_its_users_are() {
    let (proxies, others) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let ca = folder.path().join("proxy-ca.pem");
    write(&ca, &proxies.pem());
    let flags = [
        format!("--requestheader-client-ca-file={}", ca.display()),
        "--requestheader-allowed-names=front,back".into(),
        "--requestheader-username-headers=X-Remote-User,X-Other-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = TestServer::start_with(&flags).await;
    let named = |name| vec![(DnType::CommonName, name)];
    let says = async |(chain, key): &(String, String)| {
        let endpoint = server.endpoint().showing(chain, key);
        let headers: Headers = [
            ("X-Remote-User", "heidi"),
            ("X-Remote-Group", "devs"),
            ("X-Remote-Group", "ops"),
            ("X-Remote-Extra-Scopes", "all"),
            ("X-Remote-Extra-Acme.com%2fProject", "p"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        who_am_i(&mut Client::new(endpoint.expect("a certificate")), &headers).await
    };
    let user = says(&proxies.client(&named("front")))
        .await
        .expect("a user");
    let expected = serde_json::json!({
        "username": "heidi", "groups": ["devs", "ops", "system:authenticated"],
        "extra": {"scopes": ["all"], "acme.com/project": ["p"]},
    });
    assert_eq!(user, expected);
    // Another name, another CA: nobody is believed.
    assert_eq!(says(&proxies.client(&named("side"))).await, Err(401));
    assert_eq!(says(&others.client(&named("front"))).await, Err(401));
    // Servers that extend the API learn whom to believe.
    let path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    let headers = server.authorization();
    let answer = server.client().request("GET", path, &headers, None).await;
    let answer = answer.expect("the server answers").json().expect("JSON");
    let data = &answer["data"];
    assert_eq!(data["requestheader-allowed-names"], r#"["front","back"]"#);
    assert_eq!(
        data["requestheader-username-headers"],
        r#"["X-Remote-User","X-Other-User"]"#
    );
    assert_eq!(data["requestheader-client-ca-file"], proxies.pem().as_str());
}
