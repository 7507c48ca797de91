"""The portal as people meet it: one server and one sandbox for all of it, a page that stays open from test to test.

The tests follow each other: the page opened by the second is what the later ones look at, the last two take the systems
and the server away.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import pytest
from browser.visits import REPOSITORY, Chromium, Visit, environment_for
from patience import patient
from playwright.sync_api import Page, expect
from widgets.recorded_turn import INVESTIGATION

from autodevops.cli.processes import free_port, running, wait_until_answers
from autodevops.domain.incident import incident_of
from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.runbooks.bundle import Bundle
from autodevops.sandbox import Sandbox
from autodevops.settings import LedgerSettings
from autodevops.stores.incidents import open_incident
from autodevops.stores.sqlite_ledger import open_ledger

TOKEN = "browser-tests"
BOBS = "the token of bob alone"
RUN = "20261124T040000000Z-abcdef"
INCIDENT = "inc-20261128T000000000Z-abcdef"
TITLE = INVESTIGATION.hypotheses[0].summary
REPORT = b"<!doctype html><title>r</title><h1>What was found</h1><script>document.body.append('it ran')</script>"
PLENTY_MS = 90_000  # a bound for a busy machine, not a duration
AXE = REPOSITORY / "widgets" / "node_modules" / "axe-core" / "axe.min.js"
ADDRESSES = (
    "/",
    "/?namespace=shop",
    "/metrics",
    "/approvals/20261128T000000000Z-abcdef",
    f"/runs/{RUN}/report.html",
    "/voila/static/voila.js",
    "/voila/templates/base/static/voila.js",
    "/voila/labextensions/anywidget/package.json",
    "/voila/files/portal.ipynb",
    "/voila/api/themes/x",
    "/api/kernels/11111111-1111-1111-1111-111111111111",
    "/api/kernels/11111111-1111-1111-1111-111111111111/channels",
    "/voila/execution/11111111-1111-1111-1111-111111111111",
)


@dataclass
class Portal:
    url: str
    server: subprocess.Popen[bytes]
    systems: ExitStack  # closing it takes the sandbox away
    environment: dict[str, str]
    state: Path

    def kernels(self) -> list[psutil.Process]:
        return psutil.Process(self.server.pid).children(recursive=True)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    _keep_a_run(folder / "artifacts")
    with ExitStack() as systems:
        sandbox = systems.enter_context(Sandbox(scenario="bad-deploy", seed=1))
        kubeconfig = folder / "kubeconfig"
        sandbox.write_kubeconfig(kubeconfig)
        ours = {
            "KUBECONFIG": str(kubeconfig),
            "XDG_STATE_HOME": str(folder / "state"),
            "AUTODEVOPS_PORTAL__TOKEN": TOKEN,
            "AUTODEVOPS_SCARLET__ARTIFACTS": str(folder / "artifacts"),
            "AUTODEVOPS_TOOLBOX__CACHE_SECONDS": "0",
            "AUTODEVOPS_PORTAL__ANSWERS_AS": "alice",
            "AUTODEVOPS_PORTAL__PEOPLE": json.dumps({"bob": f"sha256:{hashlib.sha256(BOBS.encode()).hexdigest()}"}),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_EXECUTOR__APPROVERS": '["alice"]',
            "AUTODEVOPS_EXECUTOR__VERIFY_SECONDS": "0",
            "AUTODEVOPS_EXECUTOR__POLL_SECONDS": "0.2",
        }
        port = free_port(0)
        log = folder / "portal.log"
        command = [sys.executable, "-m", "autodevops", "portal", "--port", str(port), "--max-kernels", "2"]
        environment = environment_for(folder, patient(sandbox) | ours)
        with running(command, environment, log) as child:
            wait_until_answers(f"http://127.0.0.1:{port}/login", child, log)
            yield Portal(f"http://127.0.0.1:{port}", child, systems, environment, folder / "state")


def _keep_a_run(artifacts: Path) -> None:
    at = datetime(2026, 11, 24, 4, tzinfo=UTC)
    run = Run(
        id=RUN,
        runbook="probe",
        title="Probe of the shop",
        trigger="schedule",
        requested_by="",
        parameters={},
        status="running",
        started_at=at,
        source_digest="sha256:" + 64 * "0",
    )
    bundle = Bundle.create(artifacts, run)
    bundle.finish(run.model_copy(update={"status": "succeeded", "finished_at": at}), None, REPORT)


@pytest.fixture(scope="module")
def desk(chromium: Chromium, portal: Portal) -> Iterator[Visit]:
    """The page that stays open; `test_the_login_page...` opens the portal in it."""
    with chromium.visit() as visit:
        yield visit


def check_accessible(page: Page) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm install in widgets/")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    said = [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert said == []


def test_nothing_is_told_to_whoever_is_not_known(portal: Portal) -> None:
    with httpx.Client(base_url=portal.url, trust_env=False) as nobody:
        for address in ADDRESSES:
            for headers in ({}, {"Authorization": "token wrong"}, {"Cookie": "username-127-0-0-1=x"}):
                answer = nobody.get(address, headers=headers)
                refused = answer.status_code == 403 or answer.headers.get("location", "").startswith("/login?")
                assert refused, (address, answer.status_code)
        assert nobody.post("/login", data={"password": TOKEN}).status_code == 403  # from a form of another site
        assert nobody.get("/login", headers={"Host": "evil.example"}).status_code == 403
        assert "default-src 'none'" in nobody.get("/login").headers["content-security-policy"]
    with httpx.Client(base_url=portal.url, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as scraper:
        metrics = scraper.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "# TYPE autodevops_runs_total counter" in metrics.text
        report = scraper.get(f"/runs/{RUN[-6:]}/report.html")
        assert report.content == REPORT
        assert re.search(r"script-src 'none'.*sandbox$", report.headers["content-security-policy"])
        assert scraper.get("/runs/none/report.html").status_code == 404
        assert scraper.get("/voila/files/portal.ipynb").status_code == 404
    assert portal.kernels() == []


def test_the_login_page_leads_to_what_the_link_named(portal: Portal, desk: Visit) -> None:
    page = desk.page
    page.goto(f"{portal.url}/?namespace=shop&question=Why+is+payment+failing%3F&run={RUN}")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    check_accessible(page)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    dialog = page.get_by_role("dialog", name=re.compile("Report of"))
    expect(dialog).to_be_visible(timeout=PLENTY_MS)
    report = dialog.frame_locator("iframe")
    expect(report.locator("h1")).to_have_text("What was found")
    expect(report.locator("body")).not_to_contain_text("it ran")
    dialog.get_by_label("Close the report").click()
    expect(dialog).to_be_hidden()
    assert "run=" not in page.url
    box = page.get_by_label("Question for Jamie")
    expect(box).to_have_value("Why is payment failing?")
    assert page.locator(".adj-turn").count() == 0  # a link asks nothing by itself


def test_the_overview_shows_what_the_systems_know(desk: Visit) -> None:
    page = desk.page
    expect(page.get_by_text(re.compile(r"^Updated \d\d:\d\d:\d\d UTC$"))).to_be_visible(timeout=PLENTY_MS)
    expect(page.get_by_label("Namespace")).to_have_value("shop")
    expect(page.locator('[data-section="alerts"]')).to_contain_text("HighErrorRate")
    expect(page.locator('[data-section="incidents"]')).to_contain_text("No incidents recorded.")
    expect(page.locator('[data-section="runs"]')).to_contain_text("Probe of the shop")
    payment = page.locator(".adp-services tbody tr", has=page.get_by_role("button", name="payment", exact=True))
    expect(payment).to_have_attribute("data-state", "bad")
    expect(payment).to_contain_text("of requests fail")
    assert payment.locator(".adp-spark path").count() == 5
    well = page.locator(".adp-services tbody tr", has=page.get_by_role("button", name="catalog", exact=True))
    expect(well).to_have_attribute("data-state", "good")
    expect(well).to_contain_text("3/3")
    expect(page.locator(".adp-unseen")).to_be_hidden()
    well.get_by_role("button", name=re.compile("^Memory of catalog")).click()
    expect(page.get_by_label("Question for Jamie")).to_have_value("How much memory does catalog use in shop?")
    check_accessible(page)
    assert desk.hosts == {"127.0.0.1"}
    assert desk.errors == []


def test_a_change_is_approved_by_click_as_the_visitor_once_and_verified(portal: Portal, desk: Visit) -> None:
    page = desk.page
    command = [
        sys.executable,
        "-m",
        "autodevops",
        "act",
        "cordon_node",
        "--json",
        "--why",
        "noisy",
        "-p",
        "name=node-1",
    ]
    asked = subprocess.run(command, env=portal.environment, capture_output=True, text=True, check=True)
    operation = json.loads(asked.stdout)
    page.get_by_role("button", name="Refresh").click()
    row = page.locator(f'[data-operation-row="{operation["id"]}"]')
    expect(row).to_contain_text("Node node-1", timeout=PLENTY_MS)
    row.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    card = page.get_by_role("alertdialog", name=re.compile("Cordon node"))
    expect(card.get_by_role("button", name="Deny")).to_be_focused()
    expect(card).to_contain_text("spec.unschedulable")
    check_accessible(page)

    address, digest = f"{portal.url}/approvals/{operation['id']}", operation["approval"]["digest"]
    forged = {"digest": "sha256:other", "yes": True}
    with httpx.Client(trust_env=False, headers={"Authorization": f"token {TOKEN}"}) as known:
        assert known.post(address, json=forged).status_code == 409  # another plan
        assert known.post(address, json=forged | {"digest": digest, "by": "mallory"}).status_code == 409
        assert known.get(address).json()["visitor"] == "alice"
    with httpx.Client(trust_env=False, headers={"Authorization": f"token {BOBS}"}) as bob:
        assert bob.get(address).json()["visitor"] == "bob"
        refused = bob.post(address, json={"digest": digest, "yes": True})
        assert "bob is not among executor.approvers" in refused.json()["error"]["message"]
        bob.headers.pop("Authorization")
        assert bob.get(address).json()["visitor"] == "bob"  # by the cookie that the token was taken for
    with httpx.Client(trust_env=False) as elsewhere:  # a form of another site comes with the cookies alone
        for one in page.context.cookies():
            elsewhere.cookies.set(one["name"], one["value"])
        assert elsewhere.get(address).status_code == 200
        assert elsewhere.post(address, json={"digest": digest, "yes": True}).status_code == 403

    page.keyboard.press("Tab")
    approve = card.get_by_role("button", name="Approve")
    expect(approve).to_be_focused()
    approve.evaluate("button => { button.click(); button.click(); }")
    done = row.locator(".ada")
    expect(done).to_have_attribute("data-state", "verified", timeout=PLENTY_MS)
    expect(done.get_by_role("listitem").first).to_have_text(
        re.compile(r"^Yes from alice, .*, portal from 127\.0\.0\.1$")
    )
    expect(done.locator(".ada-answers li")).to_have_count(1)
    expect(page.locator(".adp-heat")).to_contain_text("1 × ask", timeout=PLENTY_MS)
    check_accessible(page)

    opened = incident_of(INVESTIGATION, incident_id=INCIDENT, now=utc_now(), severity="critical", title="", run=RUN)
    with open_ledger(LedgerSettings(folder=portal.state / "autodevops" / "ledger")) as ledger:
        open_incident(ledger, opened.model_copy(update={"operations": (operation["id"],)}), actor="alice")


def test_an_incident_opens_with_its_decisions_and_run_and_a_question_takes_it_along(desk: Visit) -> None:
    page = desk.page
    page.get_by_role("button", name="Refresh").click()
    page.locator('[data-section="incidents"]').get_by_role("button", name=TITLE).click(timeout=PLENTY_MS)
    detail = page.get_by_role("region", name="Incident", exact=True)
    expect(detail).to_contain_text("alice said yes to cordon node", timeout=PLENTY_MS)
    assert f"incident={INCIDENT}" in page.url
    detail.locator("summary").first.click()
    expect(detail.get_by_role("listitem").filter(has_text="Errors start").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^With incident"))).to_have_attribute("aria-pressed", "true")
    check_accessible(page)
    detail.get_by_role("button", name=f"Report of run {RUN}").click()
    page.get_by_label("Close the report").click()
    detail.get_by_label("Close the incident").click()
    expect(page.get_by_role("button", name=re.compile("^With incident"))).to_be_hidden()
    assert "incident=" not in page.url


def test_a_phone_in_the_dark_sees_one_pane_at_a_time_and_a_third_visitor_a_clear_word(
    portal: Portal, chromium: Chromium
) -> None:
    (others,) = portal.kernels()
    with chromium.visit(dark=True, width=390, height=844) as visit:
        page = visit.page
        page.goto(f"{portal.url}/?token={TOKEN}&incident={INCIDENT}")
        root = page.locator(".adp")
        expect(root).to_have_attribute("data-theme", "dark", timeout=PLENTY_MS)
        assert page.url == f"{portal.url}/?incident={INCIDENT}"  # the token is in a cookie, not in the history
        expect(page.locator(".adp-services tbody tr").first).to_be_visible(timeout=PLENTY_MS)
        expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.querySelector('.adp-pane').scrollWidth") <= 390
        check_accessible(page)
        page.get_by_role("button", name="Jamie", exact=True).click()
        expect(page.get_by_label("Question for Jamie")).to_be_visible()
        expect(page.locator(".adp-services")).to_be_hidden()
        page.get_by_role("button", name="Overview", exact=True).click()
        expect(page.locator(".adp-services")).to_be_visible()

        full = httpx.get(portal.url, headers={"Authorization": f"token {TOKEN}"}, trust_env=False)
        assert (full.status_code, full.headers["retry-after"]) == (503, "60")
        assert "portal is full" in full.text
        (mine,) = (kernel for kernel in portal.kernels() if kernel != others)
        page.goto("about:blank")
        mine.wait(timeout=180)  # whoever leaves takes the kernel along
    assert portal.kernels() == [others]


def test_systems_that_go_away_are_named(portal: Portal, desk: Visit) -> None:
    portal.systems.close()
    page = desk.page
    page.get_by_role("button", name="Refresh").click()
    unseen = page.get_by_role("alert").filter(has_text="Not read from")
    expect(unseen).to_contain_text("Not read from prometheus", timeout=PLENTY_MS)
    expect(unseen).to_contain_text("Not read from kubernetes", timeout=PLENTY_MS)
    expect(page.locator('[data-section="alerts"]')).to_contain_text("Alerts could not be read.", timeout=PLENTY_MS)
    expect(page.locator('[data-section="runs"]')).to_contain_text("Probe of the shop")


def test_sigterm_ends_the_server_with_its_kernels(portal: Portal, desk: Visit) -> None:
    kernels = portal.kernels()
    assert kernels
    os.kill(portal.server.pid, signal.SIGTERM)
    assert portal.server.wait(timeout=180) == 0
    _, alive = psutil.wait_procs(kernels, timeout=180)
    assert alive == []
