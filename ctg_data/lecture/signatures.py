"""Reconnaître la nature d'un fichier à ses octets : l'extension peut mentir, les octets non."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath

from ctg_data.anomalies import Anomalie
from ctg_data.textes import INSECABLE

MARQUES = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SQLITE = b"SQLite format 3\x00"

# Ce que le projet lit : les extensions que chaque nature porte d'ordinaire.
EXTENSIONS = {
    "texte": ("csv", "tsv", "txt", "tab"),
    "classeur Excel": ("xlsx", "xlsm"),
    "ancien classeur Excel": ("xls",),
    "classeur LibreOffice": ("ods",),
    "parquet": ("parquet",),
    "geojson": ("geojson", "json"),
    "geopackage": ("gpkg",),
    "archive": ("zip",),
}
_CONNUES = {extension: nature for nature, noms in EXTENSIONS.items() for extension in noms}

_DECOMPRESSER = "Décompressez-le, puis déposez le fichier qu'il contient."
_EXPORTER = "Déposez un tableau (CSV, XLSX, ODS) ou des contours (GeoJSON, GeoPackage)."
VERS_GEOJSON = "Dans QGIS, exportez la couche en GeoJSON ou en GeoPackage, puis déposez-la."
_ENREGISTRER = "Ouvrez-le dans Excel ou LibreOffice, puis enregistrez-le en .xlsx."

# Octets de tête → (ce que c'est, quoi faire). Le premier qui convient l'emporte.
_REFUSES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG", "image PNG", _EXPORTER),
    (b"\xff\xd8\xff", "image JPEG", _EXPORTER),
    (b"GIF8", "image GIF", _EXPORTER),
    (b"BM", "image BMP", _EXPORTER),
    (b"II*\x00", "image TIFF", _EXPORTER),
    (b"MM\x00*", "image TIFF", _EXPORTER),
    (b"RIFF", "image, son ou film", _EXPORTER),
    (b"%PDF", "document PDF", "Demandez le tableau d'origine : un PDF n'est pas lu."),
    (b"{\\rtf", "document RTF", _EXPORTER),
    (b"\x1f\x8b", "fichier compressé (gzip)", _DECOMPRESSER),
    (b"BZh", "fichier compressé (bzip2)", _DECOMPRESSER),
    (b"\xfd7zXZ", "fichier compressé (xz)", _DECOMPRESSER),
    (b"7z\xbc\xaf\x27\x1c", "archive 7-Zip", _DECOMPRESSER),
    (b"Rar!", "archive RAR", _DECOMPRESSER),
    (b"\x28\xb5\x2f\xfd", "fichier compressé (Zstandard)", _DECOMPRESSER),
    (b"ARROW1", "fichier Arrow", "Exportez-le en Parquet ou en CSV."),
    (b"\x00\x00\x27\x0a", "fichier de formes (shapefile)", VERS_GEOJSON),
    (b"fgb\x03", "fichier FlatGeobuf", VERS_GEOJSON),
    (b"\x7fELF", "programme", _EXPORTER),
    (b"MZ\x90", "programme", _EXPORTER),
)
# Les fichiers d'un même shapefile, que l'on dépose parfois un à un.
_FORMES = ("shp", "shx", "dbf", "prj", "cpg")
_LFS = b"version https://git-lfs"
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|table|div|script|meta|style)\b", re.I)
_BALISE = re.compile(rb"<(\?xml|[a-z][\w:.-]*[\s>/])", re.I)
_GEO = re.compile(rb'"(Feature|FeatureCollection|Topology|(Multi)?Polygon|features)"')
_JSON = re.compile(rb"[\[{]\s*([\[{\"\]}\d-]|true|false|null)")


class Refus(Exception):
    """Faire remonter une faute jusqu'à celui qui connaît le nom du fichier."""

    def __init__(
        self,
        regle: str,
        correction: str,
        ligne: int | None = None,
        valeur: str | None = None,
        colonne: str | None = None,
    ) -> None:
        super().__init__(regle)
        self.regle, self.correction = regle, correction
        self.ligne, self.colonne, self.valeur = ligne, colonne, valeur

    def anomalie(self, fichier: str) -> Anomalie:
        """Situer la faute dans son fichier."""
        return Anomalie(fichier, self.regle, self.correction, self.ligne, self.colonne, self.valeur)


