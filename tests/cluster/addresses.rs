//! Addresses and node ports of Services: given once, given back, found again after a restart, and put right.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::World;

const SERVICES: &str = "/api/v1/namespaces/default/services";
const ADDRESSES: &str = "/apis/networking.k8s.io/v1/ipaddresses";
const KIND: &str = "v1/Service";

/// A network of 14 addresses, and 10 node ports.
const SMALL: [&str; 2] = [
    "--service-cluster-ip-range=10.0.0.0/28",
    "--service-node-port-range=30000-30009",
];

fn service(name: &str, mut spec: Value) -> Value {
    if spec["type"] != "ExternalName" {
        spec["ports"] = json!([{"port": 80}]);
    }
    json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

/// The names of all objects that say which address is whose.
async fn taken(world: &World) -> HashSet<String> {
    world.names(ADDRESSES).await.into_iter().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn nothing_is_given_twice() {
    let world = World::start(&SMALL).await;
    let names: Vec<String> = (0..30).map(|at| format!("s-{at}")).collect();
    let node_port = json!({"type": "NodePort"});
    let said = join_all(names.iter().map(|name| {
        let object = service(name, node_port.clone());
        world.send("POST", SERVICES, KIND, object)
    }))
    .await;
    let made: Vec<&Value> = said
        .iter()
        .filter(|(code, _)| *code == 201)
        .map(|(_, it)| it)
        .collect();
    // As many as there are node ports: addresses would do for more.
    assert_eq!(made.len(), 10, "{said:?}");
    let addresses: HashSet<String> = made
        .iter()
        .map(|it| text(&it["spec"]["clusterIP"]))
        .collect();
    let ports: HashSet<String> = made
        .iter()
        .map(|it| it["spec"]["ports"][0]["nodePort"].to_string())
        .collect();
    assert_eq!((addresses.len(), ports.len()), (10, 10));
    let (code, refusal) = said
        .iter()
        .find(|(code, _)| *code != 201)
        .expect("there is one");
    assert_eq!(*code, 500, "{refusal}");
    assert!(
        text(&refusal["message"]).contains("range is full"),
        "{refusal}"
    );
    // Who is refused a port keeps no address either.
    let mut expected = addresses;
    expected.insert("10.0.0.1".into());
    assert_eq!(taken(&world).await, expected);
    // What goes leaves room.
    let gone = text(&made[0]["metadata"]["name"]);
    let (port, address) = (
        &made[0]["spec"]["ports"][0]["nodePort"],
        &made[0]["spec"]["clusterIP"],
    );
    world.delete(&format!("{SERVICES}/{gone}"), json!({})).await;
    let mut next = service("next", node_port);
    next["spec"]["clusterIP"] = address.clone();
    let next = world.make(SERVICES, KIND, next).await;
    assert_eq!(
        next["spec"]["ports"][0]["nodePort"], *port,
        "the only one that is free"
    );
    let entry = world.get(&format!("{ADDRESSES}/{}", text(address))).await;
    assert_eq!(entry["spec"]["parentRef"]["name"], "next");
    assert_eq!(
        entry["metadata"]["labels"]["ipaddress.kubernetes.io/managed-by"],
        "ipallocator.k8s.io"
    );
}

#[tokio::test]
async fn a_full_network_says_so_and_dry_runs_take_nothing() {
    let world = World::start(&SMALL).await;
    let dry = format!("{SERVICES}?dryRun=All");
    for _ in 0..20 {
        let (code, said) = world
            .send("POST", &dry, KIND, service("dry", json!({})))
            .await;
        assert_eq!(code, 201, "{said}");
    }
    for at in 0..13 {
        world
            .make(SERVICES, KIND, service(&format!("s-{at}"), json!({})))
            .await;
    }
    let (code, said) = world
        .send("POST", SERVICES, KIND, service("more", json!({})))
        .await;
    assert_eq!(code, 500, "{said}");
    assert!(text(&said["message"]).contains("range is full"), "{said}");
    // One that needs no address is made all the same.
    world
        .make(
            SERVICES,
            KIND,
            service("headless", json!({"clusterIP": "None"})),
        )
        .await;
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_puts_right_what_is_wrong() {
    let mut world = World::start(&SMALL).await;
    let spec = json!({"type": "NodePort", "clusterIP": "10.0.0.5"});
    let made = world.make(SERVICES, KIND, service("web", spec)).await;
    let port = made["spec"]["ports"][0]["nodePort"].clone();
    // Somebody takes away what says whose the address is.
    world
        .delete(&format!("{ADDRESSES}/10.0.0.5"), json!({}))
        .await;
    // Somebody else says it of another one, in words of their own.
    let other = json!({"clusterIP": "10.0.0.6"});
    world.make(SERVICES, KIND, service("other", other)).await;
    let path = format!("{ADDRESSES}/10.0.0.6");
    world.delete(&path, json!({})).await;
    let parent = json!({"resource": "services", "namespace": "default", "name": "nobody"});
    let wrong = json!({"metadata": {"name": "10.0.0.6"}, "spec": {"parentRef": parent}});
    world
        .make(ADDRESSES, "networking.k8s.io/v1/IPAddress", wrong)
        .await;
    world.server.kill();
    world.server.restart().await;
    let entry = world
        .eventually(&path, |_, it| it["spec"]["parentRef"]["name"] == "other")
        .await;
    let labels = &entry["metadata"]["labels"];
    assert_eq!(labels["ipaddress.kubernetes.io/ip-family"], "IPv4");
    let path = format!("{ADDRESSES}/10.0.0.5");
    let entry = world.eventually(&path, |code, _| code == 200).await;
    assert_eq!(entry["spec"]["parentRef"]["name"], "web");
    let events = world.get("/api/v1/namespaces/default/events").await;
    let events = events["items"].as_array().cloned().unwrap_or_default();
    let told: HashSet<String> = events
        .iter()
        .filter(|it| it["reportingComponent"] == "ipallocator-repair-controller")
        .map(|it| format!("{}: {}", text(&it["reason"]), text(&it["message"])))
        .collect();
    let expected = [
        "ClusterIPNotAllocated: Cluster IP [IPv4]: 10.0.0.5 is not allocated; repairing",
        "ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.0.0.6 for Service default/other has a wrong reference; repairing",
    ];
    assert_eq!(told, expected.map(str::to_owned).into());
    let again = service("again", json!({"clusterIP": "10.0.0.5"}));
    let (code, said) = world.send("POST", SERVICES, KIND, again).await;
    assert_eq!(code, 422, "{said}");
    assert!(
        text(&said["message"]).contains("provided IP is already allocated"),
        "{said}"
    );
    let mut again = service("again", json!({"type": "NodePort"}));
    again["spec"]["ports"][0]["nodePort"] = port;
    let (code, said) = world.send("POST", SERVICES, KIND, again).await;
    assert_eq!(code, 422, "{said}");
    assert!(
        text(&said["message"]).contains("provided port is already allocated"),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_service_no_longer_needs_it_gives_back() {
    let world = World::start(&SMALL).await;
    let made = world
        .make(SERVICES, KIND, service("web", json!({"type": "NodePort"})))
        .await;
    let address = text(&made["spec"]["clusterIP"]);
    let path = format!("{SERVICES}/web");
    let mut external = made;
    external["spec"] = json!({"type": "ExternalName", "externalName": "web.example.com"});
    let external = world.replace(&path, KIND, external).await;
    assert!(
        external["spec"]["clusterIP"].is_null() && external["spec"]["ports"].is_null(),
        "{external}"
    );
    assert!(!taken(&world).await.contains(&address));
    let mut back = external;
    back["spec"] = json!({"type": "ClusterIP", "ports": [{"port": 80}]});
    let back = world.replace(&path, KIND, back).await;
    assert!(
        taken(&world)
            .await
            .contains(&text(&back["spec"]["clusterIP"]))
    );
    let elsewhere = ["10.0.0.12", "10.0.0.13"]
        .into_iter()
        .find(|address| back["spec"]["clusterIP"] != *address);
    let mut moved = back.clone();
    moved["spec"]["clusterIP"] = json!(elsewhere);
    moved["spec"]["clusterIPs"] = json!([elsewhere]);
    let (code, said) = world.send("PUT", &path, KIND, moved).await;
    assert_eq!(code, 422, "an address is for life: {said}");
}

#[tokio::test]
async fn two_families_are_two_addresses() {
    let world = World::start(&["--service-cluster-ip-range=10.0.0.0/24,fd00::/112"]).await;
    let both = json!({"ipFamilyPolicy": "RequireDualStack"});
    let made = world.make(SERVICES, KIND, service("both", both)).await;
    assert_eq!(made["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
    let addresses = made["spec"]["clusterIPs"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(addresses.len(), 2);
    let known = taken(&world).await;
    assert!(
        addresses.iter().all(|it| known.contains(&text(it))),
        "{known:?}"
    );
    // Back to one family: the other address is free again.
    let mut single = made;
    single["spec"]["ipFamilyPolicy"] = "SingleStack".into();
    single["spec"]["ipFamilies"] = json!(["IPv4"]);
    single["spec"]["clusterIPs"] = json!([addresses[0]]);
    world
        .replace(&format!("{SERVICES}/both"), KIND, single)
        .await;
    assert!(!taken(&world).await.contains(&text(&addresses[1])));
    let ranges = world
        .get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
        .await;
    assert_eq!(
        ranges["spec"]["cidrs"],
        json!(["10.0.0.0/24", "fd00::/112"])
    );
}
