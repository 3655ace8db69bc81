"""Déposer des tables dans le dossier d'un territoire : tout ou rien, et toujours réversible.

Le dossier d'un territoire d'utilisateur garde ses CSV, et dans `depots/` un dossier par dépôt : le
fichier d'origine, l'état d'avant, et provenance.json. Appeler `terminer` avant de lire un
territoire : un dépôt qu'une coupure a interrompu y est mené à son terme (voir bascule.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from ctg_data.anomalies import Anomalie
from ctg_data.bascule import (
    AVANT,
    DEPOTS,
    IDENTIFIANT,
    JOURNAL,
    Lot,
    contours_de,
    ecrire_lot,
    en_json,
    finir,
    inacheve,
    permis,
)
from ctg_data.ecriture import ErreurEcriture, csv_de_table, verrou
from ctg_data.fusion import Changements, comparer, fondre
from ctg_data.lecture import lire_csv
from ctg_data.schema import Schema, schemas
from ctg_data.territoire import EMBARQUES, copier, lire_fiche
from ctg_data.validation import correspondances, valider

PROVENANCE = "provenance.json"
RETOUR = "retour"
DEPOT = "depot"
EXTENSIONS = frozenset(
    {".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".parquet", ".geojson", ".json", ".gpkg"}
    | {".zip"}
)


@dataclass(frozen=True)
class Apercu:
    """Porter ce qu'un dépôt changerait, et les raisons de le refuser s'il y en a.

    `marque` : empreinte de l'état lu, à rendre à `appliquer` pour qu'il refuse d'écrire sur un état
    que l'on n'a pas vu.
    """

    tables: Mapping[str, Changements]
    marque: str
    anomalies: tuple[Anomalie, ...] = ()

    @property
    def applicable(self) -> bool:
        """Dire si le dépôt peut être appliqué, et s'il change quelque chose."""
        return not self.anomalies and not all(c.vide for c in self.tables.values())


@dataclass(frozen=True)
class Depot:
    """Porter un dépôt de l'historique.

    `quand` : date et heure (ISO) ; `empreinte` : SHA-256 du fichier d'origine ; `provenance` : ce
    que la reconnaissance en a dit (producteur, millésime, licence…) ; `tables` : par table, nombres
    de lignes ajoutées, modifiées, retirées et inchangées ; `fichiers` : ceux du territoire qu'il a
    touchés ; `nature` : depot, ou retour (alors `retour_de` est l'identifiant du dépôt défait).
    """

    identifiant: str
    quand: str
    auteur: str
    fichier: str
    empreinte: str
    taille: int
    provenance: Mapping[str, str]
    tables: Mapping[str, Mapping[str, int]]
    fichiers: tuple[str, ...]
    nature: str = DEPOT
    retour_de: str = ""


@dataclass(frozen=True)
class _Etat:
    """Porter l'état d'un territoire : octets de chaque fichier, tables relues, fautes."""

    octets: Mapping[str, bytes]
    tables: Mapping[str, pd.DataFrame]
    communes: tuple[str, ...]
    fiche: tuple[Anomalie, ...]
    fautes: tuple[Anomalie, ...]


# --- Ouvrir -------------------------------------------------------------------------------------


def est_embarque(dossier: Path) -> bool:
    """Dire si un territoire est livré avec l'outil : on ne le modifie jamais."""
    return dossier.resolve().is_relative_to(EMBARQUES.resolve())


def chez_soi(dossier: Path, dossier_territoires: Path) -> Path:
    """Rendre le dossier où déposer : celui-là, ou sa copie chez l'utilisateur s'il est livré.

    Lève ErreurEcriture si la copie est impossible.
    """
    if not est_embarque(dossier):
        return dossier
    cible = dossier_territoires / dossier.name
    with verrou(dossier_territoires.parent):
        if not cible.exists():
            copier(dossier, cible)
    return cible


def terminer(dossier: Path) -> None:
    """Finir un dépôt qu'une coupure a interrompu ; ne fait rien, et vite, s'il n'y en a pas.

    Lève ErreurEcriture si le système refuse : le dépôt reste à finir, rien n'est perdu.
    """
    if not (dossier / DEPOTS / JOURNAL).is_file():
        return
    with verrou(_donnees(dossier)):
        try:
            finir(dossier)
        except OSError as faute:
            raise inacheve(dossier) from faute


