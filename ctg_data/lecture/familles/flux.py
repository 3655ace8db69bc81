"""Lire et filtrer un CSV national en flux, avec l'analyseur de pyarrow, à mémoire bornée."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.familles.modele import Annulation, Reconnaissance, Refus
from ctg_data.textes import compte

Progression = Callable[[float], bool]

MO = 1 << 20
# Un bloc plus grand n'est pas plus rapide et coûte sa taille à chaque fil.
BLOC = 2 * MO
# Une ligne plus longue que la marge renvoie à la lecture en un seul flux.
MARGE = 64 << 10
FILS = 3
BLOC_FLUX = MO
FAUTES_MAX = 5


@dataclass(frozen=True)
class Plan:
    """Dire comment lire un CSV : séparateur, début des lignes, colonnes, filtre des communes."""

    reconnaissance: Reconnaissance
    fichier: str
    noms: tuple[str, ...]
    separateur: str
    debut: int
    rangs: tuple[int, ...]
    clef: int | None
    codes: frozenset[str]
    coupe: slice | None = None


# --- Lire un CSV ---------------------------------------------------------------------------------


def lire_csv(
    chemin: Path, plan: Plan, progression: Progression
) -> tuple[pa.Table, int, list[Anomalie]]:
    """Lire par blocs ; si un bloc ne s'analyse pas seul, tout relire en un flux."""
    try:
        table, lues = _lire_par_blocs(chemin, plan, progression)
        return table, lues, []
    except pa.ArrowInvalid:
        with chemin.open("rb") as flux:
            return lire_flux(flux, chemin.stat().st_size, plan, progression)


def _lire_par_blocs(chemin: Path, plan: Plan, progression: Progression) -> tuple[pa.Table, int]:
    bornes = range(plan.debut, chemin.stat().st_size, BLOC)
    tables, lues = [table_vide(plan)], 0
    fils = min(FILS, os.cpu_count() or 1) + 1
    with closing(_Blocs(chemin, plan)) as lecteur, ThreadPoolExecutor(fils) as equipe:
        for fait, (table, lignes) in enumerate(equipe.map(lecteur.lire, bornes), 1):
            tables.append(table)
            lues += lignes
            if not progression(fait / len(bornes)):
                equipe.shutdown(wait=True, cancel_futures=True)
                raise Annulation
    return pa.concat_tables(tables), lues


class _Blocs:
    """Lire et filtrer un bloc d'octets ; chaque fil garde son tampon et son fichier ouvert."""

    def __init__(self, chemin: Path, plan: Plan) -> None:
        self.chemin, self.plan, self.fil = chemin, plan, threading.local()
        self.ouverts: list[IO[bytes]] = []
        self.options = _options(plan, 1 + BLOC + MARGE, use_threads=False)

    def lire(self, debut: int) -> tuple[pa.Table, int]:
        """Lire les lignes qui commencent dans un bloc : celles gardées, et le compte de toutes."""
        octets = self._octets(debut)
        if not octets:
            # Toutes les lignes de ce bloc ont commencé dans un autre.
            return table_vide(self.plan), 0
        table = pacsv.read_csv(pa.BufferReader(pa.py_buffer(octets)), *self.options)
        return filtrer(table, self.plan), table.num_rows

    def close(self) -> None:
        """Fermer les fichiers des fils : Windows verrouille un fichier ouvert."""
        for flux in self.ouverts:
            flux.close()

    def _octets(self, debut: int) -> memoryview:
        if not hasattr(self.fil, "tampon"):
            self.fil.tampon = bytearray(1 + BLOC + MARGE)
            self.fil.flux = self.chemin.open("rb", buffering=0)
            self.ouverts.append(self.fil.flux)
        tampon = self.fil.tampon
        # L'octet d'avant dit si `debut` tombe sur un début de ligne.
        self.fil.flux.seek(debut - 1)
        lus = self.fil.flux.readinto(tampon)
        premier = tampon.find(b"\n", 0, lus) + 1
        fin = tampon.find(b"\n", BLOC, lus) + 1
        if not fin and lus == len(tampon):
            raise pa.ArrowInvalid("ligne plus longue que la marge")
        return memoryview(tampon)[premier or lus : max(fin or lus, premier)]


def _options(plan: Plan, bloc: int, **lecture: Any) -> tuple[Any, Any, Any]:
    """Régler l'analyseur : seules les colonnes utiles sont converties, en octets."""
    noms = [str(rang) for rang in range(len(plan.noms))]
    utiles = [str(rang) for rang in plan.rangs]
    return (
        pacsv.ReadOptions(column_names=noms, block_size=bloc, **lecture),
        pacsv.ParseOptions(delimiter=plan.separateur, newlines_in_values=True),
        pacsv.ConvertOptions(
            include_columns=utiles, column_types=dict.fromkeys(utiles, pa.binary())
        ),
    )