def nature(octets: bytes, fichier: str) -> str:
    """Rendre la nature d'un fichier (clé de EXTENSIONS), d'après ses octets.

    Lève Refus s'il est vide, d'une nature qu'on ne lit pas, ou si son extension en annonce une
    autre : l'utilisateur s'est peut-être trompé de fichier.
    """
    if not octets.strip(b" \t\r\n\x00\xa0\xc2" + b"".join(MARQUES)):
        raise Refus("le fichier est vide", "Déposez le fichier d'origine, avec ses lignes.")
    _refuser(octets, fichier)
    trouvee = _reconnue(octets)
    extension = _extension(fichier)
    annoncee = _CONNUES.get(extension)
    if annoncee is not None and annoncee != trouvee:
        raise _mensonge(trouvee, extension, octets)
    return trouvee


def _extension(fichier: str) -> str:
    return PurePosixPath(fichier.replace("\\", "/")).suffix.lower().removeprefix(".")


def _refuser(octets: bytes, fichier: str) -> None:
    if _extension(fichier) in _FORMES:
        raise Refus("fichier de formes (shapefile), ce n'est pas un format lu", VERS_GEOJSON)
    for tete, quoi, conseil in _REFUSES:
        # « BM » commence aussi un texte : une image porte des octets nuls.
        if octets.startswith(tete) and (tete != b"BM" or b"\x00" in octets[:32]):
            if conseil == _DECOMPRESSER:
                pronom = "la" if quoi.startswith("archive") else "le"
                raise Refus(f"{quoi}{INSECABLE}: décompressez-{pronom} d'abord", conseil)
            raise Refus(f"ce n'est pas un {_attendu(fichier)} ({quoi})", conseil)
    tete_texte = _ascii(octets[:4096]).lstrip()
    if tete_texte.startswith(_LFS):
        conseil = "Téléchargez le fichier lui-même (git lfs pull), puis déposez-le."
        raise Refus("ce fichier est un pointeur Git LFS, pas les données", conseil)
    if _HTML.match(tete_texte) or (_BALISE.match(tete_texte) and _HTML.search(tete_texte)):
        regle = f"ce n'est pas un {_attendu(fichier)} (page web, HTML)"
        contours = _extension(fichier) in (*EXTENSIONS["geojson"], *EXTENSIONS["geopackage"])
        conseil = _EXPORTER if contours else _ENREGISTRER
        raise Refus(regle, f"{conseil} Si c'est une page d'erreur, téléchargez de nouveau.")
    if _BALISE.match(tete_texte):
        raise Refus(f"ce n'est pas un {_attendu(fichier)} (XML, KML ou GML)", _EXPORTER)


def _attendu(fichier: str) -> str:
    extension = fichier.rpartition(".")[2].upper() if "." in fichier else ""
    return extension if extension.lower() in _CONNUES else "tableau"


def _ascii(octets: bytes) -> bytes:
    """Ôter la marque d'encodage et les octets nuls, pour chercher une balise dans tout texte."""
    for marque in MARQUES:
        octets = octets.removeprefix(marque)
    return octets.replace(b"\x00", b"")


def _reconnue(octets: bytes) -> str:
    if octets.startswith(b"PK\x03\x04") or octets.startswith(b"PK\x05\x06"):
        return _dans_le_zip(octets)
    if octets.startswith(OLE):
        return _dans_le_ole(octets)
    if octets.startswith(b"PAR1"):
        return "parquet"
    if octets.startswith(SQLITE):
        return "geopackage"
    return "geojson" if _JSON.match(_ascii(octets[:4096]).lstrip()) else "texte"