def _donnees(dossier: Path) -> Path:
    # Un territoire est dans <données>/territoires/<nom> : un seul verrou pour tout le dossier.
    return dossier.parent.parent


# --- Prévoir ------------------------------------------------------------------------------------


def apercu(dossier: Path, tables: Mapping[str, pd.DataFrame], remplacer: bool = False) -> Apercu:
    """Dire ce qu'un dépôt changerait, sans rien écrire ; ne lève pas sur des tables fautives.

    `tables` : par nom de schéma, les lignes à déposer (typées). `remplacer` : la table entière est
    remplacée, au lieu d'être complétée par clé primaire.
    """
    return _prevoir(_lire(dossier, tables), tables, remplacer)[0]


def _prevoir(
    etat: _Etat, tables: Mapping[str, pd.DataFrame], remplacer: bool
) -> tuple[Apercu, dict[str, bytes]]:
    """Rendre l'aperçu, et les octets de chaque table après le dépôt."""
    anomalies = [*etat.fiche, *([] if remplacer else etat.fautes)]
    changements, octets = {}, {}
    for nom, recues in tables.items():
        schema = schemas()[nom]
        neuves, fautes = _controler(csv_de_table(recues), schema, etat.communes)
        anomalies += fautes
        if anomalies:
            continue
        apres = fondre(etat.tables.get(nom), neuves, schema, remplacer)
        octets[f"{nom}.csv"] = csv_de_table(apres)
        relue, fautes = _controler(octets[f"{nom}.csv"], schema, etat.communes)
        anomalies += fautes
        changements[nom] = comparer(etat.tables.get(nom), relue, schema)
    return Apercu(changements, _marque(etat, tables), tuple(anomalies)), octets


def _lire(dossier: Path, tables: Iterable[str], autres: Iterable[str] = ()) -> _Etat:
    """Lire les fichiers concernés tels qu'ils sont ; une table fautive est dite."""
    territoire, fiche = lire_fiche(dossier)
    presents = [f for f in (*(f"{t}.csv" for t in tables), *autres) if (dossier / f).is_file()]
    octets = {fichier: (dossier / fichier).read_bytes() for fichier in presents}
    lues, fautes = {}, []
    for nom in schemas():
        if f"{nom}.csv" not in octets:
            continue
        table, erreurs = _controler(octets[f"{nom}.csv"], schemas()[nom], territoire.communes)
        fautes += erreurs
        if not erreurs:
            lues[nom] = table
    if fautes:
        conseil = "Corrigez-la, ou remplacez-la tout entière par le fichier déposé."
        fautes.append(Anomalie(dossier.name, "la table actuelle a des fautes", conseil))
    return _Etat(octets, lues, territoire.communes, tuple(fiche), tuple(fautes))


def _controler(
    octets: bytes, schema: Schema, communes: tuple[str, ...]
) -> tuple[pd.DataFrame, list[Anomalie]]:
    """Relire des octets comme le fera l'application ; rendre la table et ses seules erreurs."""
    tableau, anomalies = lire_csv(octets, f"{schema.nom}.csv")
    if tableau is None:
        return pd.DataFrame(), anomalies
    table, fautes = valider(tableau, _etendu(schema, tableau.entete), communes or None)
    return table, [a for a in [*anomalies, *fautes] if a.erreur]


def _etendu(schema: Schema, entete: Sequence[str]) -> Schema:
    """Ajouter à un schéma les colonnes propres au fichier, en texte : rien ne se perd."""
    connus = set(correspondances(entete, schema).values())
    en_plus = [nom for rang, nom in enumerate(entete) if nom and rang not in connus]
    modele = next(c for c in schema.colonnes if c.type == "string")
    libre = replace(
        modele,
        obligatoire=False,
        presence=False,
        longueur_min=0,
        motif=None,
        valeurs=(),
        synonymes=(),
    )
    return replace(schema, colonnes=schema.colonnes + tuple(replace(libre, nom=n) for n in en_plus))