def lire_flux(
    flux: IO[bytes], taille: int, plan: Plan, progression: Progression
) -> tuple[pa.Table, int, list[Anomalie]]:
    """Lire un CSV en un seul flux ; une ligne de travers est écartée et signalée."""
    flux.read(plan.debut)
    suivi = _Suivi(flux, taille - plan.debut, progression)
    fautes: list[pacsv.InvalidRow] = []

    def ecarter(ligne: pacsv.InvalidRow) -> str:
        fautes.append(ligne)
        return "skip"

    lecture, analyse, conversion = _options(plan, BLOC_FLUX)
    analyse.invalid_row_handler = ecarter
    tables, lues = [table_vide(plan)], 0
    try:
        for lot in pacsv.open_csv(pa.PythonFile(suivi, mode="r"), lecture, analyse, conversion):
            tables.append(filtrer(pa.Table.from_batches([lot]), plan))
            lues += lot.num_rows
            suivi.verifier()
    except (pa.ArrowInvalid, zipfile.BadZipFile, EOFError, OSError) as faute:
        suivi.verifier()
        conseil = "Le fichier est abîmé ou incomplet : téléchargez-le de nouveau."
        raise refuser(plan.fichier, "lecture interrompue", conseil) from faute
    suivi.verifier()
    return pa.concat_tables(tables), lues, list(_lignes_de_travers(fautes, plan))


class _Suivi:
    """Compter les octets lus d'un flux ; une annulation arrête la lecture au bloc suivant."""

    closed = False

    def __init__(self, flux: IO[bytes], taille: int, progression: Progression) -> None:
        self.flux, self.taille, self.progression = flux, max(taille, 1), progression
        self.lus, self.annule = 0, False

    def read(self, nombre: int = -1) -> bytes:
        """Lire au plus `nombre` octets ; rien après une annulation."""
        if self.annule:
            return b""
        octets = self.flux.read(nombre)
        self.lus += len(octets)
        return octets

    def verifier(self) -> None:
        """Dire où en est la lecture ; lève Annulation si l'utilisateur l'a demandée."""
        self.annule = self.annule or not self.progression(min(1.0, self.lus / self.taille))
        if self.annule:
            raise Annulation

    def close(self) -> None:
        """Laisser le flux à qui l'a ouvert."""

    def readable(self) -> bool:
        """Se dire lisible, comme pyarrow le demande."""
        return True

    def writable(self) -> bool:
        """Se dire fermé à l'écriture."""
        return False

    def seekable(self) -> bool:
        """Se dire sans retour en arrière."""
        return False


def _lignes_de_travers(fautes: list[pacsv.InvalidRow], plan: Plan) -> Iterator[Anomalie]:
    """Signaler les lignes qui n'ont pas le nombre de colonnes de l'en-tête."""
    for faute in fautes[:FAUTES_MAX]:
        regle = f"{compte(faute.actual_columns, 'colonne')} au lieu de {faute.expected_columns}"
        conseil = "Ligne laissée de côté. Le fichier est abîmé : téléchargez-le de nouveau."
        yield Anomalie(plan.fichier, regle, conseil, valeur=abreger(faute.text))
    if len(fautes) > FAUTES_MAX:
        reste = compte(len(fautes) - FAUTES_MAX, "autre ligne", "autres lignes")
        yield Anomalie(plan.fichier, f"{reste} de travers", "Téléchargez de nouveau le fichier.")


# --- Filtrer -------------------------------------------------------------------------------------


def filtrer(table: pa.Table, plan: Plan) -> pa.Table:
    """Garder les lignes des communes ; sans clef, toutes."""
    if plan.clef is None:
        return table
    return table.filter(_du_territoire(table.column(str(plan.clef)), plan))


def _du_territoire(codes: pa.ChunkedArray, plan: Plan) -> pa.ChunkedArray:
    if plan.coupe is None:
        return pc.is_in(codes, value_set=_octets(plan.codes))
    garde = pc.is_in(
        pc.binary_slice(codes, plan.coupe.start, plan.coupe.stop), value_set=_octets(plan.codes)
    )
    if plan.coupe.stop is None or not any(c.startswith("0") for c in plan.codes):
        return garde
    # Un code d'Iris sans son zéro de tête n'a que huit chiffres, dont quatre pour la commune.
    courts = pc.equal(pc.binary_length(codes), 8)
    sans_zero = pc.is_in(pc.binary_slice(codes, 0, 4), value_set=_octets(plan.codes))
    return pc.or_(garde, pc.and_(courts, sans_zero))


def _octets(codes: Collection[str]) -> pa.Array:
    return pa.array([c.encode() for c in codes], pa.binary())


def table_vide(plan: Plan) -> pa.Table:
    """Rendre une table sans ligne : un fichier où rien n'est gardé a tout de même ses colonnes."""
    return pa.table({str(rang): pa.array([], pa.binary()) for rang in plan.rangs})


def cellules_de(table: pa.Table, rangs: Collection[int]) -> pd.DataFrame:
    """Passer en texte les lignes gardées ; seules celles-là sont décodées."""
    colonnes = {r: [decoder(o) for o in table.column(str(r)).to_pylist()] for r in rangs}
    return pd.DataFrame(colonnes, dtype=object)


def decoder(octets: bytes | None) -> str:
    """Décoder en UTF-8, sinon en Windows-1252, les deux encodages des fichiers publics."""
    try:
        return (octets or b"").decode("utf-8")
    except UnicodeDecodeError:
        return (octets or b"").decode("cp1252", "replace")


def refuser(fichier: str, regle: str, conseil: str, valeur: str | None = None) -> Refus:
    """Préparer le refus d'un fichier : règle, conseil, valeur trouvée."""
    return Refus(Anomalie(fichier, regle, conseil, valeur=valeur))
