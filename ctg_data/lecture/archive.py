"""Ouvrir une archive ZIP (ou un classeur, qui en est une) sans la croire.

Rien n'est jamais extrait sur le disque : les chemins ne peuvent pas sortir d'un dossier. Les noms
sont contrôlés quand même : une archive qui en porte de tels a été fabriquée pour nuire.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

from ctg_data.anomalies import abreger
from ctg_data.lecture.signatures import EXTENSIONS, VERS_GEOJSON, Refus
from ctg_data.textes import INSECABLE, nombre

CLASSEUR_MAX_MO = 50
ARCHIVE_MAX_MO = 100
MEMBRES_MAX = 1_000
_MO = 1_000_000
_UTILES = {e for noms in EXTENSIONS.values() for e in noms} - {"zip", "txt", "tab"}
_NOTICES = re.compile(
    r"(^|[_.-])(meta|metadata|metadonnees|varmod|notice|dictionnaire|lisez)", re.I
)
_ABIME = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
REEXPORTER = "Téléchargez-le de nouveau, ou demandez un fichier non compressé."


def ouvrir(octets: bytes, quoi: str, maximum_mo: float) -> zipfile.ZipFile:
    """Ouvrir une archive contrôlée : taille une fois décompressée, noms, liens, chiffrement.

    `quoi` la nomme dans les messages (« classeur », « archive »). Lève Refus.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(octets))
        membres = archive.infolist()
    except (ValueError, *_ABIME):
        raise Refus(accorder(quoi, "abîmé"), REEXPORTER) from None
    _controler(membres, quoi, maximum_mo)
    return archive


def _controler(membres: list[zipfile.ZipInfo], quoi: str, maximum_mo: float) -> None:
    refus = accorder(quoi, "refusé")
    if len(membres) > MEMBRES_MAX:
        raise Refus(f"{refus}, {nombre(len(membres))} fichiers dedans", REEXPORTER)
    for membre in membres:
        if _chemin_dangereux(membre.filename):
            trouve = abreger(membre.filename)
            conseil = "Ne gardez que vos fichiers, sans dossier parent ni chemin absolu."
            raise Refus(f"{refus}{INSECABLE}: chemin « {trouve} »", conseil)
        if stat.S_ISLNK(membre.external_attr >> 16):
            regle = f"{refus}{INSECABLE}: lien symbolique « {abreger(membre.filename)} »"
            raise Refus(regle, "Mettez-y les fichiers eux-mêmes.")
        if membre.flag_bits & 0x1:
            regle = f"{accorder(quoi, 'protégé')} par mot de passe"
            raise Refus(regle, "Décompressez-le avec son mot de passe, puis déposez le fichier.")
    total = sum(m.file_size for m in membres) / _MO
    if total > maximum_mo:
        regle = (
            f"{refus}{INSECABLE}: {nombre(total)}{INSECABLE}Mo une fois décompressé "
            f"(limite {nombre(maximum_mo)}{INSECABLE}Mo)"
        )
        raise Refus(regle, "Ne gardez que les communes et les colonnes utiles.")


def accorder(quoi: str, participe: str) -> str:
    """Accorder un participe avec ce qu'il qualifie : « archive refusée », « classeur refusé »."""
    return f"{quoi} {participe}{'e' if quoi == 'archive' else ''}"


def _chemin_dangereux(nom: str) -> bool:
    normal = nom.replace("\\", "/")
    return (
        normal.startswith("/")
        or ".." in normal.split("/")
        or bool(re.match("[A-Za-z]:", normal))
        or "\x00" in nom
    )


def lire_membre(archive: zipfile.ZipFile, nom: str, quoi: str) -> bytes:
    """Lire un fichier d'une archive contrôlée ; lève Refus s'il est abîmé."""
    try:
        return archive.read(nom)
    except (ValueError, KeyError, *_ABIME):
        raise Refus(accorder(quoi, "abîmé"), REEXPORTER) from None


def fichiers_utiles(octets: bytes) -> list[tuple[str, bytes]]:
    """Rendre les fichiers lisibles d'une archive ZIP : tableaux et contours, notices exclues.

    Lève Refus quand il n'y en a aucun, quand une archive en contient une autre, ou si elle est
    dangereuse.
    """
    with ouvrir(octets, "archive", ARCHIVE_MAX_MO) as archive:
        noms = [
            m.filename
            for m in archive.infolist()
            if not m.is_dir() and not m.filename.startswith("__MACOSX/")
        ]
        _refuser_contenu(noms)
        utiles = [n for n in noms if _extension(n) in _UTILES]
        principaux = [n for n in utiles if not _NOTICES.search(PurePosixPath(n).name)] or utiles
        if not principaux:
            conseil = "Mettez-y un tableau (CSV, XLSX, ODS) ou des contours (GeoJSON, GeoPackage)."
            trouve = abreger(", ".join(noms) or "archive vide")
            raise Refus("archive sans fichier lisible", conseil, valeur=trouve)
        return [(n, lire_membre(archive, n, "archive")) for n in principaux]


def _refuser_contenu(noms: list[str]) -> None:
    extensions = {_extension(n) for n in noms}
    if extensions & {"zip", "7z", "rar", "gz"}:
        raise Refus(
            "archive dans une archive", "Décompressez-la, puis déposez les fichiers eux-mêmes."
        )
    if "shp" in extensions:
        raise Refus("archive d'un fichier de formes (shapefile), non lu", VERS_GEOJSON)


def _extension(nom: str) -> str:
    return PurePosixPath(nom).suffix.lower().removeprefix(".")
