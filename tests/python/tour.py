"""The official Python client against the server of $KUBECONFIG."""

import json
import threading

import kubernetes
from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException


def configmap(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"suite": "python"}), data=data)


def refused(status, reason, call, *arguments):
    try:
        call(*arguments)
    except ApiException as error:
        assert (error.status, json.loads(error.body)["reason"]) == (status, reason), error
        return
    raise AssertionError("expected %d %s" % (status, reason))


def life_of_a_configmap(core):
    created = core.create_namespaced_config_map("python", configmap("a", sky="blue"))
    assert created.metadata.uid and created.metadata.creation_timestamp, created
    refused(409, "AlreadyExists", core.create_namespaced_config_map, "python", configmap("a"))
    created.data["sky"] = "grey"
    replaced = core.replace_namespaced_config_map("a", "python", created)
    assert replaced.data == {"sky": "grey"}, replaced
    refused(409, "Conflict", core.replace_namespaced_config_map, "a", "python", created)
    core.delete_namespaced_config_map("a", "python")
    refused(404, "NotFound", core.read_namespaced_config_map, "a", "python")


def pages(core):
    for index in range(7):
        core.create_namespaced_config_map("python", configmap("page-%d" % index))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map("python", label_selector="suite=python", limit=3, _continue=token)
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == ["page-%d" % index for index in range(7)], names
    selected = core.list_namespaced_config_map("python", field_selector="metadata.name=page-4")
    assert [item.metadata.name for item in selected.items] == ["page-4"], selected


def events_of_a_watch(core):
    start = core.list_namespaced_config_map("python").metadata.resource_version
    seen, watcher = [], watch.Watch()

    def follow():
        for event in watcher.stream(core.list_namespaced_config_map, "python", resource_version=start, timeout_seconds=60):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 3:
                watcher.stop()

    follower = threading.Thread(target=follow)
    follower.start()
    core.create_namespaced_config_map("python", configmap("watched"))
    core.replace_namespaced_config_map("watched", "python", configmap("watched", a="b"))
    core.delete_namespaced_config_map("watched", "python")
    follower.join(90)
    assert seen == [(kind, "watched") for kind in ("ADDED", "MODIFIED", "DELETED")], seen


def several_groups():
    apps, rbac = client.AppsV1Api(), client.RbacAuthorizationV1Api()
    labels = {"app": "web"}
    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels=labels),
        spec=client.V1PodSpec(containers=[client.V1Container(name="web", image="example.com/web:1")]))
    spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=template)
    deployment = apps.create_namespaced_deployment(
        "python", client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec))
    assert deployment.spec.replicas == 1 and deployment.spec.strategy.type == "RollingUpdate", deployment
    assert deployment.metadata.generation == 1, deployment
    role = rbac.create_cluster_role(client.V1ClusterRole(
        metadata=client.V1ObjectMeta(name="python"),
        rules=[client.V1PolicyRule(api_groups=[""], resources=["pods"], verbs=["get"])]))
    assert role.rules[0].verbs == ["get"], role


def discovered_at_run_time():
    resources = dynamic.DynamicClient(client.ApiClient()).resources
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop"}}
    resources.get(api_version="v1", kind="ServiceAccount").create(body=account, namespace="python")
    pods = resources.get(api_version="v1", kind="Pod")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
           "spec": {"serviceAccountName": "shop", "containers": [{"name": "c", "image": "example.com/c:1"}]}}
    created = pods.create(body=pod, namespace="python")
    assert created.spec.restartPolicy == "Always", created
    assert resources.get(api_version="networking.k8s.io/v1", kind="Ingress").namespaced


def main():
    config.load_kube_config()
    core = client.CoreV1Api()
    assert client.VersionApi().get_code().major == "1"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name="python")))
    names = {item.metadata.name for item in core.list_namespace().items}
    assert {"default", "kube-system", "python"} <= names, names
    life_of_a_configmap(core)
    pages(core)
    events_of_a_watch(core)
    several_groups()
    discovered_at_run_time()
    print("python: the official client %s took the tour" % kubernetes.__version__)


if __name__ == "__main__":
    main()
