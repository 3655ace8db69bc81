"""Ouvrir l'application livrée dans un vrai navigateur, réseau coupé."""

import csv
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ctg_data.territoire import EMBARQUES
from trouver_chromium import trouver

RACINE = Path(__file__).parents[2]
ARTEFACTS = RACINE / "artefacts"
PAGES = ("accueil", "offre_besoins", "commune", "donnees")
TERRITOIRES = {"costieres_camargue": 8, "gard_rhodanien": 44}
NOMS_HOSTILES = (
    "<img src=x onerror=window.pirate=1>",
    "<script>window.pirate=1</script>",
    "{{7*7}}{% raw %}",
    "![x](http://ailleurs.example/p.png)",
    "$\\frac{a}{b}$",
    ":red[x] :material/home:",
    "</script>`${alert(1)}`",
    "[x](javascript:alert(1)) **gras**",
)
DELAI_MS = 15_000
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REPOS = """() => {
  const etat = document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState;
  const main = document.querySelector('[data-testid="stMain"]');
  return etat === 'notRunning' && main?.querySelector('h3')
    && !main.querySelector('[data-testid="stSkeleton"], [data-stale="true"]')
    && [...main.querySelectorAll('[data-testid="stBidiComponentRegular"]')].every(
      composant => composant.closest('[class*="st-key-contours_"]')
        || composant.querySelector('.bloc-figure'))
    && [...main.querySelectorAll('.cadre-figure:not([hidden])')].every(
      figure => figure.querySelector('.main-svg, .rang'));
}"""
# Un point d'écran à l'intérieur d'un tracé, même creux.
POINT_DEDANS = """trace => {
  const cadre = trace.getBBox(), vers = trace.getScreenCTM(), svg = trace.ownerSVGElement;
  for (let pas = 2; pas < 40; pas++)
    for (let i = 1; i < pas; i++)
      for (let j = 1; j < pas; j++) {
        const point = svg.createSVGPoint();
        point.x = cadre.x + cadre.width * i / pas;
        point.y = cadre.y + cadre.height * j / pas;
        if (trace.isPointInFill(point)) {
          const ecran = point.matrixTransform(vers);
          return [ecran.x, ecran.y];
        }
      }
}"""