def _dans_le_zip(octets: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            noms = set(archive.namelist())
            if "mimetype" in noms:
                genre = archive.read("mimetype")[:100]
                return _office(genre)
    except Exception:  # Abîmée : le lecteur des archives dira de quoi il s'agit.
        return "archive"
    if any(n.startswith("xl/") for n in noms):
        return "classeur Excel"
    if any(n.startswith(("word/", "ppt/")) for n in noms):
        raise Refus("ce n'est pas un tableau (document Word ou PowerPoint)", _EXPORTER)
    return "archive"


def _office(genre: bytes) -> str:
    if b"spreadsheet" in genre:
        return "classeur LibreOffice"
    raise Refus("ce n'est pas un tableau (document LibreOffice)", _EXPORTER)


def _dans_le_ole(octets: bytes) -> str:
    """Distinguer un ancien .xls d'un classeur chiffré, à leurs noms de flux."""
    flux = {nom for nom in ("EncryptedPackage", "Workbook", "Book") if _utf16(nom) in octets}
    if "EncryptedPackage" not in flux and flux:
        return "ancien classeur Excel"
    conseil = "Ouvrez-le dans Excel, ôtez le mot de passe, puis enregistrez-le en .xlsx."
    regle = "classeur protégé par mot de passe ou ancien format .xls"
    raise Refus(regle, conseil)


def _utf16(nom: str) -> bytes:
    return nom.encode("utf-16-le") + b"\x00\x00"


def _mensonge(trouvee: str, extension: str, octets: bytes) -> Refus:
    bonne = EXTENSIONS[trouvee][0]
    changer = f"changez l'extension en .{bonne}"
    if trouvee == "texte" and not _lisible(octets):
        return Refus(f"fichier .{extension} abîmé", "Téléchargez ou exportez-le de nouveau.")
    if trouvee == "texte" and extension in EXTENSIONS["geojson"]:
        conseil = "Exportez de nouveau le fichier depuis le logiciel qui l'a produit."
        return Refus("JSON invalide, le fichier ne contient pas de contours", conseil, 1)
    if trouvee == "archive" and extension in ("xlsx", "xlsm", "ods"):
        regle = "fichier Excel abîmé" if extension != "ods" else "fichier LibreOffice abîmé"
        return Refus(regle, "Ouvrez-le dans le tableur, puis enregistrez-le de nouveau.")
    if trouvee == "geojson" and not _GEO.search(_ascii(octets[:4096])):
        conseil = "Exportez les données en tableau (CSV, XLSX ou ODS), puis déposez-le."
        return Refus(f"c'est un fichier JSON, pas un .{extension}", conseil)
    phrases = {
        "texte": f"c'est un fichier texte{INSECABLE}: {changer}",
        "classeur Excel": f"c'est un classeur Excel{INSECABLE}: {changer}",
        "ancien classeur Excel": "classeur protégé par mot de passe ou ancien format .xls",
        "classeur LibreOffice": (
            f"c'est un fichier LibreOffice (.ods){INSECABLE}: enregistrez en .xlsx"
        ),
        "parquet": f"c'est un fichier Parquet{INSECABLE}: {changer}",
        "geojson": f"c'est un fichier JSON{INSECABLE}: {changer}",
        "geopackage": f"c'est une base SQLite (GeoPackage){INSECABLE}: {changer}",
        "archive": f"c'est une archive ZIP{INSECABLE}: décompressez-la, ou {changer}",
    }
    conseil = f"Renommez-le en .{bonne}, ou enregistrez-le au format .{extension}."
    return Refus(phrases[trouvee], conseil)


def _lisible(octets: bytes) -> bool:
    """Dire si des octets ont l'air d'un texte : presque pas d'octets de contrôle."""
    debut = _ascii(octets[:4096])
    controles = sum(o < 32 and o not in (9, 10, 11, 12, 13, 27) for o in debut)
    return controles * 20 <= len(debut)
