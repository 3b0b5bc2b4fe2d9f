"""The toy company "Acme": what its ops agent can do there. The state and its file are in `company_books`.

Every function marked with `@action` is offered to the model. What goes wrong is a ValueError with a sentence for people.
Where an argument says the environment, the action declares it so, and the policy sees what the argument says.
"""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bot.actions import action
from bot.demo.company_books import changing, known, known_person, now, reading

Environment = Literal["production", "staging"]
IncidentStatus = Literal["investigating", "identified", "monitoring", "resolved"]

MOST_REPLICAS = 50
LONGEST_GRANT = timedelta(days=30)
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*(?:[-+][\w.]+)?)")
_DURATION = re.compile(r"(\d+)\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SEVERITIES = ("critical", "high", "medium", "low")


@action(system="okta", risk="high", environment="production", target="group")
def grant_access(user_id: str, group: str, duration: str) -> dict[str, Any]:
    """Put a person into an Okta group for a limited time.

    Args:
        user_id: Login name or Slack user id of the person, for example bob.
        group: Name of the Okta group, for example okta-prod-admins.
        duration: For how long, as a number and m, h, d or w: 30m, 48h, 7d. At most 30 days.
    """
    until = datetime.now(UTC) + _lasting(duration)
    expires_at = until.isoformat(timespec="seconds").replace("+00:00", "Z")
    with changing("grant_access", {"user_id": user_id, "group": group, "duration": duration}) as books:
        person, found = known_person(books, user_id), known(books, "group", group)
        books.execute("INSERT OR REPLACE INTO memberships VALUES (?, ?, ?)", (person, found, expires_at))
    return {"user_id": person, "group": found, "duration": duration, "expires_at": expires_at}


@action(system="okta", risk="medium", environment="production", target="group")
def revoke_access(user_id: str, group: str) -> dict[str, Any]:
    """Take a person out of an Okta group at once.

    Args:
        user_id: Login name or Slack user id of the person, for example bob.
        group: Name of the Okta group, for example okta-prod-admins.
    """
    with changing("revoke_access", {"user_id": user_id, "group": group}) as books:
        person, found = known_person(books, user_id), known(books, "group", group)
        gone = books.execute("DELETE FROM memberships WHERE person = ? AND grp = ?", (person, found))
        if gone.rowcount == 0:
            raise ValueError(f"{person} is not in {found}.")
    return {"user_id": person, "group": found}


def _runs_there(service: str, version: str, environment: Environment) -> bool:
    with reading() as books:
        running: str = _deployment(books, known(books, "service", service), environment)["version"]
    return running == _version(version)


@action(
    system="ci",
    risk="high",
    environment="{environment}",
    target="service",
    on_crash="probe",
    probe=_runs_there,
    timeout=300,
)
def deploy_service(service: str, version: str, environment: Environment) -> dict[str, Any]:
    """Deploy a version of a service, forward or back.

    Args:
        service: Name of the service, for example checkout.
        version: The version to run, for example 2.4.1.
        environment: Where to deploy it.
    """
    wanted = _version(version)
    with changing("deploy_service", {"service": service, "version": version, "environment": environment}) as books:
        found = known(books, "service", service)
        before = _deployment(books, found, environment)["version"]
        change = "UPDATE deployments SET version = ?, health = 'healthy' WHERE service = ? AND environment = ?"
        books.execute(change, (wanted, found, environment))
    return {"service": found, "version": wanted, "environment": environment, "previous_version": before}


def _has_replicas(service: str, replicas: int, environment: Environment) -> bool:
    with reading() as books:
        running: int = _deployment(books, known(books, "service", service), environment)["replicas"]
    return running == replicas


@action(
    system="kubernetes",
    risk="medium",
    environment="{environment}",
    target="service",
    on_crash="probe",
    probe=_has_replicas,
)
def scale_deployment(service: str, replicas: int, environment: Environment) -> dict[str, Any]:
    """Change how many replicas of a service run.

    Args:
        service: Name of the service, for example checkout.
        replicas: How many shall run, 0 to 50.
        environment: Where to scale it.
    """
    if not 0 <= replicas <= MOST_REPLICAS:
        raise ValueError(f"A service can have 0 to {MOST_REPLICAS} replicas, not {replicas}.")
    with changing("scale_deployment", {"service": service, "replicas": replicas, "environment": environment}) as books:
        found = known(books, "service", service)
        before = _deployment(books, found, environment)["replicas"]
        change = "UPDATE deployments SET replicas = ? WHERE service = ? AND environment = ?"
        books.execute(change, (replicas, found, environment))
    return {"service": found, "replicas": replicas, "environment": environment, "previous_replicas": before}


@action(system="argocd", risk="medium", environment="{environment}", target="app", on_crash="rerun")
def sync_argocd_app(app: str, environment: Environment) -> dict[str, Any]:
    """Bring an Argo CD app to the newest revision of its repository.

    Args:
        app: Name of the Argo CD app, for example checkout.
        environment: Where to sync it.
    """
    with changing("sync_argocd_app", {"app": app, "environment": environment}) as books:
        found = known(books, "Argo CD app", app)
        change = (
            "UPDATE apps SET revision = revision + 1, synced = 1 WHERE name = ? AND environment = ? RETURNING revision"
        )
        revision = books.execute(change, (found, environment)).fetchone()["revision"]
    return {"app": found, "environment": environment, "revision": f"r{revision}", "sync": "Synced"}


@action(system="terraform", risk="critical", environment="production", target="workspace", timeout=900)
def terraform_apply(workspace: str, plan_summary: str) -> dict[str, Any]:
    """Apply the pending plan of a Terraform workspace.

    Args:
        workspace: Name of the workspace, for example network.
        plan_summary: What the plan changes, in a line, for example +3 ~1 -0.
    """
    with changing("terraform_apply", {"workspace": workspace, "plan_summary": plan_summary}) as books:
        found = known(books, "terraform workspace", workspace)
        change = "UPDATE workspaces SET serial = serial + 1, last_plan = ? WHERE name = ? RETURNING serial"
        serial = books.execute(change, (plan_summary, found)).fetchone()["serial"]
    return {"workspace": found, "serial": serial, "plan_summary": plan_summary}


@action(system="vault", risk="critical", environment="production", target="name")
def rotate_credentials(name: str) -> dict[str, Any]:
    """Replace a stored credential by a new one; the old one stops working. The secret itself is never returned.

    Args:
        name: Name of the credential, for example checkout-db.
    """
    with changing("rotate_credentials", {"name": name}) as books:
        found = known(books, "credential", name)
        change = "UPDATE credentials SET version = version + 1, rotated_at = ? WHERE name = ? RETURNING version"
        version = books.execute(change, (now(), found)).fetchone()["version"]
    return {"name": found, "version": version}


@action(system="statuspage", risk="medium", environment="production", target="incident")
def post_incident_update(incident: str, status: IncidentStatus, message: str) -> dict[str, Any]:
    """Publish an update of an incident on the public status page.

    Args:
        incident: The incident's id, for example INC-42.
        status: How far it is.
        message: What customers shall read.
    """
    with changing("post_incident_update", {"incident": incident, "status": status, "message": message}) as books:
        found = known(books, "incident", incident)
        before = books.execute("SELECT status FROM incidents WHERE name = ?", (found,)).fetchone()["status"]
        if before == "resolved":
            raise ValueError(f"{found} is resolved and takes no more updates.")
        books.execute("INSERT INTO incident_updates VALUES (?, ?, ?, ?)", (found, now(), status, message))
        books.execute("UPDATE incidents SET status = ? WHERE name = ?", (status, found))
    return {"incident": found, "status": status, "message": message, "previous_status": before}


@action(system="trivy", read_only=True, target="image")
def scan_image(image: str) -> dict[str, Any]:
    """Scan a container image for known vulnerabilities. Changes nothing.

    Args:
        image: Service and version, for example checkout:2.4.1.
    """
    service, colon, version = image.partition(":")
    if not colon:
        raise ValueError(f"'{image}' names no version; write it like {image}:2.4.1.")
    with reading() as books:
        found = f"{known(books, 'service', service)}:{_version(version)}"
        rows = books.execute("SELECT severity, cve, package FROM findings WHERE image = ?", (found,)).fetchall()
    counts = {severity: sum(row["severity"] == severity for row in rows) for severity in _SEVERITIES}
    return {"image": found, **counts, "findings": [dict(row) for row in rows]}


@action(system="kubernetes", read_only=True, target="service")
def get_service_status(service: str) -> dict[str, Any]:
    """Look up version, replicas and health of a service. Changes nothing.

    Args:
        service: Name of the service, for example checkout.
    """
    with reading() as books:
        found = known(books, "service", service)
        here = {environment: _deployment(books, found, environment) for environment in ("production", "staging")}
    return {**here["production"], "staging": here["staging"]}


@action(system="kubernetes", read_only=True)
def list_services() -> dict[str, Any]:
    """List all services with version, replicas and health in production. Changes nothing."""
    with reading() as books:
        rows = books.execute("SELECT * FROM deployments WHERE environment = 'production' ORDER BY service").fetchall()
    return {"services": [dict(row) for row in rows]}


def _deployment(books: sqlite3.Connection, service: str, environment: str) -> dict[str, Any]:
    query = "SELECT * FROM deployments WHERE service = ? AND environment = ?"
    return dict(books.execute(query, (service, environment)).fetchone())


def _version(text: str) -> str:
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a version; write it like 2.4.1.")
    return match[1]


def _lasting(duration: str) -> timedelta:
    match = _DURATION.fullmatch(duration.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"'{duration}' is not a duration; write it like 30m, 48h or 7d.")
    lasting = timedelta(**{_UNITS[match[2]]: min(int(match[1]), 10**6)})
    if lasting > LONGEST_GRANT:
        raise ValueError(f"Access is granted for at most {LONGEST_GRANT.days} days, not for {duration}.")
    return lasting
