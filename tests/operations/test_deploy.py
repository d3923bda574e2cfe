"""What is deployed: compose.yaml, the proxy and the Kubernetes manifest agree with the image, the settings and each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds.cli.serve import LAST_CALLS
from cds.settings import NAMES
from cds.trust.client_registry import trusted_clients
from cds.web.body import LARGEST_BODY

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text()))
CADDY = (ROOT / "deploy/Caddyfile").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMAGE = f"taper-cds:{VERSION}"
(PORT,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
(USER,) = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)
(HOME,) = re.findall(r"^WORKDIR (/srv.*)$", DOCKERFILE, re.MULTILINE)
REPLICAS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == IMAGE}


def kind(name: str) -> list[dict[str, Any]]:
    return [one for one in OBJECTS if one["kind"] == name]


@pytest.fixture
def pod() -> dict[str, Any]:
    [replicas] = kind("StatefulSet")
    spec: dict[str, Any] = replicas["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    [one] = pod["containers"]
    return dict(one)


# compose.yaml -----------------------------------------------------------------------------------------------------------


def test_there_are_two_replicas_of_the_image_a_store_and_a_proxy() -> None:
    assert sorted(COMPOSE["services"]) == ["cds-1", "cds-2", "proxy", "store"]
    assert sorted(REPLICAS) == ["cds-1", "cds-2"]


@pytest.mark.parametrize("replica", REPLICAS.values(), ids=REPLICAS.keys())
def test_a_replica_is_set_by_settings_that_there_are_and_shares_its_database(replica: dict[str, Any]) -> None:
    assert set(replica["environment"]) <= set(NAMES)
    assert replica["environment"]["CDS_DATABASE_URL"].startswith("postgresql://")
    assert "CDS_PATIENT_HASH_KEY" in replica["environment"], "two replicas hash with one key"
    assert "CDS_ALLOW_UNAUTHENTICATED" not in replica["environment"]


@pytest.mark.parametrize("replica", REPLICAS.values(), ids=REPLICAS.keys())
def test_a_replica_has_no_rights_that_it_does_not_need(replica: dict[str, Any]) -> None:
    assert replica["read_only"] is True
    assert replica["cap_drop"] == ["ALL"]
    assert replica["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in replica, "the proxy alone is reached from outside"


@pytest.mark.parametrize("replica", REPLICAS.values(), ids=REPLICAS.keys())
def test_a_replica_can_write_its_spool_and_nothing_else(replica: dict[str, Any]) -> None:
    written = [volume for volume in replica["volumes"] if not volume.endswith(":ro")]
    assert [volume.split(":")[1] for volume in written] == [f"{HOME}/var"]
    assert f"{HOME}/var" in DOCKERFILE and f"--owner {USER}" in DOCKERFILE


def test_each_replica_has_a_spool_of_its_own() -> None:
    spools = [volume.split(":")[0] for replica in REPLICAS.values() for volume in replica["volumes"] if volume.endswith("/var")]
    assert len(spools) == len(set(spools)) == 2
    assert set(spools) <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("replica", REPLICAS.values(), ids=REPLICAS.keys())
def test_a_replica_is_given_the_time_that_its_last_calls_may_take(replica: dict[str, Any]) -> None:
    assert int(replica["stop_grace_period"].removesuffix("s")) > LAST_CALLS


def test_the_store_is_reached_by_the_replicas_alone() -> None:
    store = COMPOSE["services"]["store"]
    assert "ports" not in store
    [network] = store["networks"]
    assert COMPOSE["networks"][network]["internal"] is True
    assert network not in COMPOSE["services"]["proxy"]["networks"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_image_has_a_version(name: str) -> None:
    image = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", COMPOSE["services"][name]["image"])
    assert re.fullmatch(r"[\w.-]+:\d[\w.-]*", image)


def test_every_image_that_is_not_ours_may_be_given_by_its_digest() -> None:
    given = dict(re.findall(r"^(\w+_IMAGE)=(.*)$", (ROOT / "deploy/example.env").read_text(), re.MULTILINE))
    foreign = [service["image"] for service in COMPOSE["services"].values() if service["image"] != IMAGE]
    assert sorted(foreign) == sorted(f"${{{name}:-{tag}}}" for name, tag in given.items())
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}"] * 2
    assert "sha256:" in (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_file_that_is_mounted_exists(name: str) -> None:
    mounted = [volume.split(":")[0] for volume in COMPOSE["services"][name].get("volumes", ()) if volume.startswith("./")]
    assert [path for path in mounted if not (ROOT / path).is_file()] == []


def test_every_value_that_has_to_be_given_stands_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    given = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy/example.env").read_text(), re.MULTILINE))
    assert asked - set(given) == {"LOG_LEVEL"}, "what has a default may be left out"
    assert set(given) <= asked
    assert {given["POSTGRES_PASSWORD"], given["PATIENT_HASH_KEY"]} == {""}, "an example secret would be used"


def test_the_example_clients_can_be_loaded() -> None:
    assert [client.id for client in trusted_clients(ROOT / "deploy/clients.yaml")] == ["example-hospital"]


# The proxy --------------------------------------------------------------------------------------------------------------


@pytest.mark.row("GEN-1", "DISC-16", "SEC-1")
def test_the_proxy_speaks_tls_1_2_and_later_on_every_route() -> None:
    assert re.search(r"tls \{\s*protocols tls1\.2 tls1\.3\s*\}", CADDY)
    assert "http://" not in CADDY
    assert COMPOSE["services"]["cds-1"]["environment"]["CDS_PUBLIC_URL"].startswith("https://")


def test_the_proxy_spreads_the_calls_over_the_replicas_that_are_ready() -> None:
    [backends] = re.findall(r"reverse_proxy (.+) \{", CADDY)
    assert sorted(backends.split()) == [f"{name}:{PORT}" for name in sorted(REPLICAS)]
    assert "health_uri /ready" in CADDY


def test_the_proxy_names_each_request_in_a_form_that_is_taken_over() -> None:
    assert "header_up X-Request-ID {http.request.uuid}" in CADDY


def test_the_proxy_shows_nothing_that_operators_alone_may_see() -> None:
    [private] = re.findall(r"@operators path (.+)", CADDY)
    assert {"/metrics", "/ready", "/health", "/integration"} <= set(private.split())
    assert "respond @operators 404" in CADDY


def test_the_proxy_takes_every_body_that_the_service_takes() -> None:
    [taken], [kept] = re.findall(r"max_size (\d+)MB", CADDY), re.findall(r"request_buffers (\d+)MB", CADDY)
    assert int(taken) * 1000 * 1000 > LARGEST_BODY
    assert kept == taken, "a call is asked again of the other replica where one stops, so its body has to be there"


# Kubernetes -------------------------------------------------------------------------------------------------------------


def test_the_manifest_holds_what_it_says() -> None:
    kinds = ["ConfigMap", "ConfigMap", "StatefulSet", "Service", "PodDisruptionBudget", "NetworkPolicy"]
    assert [one["kind"] for one in OBJECTS] == kinds
    assert all(one["apiVersion"] and one["metadata"]["name"] for one in OBJECTS)


def test_a_pod_runs_the_image_on_its_port(container: dict[str, Any]) -> None:
    assert container["image"] == IMAGE
    assert [str(port["containerPort"]) for port in container["ports"]] == [PORT]
    [service] = kind("Service")
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [port["name"] for port in container["ports"]]


def test_a_pod_is_set_by_settings_that_there_are(container: dict[str, Any]) -> None:
    [settings, _] = kind("ConfigMap")
    assert set(settings["data"]) <= set(NAMES)
    assert {one["name"] for one in container["env"]} == {"CDS_DATABASE_URL", "CDS_PATIENT_HASH_KEY", "CDS_OPERATOR_TOKEN"}
    assert [one["configMapRef"]["name"] for one in container["envFrom"]] == [settings["metadata"]["name"]]
    assert settings["data"]["CDS_PUBLIC_URL"].startswith("https://")


def test_secrets_come_from_a_secret(container: dict[str, Any]) -> None:
    assert all("secretKeyRef" in one["valueFrom"] for one in container["env"])
    assert not kind("Secret"), "a secret in the manifest would be used"


def test_the_clients_of_the_manifest_can_be_loaded(container: dict[str, Any], pod: dict[str, Any], tmp_path: Path) -> None:
    [settings, clients] = kind("ConfigMap")
    [name] = clients["data"]
    (tmp_path / name).write_text(clients["data"][name])
    assert len(list(trusted_clients(tmp_path / name))) == 1
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    [volume] = [one for one in pod["volumes"] if one.get("configMap", {}).get("name") == clients["metadata"]["name"]]
    assert settings["data"]["CDS_CLIENTS"] == f"{mounts[volume['name']]}/{name}"


def test_a_pod_has_no_rights_that_it_does_not_need(container: dict[str, Any], pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert str(pod["securityContext"]["runAsUser"]) == USER
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_pod_can_write_its_spool(container: dict[str, Any], pod: dict[str, Any]) -> None:
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert not mounts[f"{HOME}/var"].get("readOnly")
    of_the_pod, kept = {volume["name"] for volume in pod["volumes"]}, {claim["metadata"]["name"] for claim in claims()}
    assert {mount["name"] for mount in mounts.values()} == of_the_pod | kept


def test_a_spool_outlives_its_pod(container: dict[str, Any]) -> None:
    [name] = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == f"{HOME}/var"]
    [claim] = claims()
    assert (claim["metadata"]["name"], claim["spec"]["accessModes"]) == (name, ["ReadWriteOnce"])


def claims() -> list[dict[str, Any]]:
    """The volumes that each replica has for itself, and finds again."""
    [replicas] = kind("StatefulSet")
    found: list[dict[str, Any]] = replicas["spec"]["volumeClaimTemplates"]
    return found


def test_a_pod_is_restarted_by_health_and_called_by_ready(container: dict[str, Any]) -> None:
    paths = {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}


def test_a_pod_is_given_the_time_that_its_last_calls_may_take(container: dict[str, Any], pod: dict[str, Any]) -> None:
    [word, seconds] = container["lifecycle"]["preStop"]["exec"]["command"]
    assert word == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(seconds) + LAST_CALLS


def test_everything_is_of_one_name() -> None:
    [replicas], [service], [budget] = kind("StatefulSet"), kind("Service"), kind("PodDisruptionBudget")
    labels = replicas["spec"]["template"]["metadata"]["labels"]
    assert labels == replicas["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert labels == budget["spec"]["selector"]["matchLabels"]
    assert budget["spec"]["minAvailable"] < replicas["spec"]["replicas"]


def test_the_network_of_the_cluster_lets_through_what_is_needed_and_no_more() -> None:
    [policy] = kind("NetworkPolicy")
    [replicas] = kind("StatefulSet")
    assert policy["spec"]["podSelector"] == replicas["spec"]["selector"]
    assert sorted(policy["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    [reached] = policy["spec"]["ingress"]
    assert [port["port"] for port in reached["ports"]] == [int(PORT)] and reached["from"]
    assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == {53, 443, 5432}


def test_the_database_of_the_cluster_is_asked_over_tls_and_its_counters_need_a_token(container: dict[str, Any]) -> None:
    assert "sslmode=verify-full" in (ROOT / "deploy/kubernetes.yaml").read_text()
    secret = {one["name"]: one["valueFrom"]["secretKeyRef"]["key"] for one in container["env"] if "valueFrom" in one}
    assert secret["CDS_OPERATOR_TOKEN"] == "operator-token"
