"""Mesurer, dans un vrai navigateur, le temps entre un choix et le nouvel état peint."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.terrain import INDICATEURS
from ctg_data.indicateurs import catalogue

SONDE = Path(__file__).with_name("sonde.js")
CALME_MS = 500
OPTIONS_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COMPTEURS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")


@dataclass
class Changement:
    """Un changement d'indicateur : temps en ms depuis le clic, octets reçus, temps du navigateur.

    `serveur` : de l'envoi du choix à l'annonce de fin du script ; `navigateur` : millisecondes de
    calcul du fil principal, par genre.
    """

    texte: float
    peint: float
    serveur: float
    octets: int
    navigateur: dict[str, float]


@dataclass
class _Fil:
    """Les messages d'un changement, datés par le navigateur."""

    envoi: float | None = None
    fin: float | None = None
    octets: int = 0

    def envoyer(self, evenement: dict[str, Any]) -> None:
        self.envoi = self.envoi or evenement["timestamp"]

    def recevoir(self, evenement: dict[str, Any]) -> None:
        trame = evenement["response"]
        if self.envoi is None or self.fin is not None or trame["opcode"] != 2:
            return
        octets = base64.b64decode(trame["payloadData"])
        self.octets += len(octets)
        if ForwardMsg.FromString(octets).WhichOneof("type") == "script_finished":
            self.fin = evenement["timestamp"]


class Onglet:
    """Une page ouverte, prête à changer d'indicateur comme le ferait un utilisateur."""

    def __init__(self, navigateur: BrowserContext, adresse: str) -> None:
        self.page: Page = navigateur.new_page()
        self.page.add_init_script(path=SONDE)
        self.cdp = navigateur.new_cdp_session(self.page)
        self.cdp.send("Network.enable")
        self.cdp.send("Performance.enable")
        self.fil = _Fil()
        self.cdp.on("Network.webSocketFrameSent", lambda e: self.fil.envoyer(e))
        self.cdp.on("Network.webSocketFrameReceived", lambda e: self.fil.recevoir(e))
        self.page.goto(adresse)
        self.attendus: dict[str, dict[str, str]] = {}

    def apprendre(self) -> None:
        """Parcourir une fois les indicateurs et retenir l'état affiché de chacun."""
        self.page.locator('[data-testid="stMain"] h3').first.wait_for(timeout=60_000)
        for code in (*INDICATEURS, INDICATEURS[0]):
            self._repos()
            self._ouvrir(code).click()
            self.page.wait_for_timeout(100)
            self.attendus[code] = self._repos()
        if len({a["peint"] for a in self.attendus.values()}) < len(INDICATEURS):
            raise RuntimeError("Deux indicateurs donnent le même état : rien à mesurer.")

    def changer(self, code: str) -> Changement:
        """Choisir un indicateur dans la liste et mesurer jusqu'à ce que tout soit peint."""
        self._repos()
        option = self._ouvrir(code)
        self.page.evaluate("attendu => sonde.armer(attendu)", self.attendus[code])
        self.fil, avant = _Fil(), self._compteurs()
        option.click()
        releve = self.page.wait_for_function("() => sonde.mesure", timeout=30_000).json_value()
        apres = self._compteurs()
        self._repos()
        assert self.fil.envoi is not None and self.fil.fin is not None
        return Changement(
            texte=releve["texte"],
            peint=releve["peint"],
            serveur=1000 * (self.fil.fin - self.fil.envoi),
            octets=self.fil.octets,
            navigateur={c: 1000 * (apres[c] - avant[c]) for c in COMPTEURS},
        )

    def _ouvrir(self, code: str) -> Any:
        """Dérouler la liste des indicateurs et rendre l'option, filtrée par son titre."""
        titre = catalogue()[code].titre
        liste = self.page.locator('[data-testid="stMain"]').get_by_role(
            "combobox", name="Indicateur"
        )
        liste.click()
        liste.fill(titre)
        option = self.page.get_by_role("option").filter(has_text=titre).first
        option.wait_for()
        return option

    def _repos(self) -> dict[str, str]:
        etat: dict[str, str] = self.page.evaluate("calme => sonde.repos(calme)", CALME_MS)
        return etat

    def _compteurs(self) -> dict[str, float]:
        mesures = self.cdp.send("Performance.getMetrics")["metrics"]
        return {m["name"]: m["value"] for m in mesures}