def _marque(etat: _Etat, tables: Iterable[str]) -> str:
    fichiers = {f"{nom}.csv" for nom in tables}
    sommes = sorted((f, empreinte(octets)) for f, octets in etat.octets.items() if f in fichiers)
    return empreinte(json.dumps(sommes).encode())


def empreinte(octets: bytes) -> str:
    """Rendre l'empreinte SHA-256 d'octets, en hexadécimal."""
    return hashlib.sha256(octets).hexdigest()


# --- Appliquer ----------------------------------------------------------------------------------


def appliquer(
    dossier: Path,
    tables: Mapping[str, pd.DataFrame],
    original: bytes,
    fichier: str,
    provenance: Mapping[str, str],
    auteur: str,
    quand: dt.datetime,
    remplacer: bool = False,
    *,
    marque: str | None = None,
    contours: bytes | None = None,
) -> Depot:
    """Déposer des tables, toutes ou aucune, et rendre le dépôt inscrit à l'historique.

    `original` : octets du fichier déposé (ou de l'extrait d'un fichier national), gardés avec leur
    empreinte ; `fichier` : son nom, pour mémoire ; `marque` : celle de l'aperçu montré ;
    `contours` : GeoJSON déjà contrôlé, posé à la place des contours du territoire. Lève
    ErreurEcriture si le territoire est livré, si une table ne passe pas le contrôle, si l'état a
    changé depuis l'aperçu, ou si le disque refuse : rien n'est alors changé.
    """
    _refuser_embarque(dossier)
    trace = [contours_de(dossier)] if contours is not None else []
    with verrou(_donnees(dossier)):
        finir(dossier)
        etat = _lire(dossier, tables, trace)
        prevu, octets = _prevoir(etat, tables, remplacer)
        fautes = [*prevu.anomalies, *_etat_change(dossier, etat, tables, marque)]
        if fautes:
            raise ErreurEcriture(*fautes)
        apres: dict[str, bytes | None] = {**octets, **dict.fromkeys(trace, contours)}
        depot = Depot(
            identifiant=_identifiant(dossier, original, quand),
            quand=quand.isoformat(timespec="seconds"),
            auteur=auteur,
            fichier=fichier,
            empreinte=empreinte(original),
            taille=len(original),
            provenance=dict(provenance),
            tables={nom: changements.comptes for nom, changements in prevu.tables.items()},
            fichiers=tuple(apres),
        )
        _inscrire(dossier, depot, apres, etat, original)
    return depot


def _etat_change(
    dossier: Path, etat: _Etat, tables: Iterable[str], marque: str | None
) -> list[Anomalie]:
    if marque is None or marque == _marque(etat, tables):
        return []
    conseil = "Regardez de nouveau ce qui va changer, puis appliquez."
    return [Anomalie(dossier.name, "les données ont changé depuis l'aperçu", conseil)]


def revenir(dossier: Path, depot: str, auteur: str, quand: dt.datetime) -> Depot:
    """Remettre les fichiers qu'un dépôt a touchés dans leur état d'avant, et l'inscrire.

    Les dépôts qui l'ont suivi sur les mêmes fichiers sont défaits avec lui. Le retour est lui-même
    un dépôt : il peut être défait. Lève ErreurEcriture si le dépôt est inconnu, ou si le disque
    refuse.
    """
    _refuser_embarque(dossier)
    with verrou(_donnees(dossier)):
        finir(dossier)
        connus = {d.identifiant: d for d in historique(dossier)}
        if depot not in connus:
            conseil = "Choisissez un dépôt de l'historique."
            raise ErreurEcriture(Anomalie(dossier.name, "dépôt inconnu", conseil))
        apres = _octets_d_avant(dossier, connus[depot])
        tables = [nom for nom in schemas() if f"{nom}.csv" in apres]
        etat = _lire(dossier, tables, [f for f in apres if f == contours_de(dossier)])
        retour = Depot(
            identifiant=_identifiant(dossier, depot.encode(), quand),
            quand=quand.isoformat(timespec="seconds"),
            auteur=auteur,
            fichier=connus[depot].fichier,
            empreinte=connus[depot].empreinte,
            taille=0,
            provenance=dict(connus[depot].provenance),
            tables={nom: _compter_retour(nom, apres[f"{nom}.csv"], etat) for nom in tables},
            fichiers=tuple(apres),
            nature=RETOUR,
            retour_de=depot,
        )
        _inscrire(dossier, retour, apres, etat)
    return retour