# Marque du code de la commune son tracé Leaflet ; vrai quand c'est fait.
MARQUER_FOLIUM = """code => {
  const carte = document.querySelector('iframe[title*="folium"]')?.contentWindow?.map;
  const couche = Object.values(carte?._layers ?? {}).find(
    c => c.feature?.properties?.code === code && c.options.interactive && c._path?.isConnected
  );
  if (couche) couche._path.dataset.code = code;
  return !!couche;
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for test in items:
        if "navigateur" in test.path.parts:
            test.add_marker(pytest.mark.navigateur)


@contextmanager
def lancer(donnees: Path) -> Iterator[str]:
    """Servir l'application avec la configuration livrée, sur un port libre ; rend son adresse."""
    with socket.socket() as prise:
        prise.bind(("127.0.0.1", 0))
        port = prise.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true"]
    processus = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", *options],
        cwd=RACINE,
        env={**os.environ, "CTG_DONNEES": str(donnees)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _attendre_serveur(f"http://127.0.0.1:{port}/_stcore/health", processus)
        yield f"http://127.0.0.1:{port}"
    finally:
        processus.terminate()
        processus.wait(10)


def _attendre_serveur(adresse: str, processus: subprocess.Popen[bytes]) -> None:
    fin = time.monotonic() + 60
    while time.monotonic() < fin and processus.poll() is None:
        try:
            urllib.request.urlopen(adresse, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Le serveur de test ne répond pas.")


@pytest.fixture(scope="session")
def donnees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendre un dossier d'utilisateur : un territoire aux noms hostiles."""
    racine = tmp_path_factory.mktemp("donnees")
    hostile = racine / "territoires" / "hostile"
    shutil.copytree(EMBARQUES / "costieres_camargue", hostile)
    fiche = (hostile / "territoire.toml").read_text("utf-8")
    fiche = fiche.replace('nom = "Costières Camargue"', f"nom = '{NOMS_HOSTILES[0]}'", 1)
    (hostile / "territoire.toml").write_text(fiche, "utf-8")
    fichier = hostile / "communes.csv"
    with fichier.open(encoding="utf-8", newline="") as flux:
        lignes = list(csv.DictReader(flux, delimiter=";"))
    for ligne, nom in zip(lignes, NOMS_HOSTILES, strict=True):
        ligne["nom_commune"] = nom
    with fichier.open("w", encoding="utf-8", newline="") as flux:
        plume = csv.DictWriter(flux, list(lignes[0]), delimiter=";")
        plume.writeheader()
        plume.writerows(lignes)
    return racine


@pytest.fixture(scope="session")
def serveur(donnees: Path) -> Iterator[str]:
    """Rendre l'adresse du serveur commun aux tests."""
    with lancer(donnees) as adresse:
        yield adresse


@pytest.fixture
def serveur_neuf(tmp_path: Path) -> Callable[[], Any]:
    """Rendre de quoi lancer un serveur qui n'a encore servi aucune page."""
    return lambda: lancer(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Rendre un navigateur."""
    with sync_playwright() as playwright:
        navigateur = playwright.chromium.launch(executable_path=trouver(), args=OPTIONS)
        yield navigateur
        navigateur.close()


def _locale(adresse: str) -> bool:
    parties = urlsplit(adresse)
    return parties.scheme in ("data", "blob", "about") or parties.hostname == "127.0.0.1"


class Ecran:
    """Un onglet et ce qu'il a fait : requêtes sorties, erreurs de console, octets reçus."""

    def __init__(self, page: Page, serveur: str) -> None:
        self.page, self.serveur = page, serveur
        self.sorties: list[str] = []
        self.erreurs: list[str] = []
        self.recus: list[bytes] = []
        page.set_default_timeout(DELAI_MS)
        page.route(lambda adresse: not _locale(adresse), lambda route: route.abort())
        page.on("request", lambda requete: self._noter(requete.url))
        page.on("websocket", self._ecouter)
        page.on("console", self._console)
        page.on("pageerror", lambda erreur: self.erreurs.append(str(erreur)))
        page.on("dialog", self._dialogue)

    def _noter(self, adresse: str) -> None:
        if not _locale(adresse):
            self.sorties.append(adresse)

    def _ecouter(self, canal: Any) -> None:
        self._noter(canal.url)
        canal.on("framereceived", self._recevoir)

    def _recevoir(self, trame: str | bytes) -> None:
        if isinstance(trame, bytes):
            self.recus.append(trame)

    def _console(self, message: Any) -> None:
        # Sur un lien profond, Streamlit cherche son serveur sous l'adresse de la page d'abord.
        chemin = urlsplit(message.location.get("url", "")).path
        connu = chemin.count("/") > 2 and chemin.endswith(("_stcore/health", "_stcore/host-config"))
        if message.type == "error" and not connu:
            self.erreurs.append(f"{message.text} ({chemin})")

    def _dialogue(self, dialogue: Any) -> None:
        self.erreurs.append(f"boîte de dialogue : {dialogue.message}")
        dialogue.dismiss()

    def ouvrir(self, nom: str, serveur: str | None = None, **adresse: str) -> "Ecran":
        """Ouvrir une page par son adresse et attendre qu'elle soit complète."""
        self.page.goto(f"{serveur or self.serveur}/{nom}?{urlencode(adresse)}")
        return self.attendre()

    def attendre(self) -> "Ecran":
        """Attendre la fin du script, figures dessinées comprises."""
        self.page.wait_for_function(REPOS)
        return self

    @property
    def adresse(self) -> dict[str, str]:
        """Rendre les paramètres de l'adresse affichée."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def attendre_adresse(self, **attendus: str) -> "Ecran":
        """Attendre que l'adresse porte ces paramètres, puis que la page soit complète."""
        self.page.wait_for_url(
            lambda url: dict(parse_qsl(urlsplit(url).query)).items() >= attendus.items()
        )
        return self.attendre()

    def cliquer_dans(self, trace: Locator) -> None:
        """Cliquer à l'intérieur d'un tracé SVG (une commune), même creux, même dans un cadre."""
        x, y = trace.evaluate(POINT_DEDANS)
        # Dans un cadre, les coordonnées partent du coin du cadre.
        coin = trace.evaluate(
            "t => { const c = t.ownerDocument.defaultView.frameElement?.getBoundingClientRect();"
            " return c ? [c.x, c.y] : [0, 0]; }"
        )
        self.page.mouse.click(x + coin[0], y + coin[1])

    def commune(self, code: str) -> Locator:
        """Rendre le tracé d'une commune sur la carte Plotly."""
        trouver = """code => {
          const traces = [...document.querySelectorAll('.st-key-carte .choroplethlayer path')];
          const rang = traces.findIndex(trace => trace.__data__?.loc === code);
          return rang < 0 ? null : { rang };
        }"""
        # Les contours arrivent par une requête à part, après la figure.
        rang = self.page.wait_for_function(trouver, arg=code).json_value()["rang"]
        return self.page.locator(".st-key-carte .choroplethlayer path").nth(rang)

    def commune_folium(self, code: str) -> Locator:
        """Rendre le tracé d'une commune sur la carte Folium."""
        self.page.wait_for_function(MARQUER_FOLIUM, arg=code)
        cadre = self.page.frame_locator('iframe[title*="folium"]')
        return cadre.locator(f'path[data-code="{code}"]')

    def choisir(self, cle: str, texte: str) -> None:
        """Choisir une option d'une liste déroulante, en tapant son début."""
        liste = self.page.locator(f".st-key-choix_{cle}").get_by_role("combobox")
        liste.click()
        liste.fill(texte)
        self.page.get_by_role("option").filter(has_text=texte).first.click()

    def menu(self, page: str) -> "Ecran":
        """Passer à une autre page par le menu."""
        self.page.locator(f"[data-testid='stSidebar'] a[href*='{page}?']").click()
        self.page.wait_for_url(f"**/{page}?*")
        return self.attendre()

    def contour_choisi(self) -> list[str]:
        """Rendre les codes des barres entourées du classement."""
        return self.page.locator(".classement").evaluate(
            """liste => [...liste.querySelectorAll('.rang')]
              .filter(r => getComputedStyle(r.querySelector('.barre')).borderColor
                === 'rgb(194, 65, 12)')
              .map(r => r.dataset.code)"""
        )

    def messages(self) -> list[ForwardMsg]:
        """Rendre les messages reçus du serveur, décodés."""
        return [ForwardMsg.FromString(octets) for octets in self.recus]

    def capturer(self, nom: str) -> None:
        """Garder une image de l'écran dans artefacts/, que git ignore."""
        ARTEFACTS.mkdir(exist_ok=True)
        (ARTEFACTS / ".gitignore").write_text("*\n")
        self.page.screenshot(path=ARTEFACTS / f"{nom}.png")


@pytest.fixture
def contexte(chromium: Browser) -> Iterator[BrowserContext]:
    """Rendre un contexte de navigation vierge, en 1366 × 768."""
    ouvert = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR")
    yield ouvert
    ouvert.close()


@pytest.fixture
def ecran(contexte: BrowserContext, serveur: str) -> Iterator[Ecran]:
    """Rendre un onglet ; échouer s'il a demandé quoi que ce soit hors de la machine, ou planté."""
    ouvert = Ecran(contexte.new_page(), serveur)
    yield ouvert
    assert not ouvert.sorties
    assert not ouvert.erreurs
