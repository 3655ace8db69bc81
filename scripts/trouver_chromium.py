"""Trouver le navigateur des tests : Chrome, Chromium ou Edge, quel que soit le système.

Usage : python scripts/trouver_chromium.py [--installer]
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

NOMS = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
)
APPLICATIONS_MACOS = ("Google Chrome", "Chromium", "Microsoft Edge")
EXECUTABLES_WINDOWS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)
DELAI_TELECHARGEMENT = 180
DELAI_PAQUETS = 900
CONSEIL = (
    "Installez Chrome, Chromium ou Edge (sous Debian : sudo apt-get install chromium), "
    "ou indiquez son exécutable dans la variable CTG_CHROMIUM."
)
CHEMIN_PLAYWRIGHT = """\
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    print(p.chromium.executable_path)
"""


class ChromiumIntrouvable(RuntimeError):
    """Signaler qu'aucun navigateur utilisable n'est présent."""


def trouver() -> str:
    """Rendre le chemin d'un navigateur Chromium installé.

    CTG_CHROMIUM l'emporte, puis les emplacements usuels, puis le Chromium de Playwright.
    Lève ChromiumIntrouvable, avec le remède en français.
    """
    impose = os.environ.get("CTG_CHROMIUM")
    if impose:
        return _impose(impose)
    for chemin in _candidats():
        if _repond(chemin):
            return str(chemin)
    raise ChromiumIntrouvable(f"Aucun navigateur Chrome, Chromium ou Edge trouvé. {CONSEIL}")


def trouver_ou_installer() -> str:
    """Rendre le chemin d'un navigateur, en l'installant s'il le faut et si c'est possible."""
    for installer in (_telecharger_par_playwright, _installer_paquet_debian):
        try:
            return trouver()
        except ChromiumIntrouvable:
            if os.environ.get("CTG_CHROMIUM"):
                raise
            installer()
    return trouver()


def _impose(valeur: str) -> str:
    chemin = shutil.which(valeur)
    if chemin is None:
        raise ChromiumIntrouvable(
            f"CTG_CHROMIUM désigne « {valeur} », qui n'est pas un exécutable. "
            "Corrigez cette variable ou retirez-la."
        )
    return chemin


def _candidats() -> Iterator[Path]:
    usuels = {"darwin": _macos, "win32": _windows}.get(sys.platform, _linux)
    yield from usuels()
    yield from _playwright()


def _linux() -> Iterator[Path]:
    yield from (Path(chemin) for nom in NOMS if (chemin := shutil.which(nom)))


def _macos() -> Iterator[Path]:
    for dossier in (Path("/Applications"), Path.home() / "Applications"):
        for nom in APPLICATIONS_MACOS:
            yield dossier / f"{nom}.app" / "Contents" / "MacOS" / nom


def _windows() -> Iterator[Path]:
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if dossier := os.environ.get(variable):
            yield from (Path(dossier) / executable for executable in EXECUTABLES_WINDOWS)


def _playwright() -> Iterator[Path]:
    # Dans un processus à part : l'API synchrone refuse de s'ouvrir deux fois dans le même.
    sortie = _executer([sys.executable, "-c", CHEMIN_PLAYWRIGHT], delai=60)
    if sortie:
        yield Path(sortie)


def _repond(chemin: Path) -> bool:
    """Dire si l'exécutable démarre : sous Ubuntu, chromium-browser peut n'être qu'un renvoi."""
    if not chemin.is_file():
        return False
    # Sous Windows, « chrome.exe --version » ouvrirait une fenêtre.
    return sys.platform == "win32" or _executer([str(chemin), "--version"], delai=30) is not None


def _telecharger_par_playwright() -> None:
    _installer([sys.executable, "-m", "playwright", "install", "chromium"], DELAI_TELECHARGEMENT)


def _installer_paquet_debian() -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        _installer(["apt-get", "update"], DELAI_PAQUETS)
        _installer(["apt-get", "install", "-y", "chromium"], DELAI_PAQUETS)


def _installer(commande: list[str], delai: int) -> None:
    _annoncer(f"Aucun navigateur : {' '.join(commande)}")
    if _executer(commande, delai) is None:
        _annoncer("Cette commande n'a pas abouti.")


def _executer(commande: list[str], delai: int) -> str | None:
    """Rendre la sortie d'une commande, ou None si elle échoue ou dépasse le délai (secondes)."""
    # Un fichier, pas un tube : un petit-fils encore vivant garderait le tube ouvert après le délai.
    with tempfile.TemporaryFile() as sortie:
        try:
            processus = subprocess.Popen(
                commande,
                stdin=subprocess.DEVNULL,
                stdout=sortie,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                start_new_session=True,
            )
        except OSError:
            return None
        if _attendre(processus, delai) != 0:
            return None
        sortie.seek(0)
        return sortie.read().decode("utf-8", errors="replace").strip()


def _attendre(processus: subprocess.Popen[bytes], delai: int) -> int | None:
    """Rendre le code de retour, ou None passé le délai ; n'en laisse jamais rien tourner."""
    try:
        return processus.wait(delai)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if processus.poll() is None:
            _arreter(processus)


def _arreter(processus: subprocess.Popen[bytes]) -> None:
    # Le groupe entier : Playwright télécharge dans un processus enfant.
    if sys.platform == "win32":
        processus.kill()
    else:
        os.killpg(processus.pid, signal.SIGKILL)
    processus.wait()


def _annoncer(message: str) -> None:
    # La sortie standard ne porte que le chemin, lu par le Makefile.
    print(message, file=sys.stderr)


def main() -> int:
    """Écrire le chemin du navigateur sur la sortie standard ; rendre 1 s'il n'y en a pas."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--installer", action="store_true", help="l'installer s'il manque")
    try:
        print(trouver_ou_installer() if arguments.parse_args().installer else trouver())
    except ChromiumIntrouvable as erreur:
        _annoncer(str(erreur))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