def _refuser_embarque(dossier: Path) -> None:
    if est_embarque(dossier):
        conseil = "Préparez d'abord votre copie de ce territoire."
        raise ErreurEcriture(Anomalie(dossier.name, "territoire livré avec l'outil", conseil))


def _octets_d_avant(dossier: Path, depot: Depot) -> dict[str, bytes | None]:
    """Rendre les octets qu'avait, juste avant un dépôt, chaque fichier qu'il a touché."""
    source = dossier / DEPOTS / depot.identifiant / AVANT
    connus = [f for f in depot.fichiers if permis(f, dossier)]
    return {f: (source / f).read_bytes() if (source / f).is_file() else None for f in connus}


def _compter_retour(nom: str, octets: bytes | None, etat: _Etat) -> dict[str, int]:
    """Compter ce qu'un retour change ; une table illisible n'a pas de compte par ligne."""
    schema = schemas()[nom]
    relue = pd.DataFrame(columns=[c.nom for c in schema.colonnes])
    if octets is not None:
        relue, erreurs = _controler(octets, schema, etat.communes)
        if erreurs:
            return {}
    return comparer(etat.tables.get(nom), relue, schema).comptes


def _identifiant(dossier: Path, original: bytes, quand: dt.datetime) -> str:
    """Former un identifiant neuf, qui se range après ceux qui existent."""
    base = f"{quand:%Y%m%dT%H%M%S}-{empreinte(original)[:8]}"
    memes = {_ordre(d.name) for d in _ranges(dossier)}
    rangs = {rang for instant, rang in memes if instant == _ordre(base)[0]}
    return f"{base}_{max(rangs) + 1}" if rangs else base


def _inscrire(
    dossier: Path,
    depot: Depot,
    apres: Mapping[str, bytes | None],
    etat: _Etat,
    original: bytes | None = None,
) -> None:
    annexes = {PROVENANCE: en_json(asdict(depot))}
    if original is not None:
        annexes[_nom_original(depot.fichier)] = original
    ecrire_lot(dossier, Lot(depot.identifiant, apres, etat.octets, annexes))


def _nom_original(fichier: str) -> str:
    # Le nom donné n'est jamais un chemin : seule son extension, si elle est connue, est reprise.
    extension = Path(fichier).suffix.lower()
    return f"original{extension if extension in EXTENSIONS else '.bin'}"


# --- Relire -------------------------------------------------------------------------------------


def historique(dossier: Path) -> list[Depot]:
    """Lister les dépôts d'un territoire, du plus ancien au plus récent ; ne lève jamais.

    Un dossier qui n'est pas un dépôt, ou dont la provenance ne se lit pas, est passé.
    """
    lus = [_relire(d) for d in sorted(_ranges(dossier), key=lambda d: _ordre(d.name))]
    return [d for d in lus if d is not None]


def _ranges(dossier: Path) -> list[Path]:
    return [d for d in (dossier / DEPOTS).glob("*") if IDENTIFIANT.fullmatch(d.name)]


def _ordre(identifiant: str) -> tuple[str, int]:
    # Le rang range les dépôts d'une même seconde, quels que soient leurs fichiers.
    base, _, rang = identifiant.partition("_")
    return base.partition("-")[0], int(rang or 1)


def _relire(dossier: Path) -> Depot | None:
    try:
        brut = json.loads((dossier / PROVENANCE).read_text("utf-8"))
        fichiers = tuple(map(str, brut["fichiers"]))
        return Depot(**{**brut, "identifiant": dossier.name, "fichiers": fichiers})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def original(dossier: Path, depot: str) -> bytes | None:
    """Rendre les octets du fichier d'origine d'un dépôt ; None s'ils n'y sont pas (retour)."""
    connus = {d.identifiant for d in historique(dossier)}
    if depot not in connus:
        return None
    fichiers = sorted((dossier / DEPOTS / depot).glob("original.*"))
    return fichiers[0].read_bytes() if fichiers else None
